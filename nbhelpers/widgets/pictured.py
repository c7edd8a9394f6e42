from nbhelpers.widgets.base import CourseWidget as PicturedWidget, describe_error as named, new_figure, script, to_png  # noqa
