"""Sliders and menus for figures of recorded runs."""

import inspect
import threading
from functools import lru_cache

import numpy as np
import traitlets

from nbhelpers.widgets.pictured import PicturedWidget, named, new_figure, script, to_png


def explore(plot, *args, **controls):
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
        ``units=runs.units``: then no value can be chosen that was not recorded.

    Returns
    -------
    Explorer
        A widget; its `values` are the chosen ones.

    Raises
    ------
    TypeError
        If `plot` takes no argument `ax`, or none of the name of a control.
    ValueError
        If there is no control, or one has no options.
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


class Explorer(PicturedWidget):
    """The widget that `explore` returns: one Figure, kept and drawn again for each new combination."""

    _esm = script("explorer.js")
    title = traitlets.Unicode().tag(sync=True)
    controls = traitlets.List().tag(sync=True)
    index = traitlets.List(traitlets.Int()).tag(sync=True)
    first = traitlets.Bytes().tag(sync=True)

    def __init__(self, plot, args, options, parameters):
        super().__init__()
        self._plot, self._args, self._options = plot, args, options
        # JupyterLab calls back in several threads, and they share one Figure.
        self._lock = threading.Lock()
        self._axes = new_figure().subplots()
        self.picture = lru_cache(maxsize=128)(self._draw)
        self.title = plot.__name__.replace("_", " ")
        self.controls = [spec(name, values) for name, values in options.items()]
        defaults = ((values, parameters.get(name)) for name, values in options.items())
        self.index = [values.index(p.default) if p and p.default in values else 0 for values, p in defaults]
        self.first = self.picture(tuple(self.index))
        self.on_msg(self._answer)

    @property
    def values(self):
        """The chosen values, a dict of keyword argument to value."""
        return self._values(self.index)

    def _values(self, index):
        return {name: values[i] for (name, values), i in zip(self._options.items(), index, strict=True)}

    def _draw(self, index):
        """Draw the combination with these positions in the options; return it as a PNG."""
        with self._lock:
            self._axes.clear()
            self._plot(*self._args, ax=self._axes, **self._values(index))
            png = to_png(self._axes.figure)
            # The layout of the first picture serves for all; making it anew would double the time.
            self._axes.figure.set_layout_engine("none")
        return png

    def _answer(self, _, message, buffers):
        """Send the picture that the browser asks for, or the reason why there is none."""
        index = message["index"]
        try:
            self.send({"index": index}, [self.picture(tuple(index))])
        except Exception as problem:
            values = ", ".join(f"{name}={value!r}" for name, value in self._values(index).items())
            self.send({"index": index, "problem": f"{named(problem)}\n(drawing {values})"})

    def stored(self):
        values = ", ".join(f"{name} = {text}" for name, text in zip(self.values, self._chosen(), strict=True))
        return self.picture(tuple(self.index)), f"Run the cell to change: {values}"

    def _chosen(self):
        return [spec["options"][i] for spec, i in zip(self.controls, self.index, strict=True)]


def _options(name, given):
    """The options of a control as a list of plain Python values."""
    if isinstance(given, str) or not (hasattr(given, "__len__") and np.ndim(given) == 1):
        raise ValueError(f"The control {name!r} needs a list of options or a coordinate, got {given!r}.")
    options = np.asarray(given).tolist() if hasattr(given, "dtype") or hasattr(given, "values") else list(given)
    if not options:
        raise ValueError(f"The control {name!r} has no options to choose from: its list is empty.")
    return options


def _check_controls(plot, parameters, options):
    if not options:
        raise ValueError(
            f"Nothing to explore: name an argument of {plot.__name__} with its options, as units=[16, 64]."
        )
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    for name in ("ax", *options):
        if name not in parameters:
            known = ", ".join(n for n in parameters if n != "ax")
            raise TypeError(f"{plot.__name__} takes no argument {name!r}. It takes: {known}.")


def spec(name, options):
    """What the browser needs to know of one control."""
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in options)
    texts = [f"{v:g}" if isinstance(v, float) else str(v) for v in options]
    return {"label": name.replace("_", " "), "options": texts, "slider": numbers and len(options) > 1}
