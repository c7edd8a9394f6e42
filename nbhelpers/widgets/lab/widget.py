"""The live lab: set hyperparameters, guess, train, stop, and compare the runs."""

import threading
import weakref

import traitlets

from nbhelpers.widgets.explorer import spec
from nbhelpers.widgets.lab.curves import describe, plot_runs, recorded_history
from nbhelpers.widgets.lab.settings import DEFAULTS, check_images, check_names, check_value, label, make_options
from nbhelpers.widgets.pictured import PicturedWidget, named, new_figure, script, to_png

OUTCOMES = ["run", "status", "epochs_done", "val_accuracy", "guess", "off_by"]
VALIDATION_IMAGES = 10_000
EXAMPLE_UNITS = 16
# A stop is answered within this time, whatever the network is busy with.
STOP_SECONDS = 0.2
# The labs by the cell that made them: a cell that is run again ends its old training and keeps its runs.
_of_cell = weakref.WeakValueDictionary()


def live_lab(train, valid, *, controls, recorded=None, **settings):
    """Train networks at the push of a button, and compare them.

    The training runs in the background, so that the notebook stays usable. If the cell is run again, a
    training under way is stopped, and the new lab keeps all runs.

    Parameters
    ----------
    train, valid : pair of arrays
        Images of shape (n, 28, 28), gray levels from 0 to 1, and labels of shape (n,), 0 to 9.
    controls : sequence of str
        The hyperparameters that can be set, names of `DEFAULTS`. The seed can always be set.
    recorded : xarray.Dataset, optional
        The atlas (`load_runs`). Where it has runs of the chosen settings, they are drawn behind the live curve,
        if `valid` are all the validation images, on which they were scored.
    **settings
        Where the hyperparameters stand at first, or always, if there is no control for them.

    Returns
    -------
    LiveLab
        A widget. `model` is the network of the last run, `runs` holds all, `table` gives them as a DataFrame.

    Raises
    ------
    ValueError
        If the images and labels do not fit together, a hyperparameter is unknown, or a value is none of its options.
    """
    check_images(train=train, valid=valid)
    options = make_options(len(train[0]))
    check_names(controls, settings, options)
    settings = DEFAULTS | {"training_images": min(len(train[0]), DEFAULTS["training_images"])} | settings
    lab = LiveLab(train, valid, options, dict.fromkeys([*controls, "seed"]), recorded, settings)
    _take_the_place_of_the_last(lab)
    return lab


def _take_the_place_of_the_last(lab):
    """If this cell has made a lab when it ran before, continue with its runs."""
    from IPython import get_ipython

    shell = get_ipython()
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell = parent.get("metadata", {}).get("cellId")  # JupyterLab says it, others may not
    if cell is None:
        return
    lab.execution = shell.execution_count
    # A cell may make several labs: the first takes the place of the first.
    place = 0
    while (old := _of_cell.get((cell, place))) is not None and old.execution == lab.execution:
        place += 1
    if old is not None:
        lab.take_over(old)
    _of_cell[cell, place] = lab


