"""The live lab: set hyperparameters, guess, train, stop, and compare the runs."""

import contextlib
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import traitlets

from nbhelpers.widgets.base import CourseWidget, describe_error, new_figure, script, to_png
from nbhelpers.widgets.explorer import spec
from nbhelpers.widgets.lab.curves import describe, plot_runs, recorded_history
from nbhelpers.widgets.lab.settings import DEFAULTS, check_guess, check_names, label, make_options, position
from nbhelpers.widgets.lab.tasks import check_data, check_recorded

OUTCOMES = ["run", "status", "epochs_done", "val_accuracy", "guess", "off_by"]
VALIDATION_INPUTS = 10_000  # of either task
EXAMPLE_UNITS = 16
# A stop is answered within this time, whatever the network is busy with.
STOP_SECONDS = 0.2
# Calls return when the traits say what they did; after this time without, should an observer be waiting for the caller.
DISPLAY_SECONDS = 10
# The labs by the cell that made them: a cell that is run again ends its old training and keeps its runs.
_of_cell = weakref.WeakValueDictionary()


def live_lab(train, valid, *, controls=None, recorded=None, **settings):
    """Train networks at the push of a button, and compare them.

    The training runs in the background, so that the notebook stays usable. If the cell is run again, a
    training under way is stopped, and the new lab keeps all runs, unless they were on the other task.

    Parameters
    ----------
    train, valid : pair of arrays
        Of MNIST, images of shape (n, 28, 28), gray levels from 0 to 1 (`load_mnist`), or of MNIST-1D, signals of
        shape (n, 40), values from -10 to 10 (`load_mnist1d`); and labels of shape (n,), 0 to 9.
    controls : sequence of str, optional
        The hyperparameters that can be set, names of `DEFAULTS`, by default all; ``training_images`` counts signals,
        too. The seed can always be set.
    recorded : xarray.Dataset, optional
        The atlas of the same task (`load_runs`). Where it has runs of the chosen settings, they are drawn behind the
        live curve, if `valid` is the whole validation split, on which they were scored.
    **settings
        Where the hyperparameters stand at first, or always, if there is no control for them. What is not set
        stands where the atlas of the task was recorded: 10 epochs on MNIST, 54 on MNIST-1D.

    Returns
    -------
    LiveLab
        A widget. `model` is the network of the last run, `runs` holds all, `table` gives them as a DataFrame.

    Raises
    ------
    ValueError
        If `train`, `valid` and `recorded` are not of one task, inputs and labels do not fit together, values or
        labels are out of range, a hyperparameter is unknown, or a value is none of its options.
    """
    task, train, valid = check_data(train, valid)
    check_recorded(recorded, task)
    options = make_options(len(train[0]))
    controls = list(DEFAULTS) if controls is None else controls
    check_names(controls, settings, options)
    defaults = task.defaults
    settings = defaults | {"training_images": min(len(train[0]), defaults["training_images"])} | settings
    places = {name: position(name, value, options[name]) for name, value in settings.items()}
    lab = LiveLab(task, train, valid, options, list(dict.fromkeys([*controls, "seed"])), recorded, places)
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


