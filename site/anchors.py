"""The anchors of headings, by which the notebooks link to one another."""


def as_in_jupyterlab(title):
    return title.replace(" ", "-")