class LiveLab(PicturedWidget):
    """The widget that `live_lab` returns."""

    _esm = script("lab.js")
    controls = traitlets.List().tag(sync=True)
    index = traitlets.List(traitlets.Int()).tag(sync=True)
    training = traitlets.Bool(False).tag(sync=True)
    progress = traitlets.Float(0.0).tag(sync=True)
    reached = traitlets.Unicode().tag(sync=True)
    note = traitlets.Unicode().tag(sync=True)
    problem = traitlets.Unicode().tag(sync=True)
    picture = traitlets.Bytes().tag(sync=True)
    alt = traitlets.Unicode().tag(sync=True)
    columns = traitlets.List().tag(sync=True)
    rows = traitlets.List().tag(sync=True)
    drawn = traitlets.List(traitlets.Int()).tag(sync=True)
    csv = traitlets.Unicode().tag(sync=True)

    def __init__(self, train, valid, options, controls, recorded, settings):
        super().__init__()
        self._train, self._valid = train, valid
        # The recorded runs were scored on all validation images; other images would tell another story.
        self._recorded = recorded if len(valid[0]) == VALIDATION_IMAGES else None
        self._names, self._options = list(controls), options
        self._fixed = {name: value for name, value in settings.items() if name not in controls}
        for name, value in settings.items():
            check_value(name, value, options[name])
        # Callbacks come in several threads: `_state` guards the runs, `_showing` what the browser sees.
        self._state, self._showing = threading.RLock(), threading.Lock()
        self._axes = new_figure(figsize=(7.6, 3.2)).subplots(1, 2)
        self.runs = []
        self._current = self._pictured = None
        self._problem = ""
        self.controls = [spec(name, options[name]) | {"label": label(name)} for name in self._names]
        self.index = [options[name].index(settings[name]) for name in self._names]
        self.columns = [label(name) for name in [*OUTCOMES, *self._names]]
        self.refresh()
        self.on_msg(self._receive)
        self.observe(self._redraw, ["drawn"])

    @property
    def settings(self):
        """The chosen value of every hyperparameter, a dict; set some with ``lab.set(units=128)``."""
        chosen = {name: self._options[name][i] for name, i in zip(self._names, self.index, strict=True)}
        return {name: (self._fixed | chosen)[name] for name in DEFAULTS}

    @property
    def model(self):
        """The network of the last run that has one, a keras.Sequential; None before."""
        return next((run.model for run in reversed(self.runs) if run.model is not None), None)

    def set(self, **settings):
        """Move controls, as ``lab.set(units=128)``; raises ValueError if one has no such value."""
        index = list(self.index)
        for name, value in settings.items():
            if name not in self._names:
                raise ValueError(f"This lab has no control {name!r}; it has: {', '.join(self._names)}.")
            check_value(name, value, self._options[name])
            index[self._names.index(name)] = self._options[name].index(value)
        self.index = index

    def train(self, guess=None):
        """Start to train a network with the chosen settings, in the background.

        Parameters
        ----------
        guess : float, optional
            The validation accuracy that you expect after the last epoch, 0 to 1.

        Raises
        ------
        ValueError
            If the guess is no number from 0 to 1.
        RuntimeError
            If a training is under way.
        """
        from nbhelpers.widgets.lab.training import Training  # here, since `explore` needs no TensorFlow

        if guess is not None and not (isinstance(guess, int | float) and 0 <= guess <= 1):
            raise ValueError(f"Guess an accuracy from 0 to 1, such as 0.9, or none; got {guess!r}.")
        with self._state:
            if self._current is not None:
                raise RuntimeError("A training is under way: stop it first, or wait for its end.")
            run = self._current = Training(self.settings, self._train, self._valid, report=self._report)
            run.number, run.guess = len(self.runs) + 1, guess
            self.runs.append(run)
            self._problem = ""
            run.start()
        self.refresh()

    def stop(self):
        """Stop the training under way, if there is one; its run stays in the table."""
        with self._state:
            run = self._current
        if run is None:
            return
        run.stop_asked.set()
        run.join(STOP_SECONDS)
        # TensorFlow cannot be interrupted while it prepares a network: such a thread ends by itself, unheard.
        run.end("stopped")

    def wait(self):
        """Wait for the end of the training under way; an interrupt of the kernel stops it."""
        run = self.runs[-1] if self.runs else None
        try:
            while run is not None and run.is_alive() and run.status != "stopped":
                run.join(0.1)
        except KeyboardInterrupt:
            self.stop()
            raise

    def table(self):
        """Return all runs with their outcomes and settings, a pandas.DataFrame with a row a run.

        ``val_accuracy`` is that after the last point, ``off_by`` the guess less the validation accuracy.
        """
        import pandas as pd

        names = [*OUTCOMES, *DEFAULTS, "problem"]
        return pd.DataFrame([_row(run) for run in self.runs], columns=names)

    def take_over(self, old):
        """Continue with the runs of another lab, whose training is stopped."""
        old.stop()
        with self._state:
            self.runs = [*old.runs, *self.runs]
        self.drawn = old.drawn
        self.refresh()
        old.close()

    def _receive(self, _, message, buffers):
        """Do what the browser asks for; what goes wrong is shown in the lab."""
        self.problem = self._problem = ""  # so that the same problem once more is news
        try:
            if message["do"] == "train":
                self.index = message["index"]
                self.train(message.get("guess"))
            else:
                self.stop()
        except Exception as problem:
            self._problem = named(problem)
            self.refresh()

    def _report(self, run):
        """Called by the thread of a training."""
        with self._state:
            if run is not self._current:
                return
            if run.status != "training":
                self._current = None
                self._problem = named(run.problem)
        self.refresh()

    def refresh(self):
        """Show the state of the runs; the picture last, since it takes longest."""
        with self._showing:
            with self._state:
                run, runs = self._current, list(self.runs)
            with self.hold_sync():
                self._show_state(run, runs)
            points = len(runs[-1].history["epoch"]) if runs else 0
            key = (len(runs), points, run is None, tuple(self.drawn))
            if key != self._pictured:
                self.picture = self._draw(runs)
                self._pictured = key

    def _show_state(self, run, runs):
        self.training, self.problem = run is not None, self._problem
        self.progress = run.epoch / run.settings["epochs"] if run else 0.0
        self.reached = f"epoch {run.epoch:.1f} of {run.settings['epochs']}" if run else ""
        self.note = f"Run {run.number} is in training." if run else _outcome(runs[-1]) if runs else ""
        table = [_row(r) for r in runs]
        self.rows = [[_cell(row[name]) for name in [*OUTCOMES, *self._names]] for row in table]
        if runs and not run:
            self.csv = self.table().to_csv(index=False)

    def _redraw(self, _):
        self.refresh()

    def _draw(self, runs):
        """Draw the last run, what was recorded with its settings, and the chosen earlier runs; return a PNG."""
        last = runs[-1] if runs else None
        # Not before a training: the band would give the answer away.
        band = recorded_history(self._recorded, last.settings) if last else None
        others = [run for run in runs[:-1] if run.number in self.drawn]
        for ax, metric in zip(self._axes, ("loss", "accuracy"), strict=True):
            ax.clear()
            plot_runs(last, metric=metric, others=others, band=band, ax=ax)
        self.alt = describe(last, others, band)
        return to_png(self._axes[0].figure)

    def stored(self):
        names = ", ".join(label(name) for name in self._names)
        sentence = f"Run the cell to set {names}, to train here, to stop, and to compare your runs."
        if self.runs:
            return self.picture, sentence
        # An example: the settings that the lab starts with are for the reader to guess.
        band = recorded_history(self._recorded, self.settings | {"units": EXAMPLE_UNITS})
        figure = new_figure(figsize=(7.6, 3.2))
        for ax, metric in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
            plot_runs(None, metric=metric, band=band, ax=ax)
        return to_png(figure), sentence + (
            f" Drawn are recorded runs with {EXAMPLE_UNITS} units." if band is not None else ""
        )