class LiveLab(CourseWidget):
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

    def __init__(self, task, train, valid, options, controls, recorded, places):
        # Trainings, messages and the reader call in several threads: `_state` guards what they share. The traits
        # are set in one thread, in order, and under no lock: whoever observes them may call any method.
        self._state = threading.RLock()
        self._display, self._display_thread = ThreadPoolExecutor(1, "live_lab"), None
        self.runs = []
        self._current = self._pictured = None
        self._problem, self._states = "", 0
        super().__init__()
        self._task, self._train, self._valid = task, train, valid
        # The recorded runs were scored on all validation inputs; others would tell another story.
        self._recorded = recorded if len(valid[0]) == VALIDATION_INPUTS else None
        self._names, self._options = controls, options
        self._fixed = {name: options[name][place] for name, place in places.items() if name not in controls}
        # With margins of its own the axes stay where they are as the curves grow, and are drawn faster.
        margins = {"left": 0.12, "right": 0.98, "wspace": 0.32, "bottom": 0.16, "top": 0.93}
        self._axes = new_figure(figsize=(7.6, 3.2), layout="none").subplots(1, 2, gridspec_kw=margins)
        self.controls = [spec(name, options[name]) | {"label": self._label(name)} for name in controls]
        self.index = [places[name] for name in controls]
        self.columns = [self._label(name) for name in [*OUTCOMES, *controls]]
        self.sentence = self._say_how()
        self.refresh()
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
            index[self._names.index(name)] = position(name, value, self._options[name])
        self.index = index

    @traitlets.validate("index")
    def _check_index(self, proposal):
        index, lengths = proposal.value, [len(self._options[name]) for name in self._names]
        if len(index) != len(lengths) or not all(0 <= i < n for i, n in zip(index, lengths, strict=True)):
            raise traitlets.TraitError(f"Each control needs the position of one of its options; got {index}.")
        return index

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

        guess = check_guess(guess)
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
        run = self._under_way()
        if run is None:
            return
        run.stop_asked.set()
        run.join(STOP_SECONDS)
        # TensorFlow cannot be interrupted while it prepares a network: that thread ends later, its reports ignored.
        run.end("stopped")
        self.refresh()

    def wait(self):
        """Wait until no training is under way, and all is shown; an interrupt of the kernel stops the training.

        Where whoever observes the end of a training starts the next, wait for that, too.
        """
        shown = None
        try:
            while (run := self._under_way()) is not None or shown is not self._last_display:
                if run is not None:
                    run.join(0.1)
                else:
                    shown = self._last_display
                    self._until_displayed(shown)
        except KeyboardInterrupt:
            self.stop()
            raise

    def close(self):
        """Stop the training under way, and close the widget."""
        self.stop()
        super().close()
        self._display.shutdown(wait=False)

    def table(self):
        """Return all runs with their outcomes and settings, a pandas.DataFrame with one row for each run.

        ``val_accuracy`` is that after the last point, ``off_by`` the guess less the validation accuracy.
        """
        return _table(self.runs)

    def take_over(self, old):
        """Continue with the runs of another lab, whose training is stopped; those on another task are left out."""
        old.stop()
        if old._task is self._task:
            with self._state:
                self.runs = [*old.runs, *self.runs]
            self.drawn = old.drawn
            self.refresh()
        old.close()

    def receive(self, message, buffers):
        """Do what the page asks for, and return when it is shown."""
        if message["do"] == "set":
            self.index = message["index"]
        elif message["do"] == "draw":
            self.drawn = message["runs"]
        elif message["do"] == "train":
            self.index = message["index"]
            self.train(message.get("guess"))
        else:
            self.stop()
        self._until_displayed(self._last_display)

    def _under_way(self):
        with self._state:
            return self._current

    def _report_problem(self, problem):
        """Show this sentence, "" for none."""
        with self._state:
            if problem != self._problem:
                self._problem = problem
                self._display_later()

    def _report(self, run):
        """Called by the thread of a training, which goes on at once."""
        with self._state:
            if run is not self._current:
                return
            if run.status != "training":
                self._current = None
                self._problem = describe_error(run.problem) or self._problem
            self._display_later()

    def refresh(self):
        """Show the state of the runs, and return when it is shown."""
        self._until_displayed(self._display_later())

    def _display_later(self):
        """Have the traits set to the state of now, after those before; return the Future of it."""
        with self._state:
            self._states += 1
            state = self._current, list(self.runs), self._problem
            with contextlib.suppress(RuntimeError):  # a closed lab shows nothing any more
                self._last_display = self._display.submit(self._show, self._states, *state)
            return self._last_display

    def _until_displayed(self, display):
        """Wait, unless the traits wait for this thread: an observer's own, or one that an observer waits for."""
        if threading.get_ident() != self._display_thread:
            with contextlib.suppress(TimeoutError):
                display.result(DISPLAY_SECONDS)

    def _show(self, number, run, runs, problem):
        """Set the traits to the state of this number; the picture last, since it takes longest."""
        self._display_thread = threading.get_ident()
        with self.hold_sync():
            self._set(_shown(run, runs, problem, self._names))
        points = len(runs[-1].history["epoch"]) if runs else 0
        key = (len(runs), points, run is None, tuple(self.drawn))
        if number == self._states and key != self._pictured:
            self._pictured = key
            try:
                self._set(self._draw(runs))
            except Exception as failure:
                self._report_problem(describe_error(failure))

    def _set(self, traits):
        """Set the traits; what goes wrong where they are observed is shown, and the lab goes on."""
        for name, value in traits.items():
            try:
                setattr(self, name, value)
            except Exception as failure:
                if name != "problem":  # which would repeat for ever
                    self._report_problem(describe_error(failure))

    def _redraw(self, _):
        self.refresh()

    def _draw(self, runs):
        """Draw the last run, what was recorded with its settings, and the chosen earlier runs; return the traits."""
        last = runs[-1] if runs else None
        # Not before a training: the band would give the answer away.
        band = recorded_history(self._recorded, last.settings) if last else None
        others = [run for run in runs[:-1] if run.number in self.drawn]
        for ax, metric in zip(self._axes, ("loss", "accuracy"), strict=True):
            ax.clear()
            plot_runs(last, metric=metric, others=others, band=band, ax=ax)
        return {"alt": describe(last, others, band), "picture": to_png(self._axes[0].figure)}

    def _label(self, name):
        return label(name, inputs=self._task.inputs)

    def _say_how(self):
        names = ", ".join(map(self._label, self._names))
        return f"Run the cell to set {names}, to train here, to stop, and to compare your runs."

    def fallback(self):
        if self.runs:
            return self.picture, self._say_how()
        # An example: the settings that the lab starts with are for the reader to guess.
        band = recorded_history(self._recorded, self.settings | {"units": EXAMPLE_UNITS})
        figure = new_figure(figsize=(7.6, 3.2))
        for ax, metric in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
            plot_runs(None, metric=metric, band=band, ax=ax)
        return to_png(figure), self._say_how() + (
            f" Drawn are recorded runs with {EXAMPLE_UNITS} units." if band is not None else ""
        )


