"""Sliders and menus for figures of recorded runs."""

import inspect
import threading
from collections.abc import Iterable
from functools import lru_cache
from numbers import Real

import numpy as np
import traitlets

from nbhelpers.widgets.base import CourseWidget, as_picture, describe_error, new_figure, script, to_png


def explore(plot, /, *args, **controls):
    """Give an axes-level plot function a slider or a menu for each of these keyword arguments.

    Numbers get a slider, everything else a menu. At first each control stands at the default that
    `plot` has for it, where that is one of the options, and at the first option otherwise.
    The figure is drawn once per combination, so use it for what is drawn in milliseconds.

    Parameters
    ----------
    plot : callable
        Called as ``plot(*args, ax=ax, **values)``; draws on `ax`, a cleared Axes, alone.
    *args
        Passed on to `plot` as they are.
    **controls : sequence or xarray.DataArray
        The options of each keyword argument, usually a coordinate of the recorded runs, such as
        ``units=runs.units``: then no value can be chosen that was not recorded. Options may be of any kind.

    Returns
    -------
    Explorer
        A widget; its `values` are the chosen ones.

    Raises
    ------
    TypeError
        If `plot` takes no argument `ax`, or none of the name of a control.
    ValueError
        If there is no control, one is called "ax", or one has no options.
    Exception
        Whatever `plot` raises for the first values. What it raises later is shown in the widget.

    Examples
    --------
    >>> explore(plot_depth, runs, learning_rate=runs.learning_rate, activation=["relu", "tanh"])
    """
    parameters = inspect.signature(plot).parameters
    options = {name: _options(name, given) for name, given in controls.items()}
    _check_controls(plot, parameters, options)
    return Explorer(plot, args, options, parameters)


class Explorer(CourseWidget):
    """The widget that `explore` returns: one Figure, kept and drawn again for each new combination."""

    _esm = script("explorer.js")
    controls = traitlets.List().tag(sync=True)
    index = traitlets.List(traitlets.Int()).tag(sync=True)
    picture = traitlets.Bytes().tag(sync=True)
    alt = traitlets.Unicode().tag(sync=True)
    problem = traitlets.Unicode().tag(sync=True)

    def __init__(self, plot, args, options, parameters):
        super().__init__()
        self._plot, self._args, self._options = plot, args, options
        # JupyterLab calls back in several threads, and they share one Figure.
        self._lock = threading.Lock()
        self._axes, self._place = new_figure(layout="constrained").subplots(), None
        self.drawn = lru_cache(maxsize=128)(self._draw)
        self.controls = [spec(name, values) for name, values in options.items()]
        defaults = ((values, parameters.get(name)) for name, values in options.items())
        self._set([_place(p.default, values) if p else 0 for values, p in defaults])

    @property
    def values(self):
        """The chosen values, a dict of keyword argument to value."""
        return self._values(self.index)

    def _values(self, index):
        return {name: values[i] for (name, values), i in zip(self._options.items(), index, strict=True)}

    def receive(self, message, buffers):
        index = message["index"]
        if message["do"] == "show":
            self._show(index)
        else:
            self.send({"ahead": index, "alt": self._describe(index)}, [self.drawn(tuple(index))])

    def _show(self, index):
        """Choose this combination; where it cannot be drawn, the reason takes the place of the picture."""
        try:
            self._set(index)
        except Exception as error:
            values = ", ".join(f"{name}={value!r}" for name, value in self._values(index).items())
            with self.hold_sync():
                self.index, self.picture, self.alt = index, b"", ""
                self.problem = f"{describe_error(error)}\n(drawing {values})"

    def _set(self, index):
        """Choose this combination: all that the page shows of it goes there at once."""
        png = self.drawn(tuple(index))
        with self.hold_sync():
            self.index, self.picture, self.alt, self.problem = list(index), png, self._describe(index), ""
            self.sentence = self._say_how(index)

    def _draw(self, index):
        """Draw the combination with these positions in the options; return it as a PNG."""
        with self._lock:
            self._axes.clear()
            self._plot(*self._args, ax=self._axes, **self._values(index))
            return self._fitted()

    def _fitted(self):
        """Return the figure as a PNG, in the layout of the first picture as long as all texts fit in.

        Making the layout anew for each picture would double the time.
        """
        figure = self._axes.figure
        png = to_png(figure)
        if self._place is not None and sticks_out(figure):
            self._axes.set_in_layout(True)  # which setting a position had ended
            figure.set_layout_engine("constrained")
            png = to_png(figure)
        self._place = self._place or self._axes.get_position()
        figure.set_layout_engine("none")
        self._axes.set_position(self._place)
        return png

    def _describe(self, index):
        """The picture in words."""
        title = _name_of(self._plot).replace("_", " ")
        return f"{title} for {', '.join(f'{label} {text}' for label, text in self._chosen(index))}"

    def _chosen(self, index):
        return [(spec["label"], spec["options"][i]) for spec, i in zip(self.controls, index, strict=True)]

    def _say_how(self, index):
        return "Run the cell to change: " + ", ".join(f"{label} = {text}" for label, text in self._chosen(index))

    def fallback(self):
        return self.picture or as_picture(self.problem), self._say_how(self.index)


def sticks_out(figure, *, inches=0.02):
    """Whether something on the figure, drawn just now, lies beyond its edges."""
    drawn, page = figure.get_tightbbox(figure.canvas.get_renderer()), figure.bbox_inches
    return bool((drawn.min < page.min - inches).any() or (drawn.max > page.max + inches).any())


def _options(name, given):
    """The options of a control as a list, of plain Python values where they come from an array."""
    if isinstance(given, str | bytes) or not isinstance(given, Iterable) or getattr(given, "ndim", 1) != 1:
        raise ValueError(f"The control {name!r} needs a list of options or a coordinate, got {given!r}.")
    values = getattr(given, "values", given)  # of a coordinate or an index; of a dict it is a method
    options = [v.item() if isinstance(v, np.generic) else v for v in (given if callable(values) else values)]
    if not options:
        raise ValueError(f"The control {name!r} has no options to choose from: its list is empty.")
    return options


def _place(value, options):
    """Return where the value stands among the options, 0 if it does not; options may be of any kind, arrays too."""
    return next((i for i, option in enumerate(options) if option is value or _equal(value, option)), 0)


def _equal(a, b):
    if isinstance(a, bool) or isinstance(b, bool) or not (isinstance(a, Real) and isinstance(b, Real)):
        return type(a) is type(b) and bool(np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b)
    return a == b


def _name_of(plot):
    """The name of a function, also of one wrapped by functools.partial; of another callable that of its class."""
    return getattr(plot, "__name__", None) or (_name_of(plot.func) if hasattr(plot, "func") else type(plot).__name__)


def _check_controls(plot, parameters, options):
    if not options:
        raise ValueError(
            f"Nothing to explore: name an argument of {_name_of(plot)} with its options, as units=[16, 64]."
        )
    if "ax" in options:
        raise ValueError("'ax' cannot be a control: it is the Axes on which the figure is drawn.")
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    for name in ("ax", *options):
        if name not in parameters:
            known = ", ".join(n for n in parameters if n != "ax")
            raise TypeError(f"{_name_of(plot)} takes no argument {name!r}. It takes: {known}.")


def spec(name, options):
    """What the browser needs to know of one control."""
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in options)
    texts = [f"{v:g}" if isinstance(v, float) else str(v) for v in options]
    return {"label": name.replace("_", " "), "options": texts, "slider": numbers and len(options) > 1}