def _row(run):
    """Outcomes and settings of a run, a dict."""
    accuracies = run.history["val_accuracy"]
    accuracy = accuracies[-1] if accuracies else None
    # The guess was for the last epoch.
    off = run.guess - accuracy if run.guess is not None and run.status == "finished" else None
    done = run.history["epoch"][-1] if accuracies else 0.0
    outcomes = dict(zip(OUTCOMES, [run.number, run.status, done, accuracy, run.guess, off], strict=True))
    return {**outcomes, **run.settings, "problem": named(run.problem)}


def _cell(value):
    """A value of the table as the browser gets it: the text shown, and what to sort by."""
    if value is None:
        return ["", None]
    return [f"{value:.4g}" if isinstance(value, float) else str(value), value]


def _outcome(run):
    """What came of a run, a sentence or two."""
    row = _row(run)
    if row["val_accuracy"] is None:
        return f"Run {run.number} {run.status}."
    text = f"Run {run.number} {run.status} after {row['epochs_done']:.3g} epochs: "
    text += f"validation accuracy {row['val_accuracy']:.3f}."
    if row["off_by"] is not None:
        off = row["off_by"]
        text += f" You guessed {run.guess:g}, " + (
            f"{abs(off):.3f} too {'high' if off > 0 else 'low'}." if off else "right."
        )
    if run.status == "diverged":
        text += " The loss is not finite any more: the steps were too large."
    return text