def _shown(run, runs, problem, names):
    """Return the traits, but for the picture, that show the training under way, if there is one, and all runs."""
    traits = {
        "problem": problem,
        "progress": run.epoch / run.settings["epochs"] if run else 0.0,
        "reached": f"epoch {run.epoch:.1f} of {run.settings['epochs']}" if run else "",
        "note": f"Run {run.number} is in training." if run else _outcome(runs[-1]) if runs else "",
        "rows": [[_cell(row[name]) for name in [*OUTCOMES, *names]] for row in map(_row, runs)],
    }
    if runs and not run:
        traits["csv"] = _table(runs).to_csv(index=False)
    return traits | {"training": run is not None}  # last, so that who observes it sees the rest


def _table(runs):
    import pandas as pd

    return pd.DataFrame([_row(run) for run in runs], columns=[*OUTCOMES, *DEFAULTS, "problem"])


def _row(run):
    """Outcomes and settings of a run, a dict."""
    accuracies = run.history["val_accuracy"]
    accuracy = accuracies[-1] if accuracies else None
    # The guess was for the last epoch.
    off = run.guess - accuracy if run.guess is not None and run.status == "finished" else None
    done = run.history["epoch"][-1] if accuracies else 0.0
    outcomes = dict(zip(OUTCOMES, [run.number, run.status, done, accuracy, run.guess, off], strict=True))
    return {**outcomes, **run.settings, "problem": describe_error(run.problem)}


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
