"""The picture of the live lab: curves of its runs, the band of recorded ones, and the same in words."""

import numpy as np

from nbhelpers.widgets.lab.settings import DEFAULTS

# What recorded runs say of themselves in another word than the lab's. Their "initialization" is a sentence.
ATTRIBUTES = {"training_images": "images", "initialization": "kernel_initializer"}


def plot_runs(run, *, metric, others=(), band=None, ax):
    """Draw a metric of a run against the epoch, earlier runs, and the band of recorded ones; return the Axes."""
    if band is not None:
        _plot_band(band, metric, ax)
    for i, other in enumerate(others):
        history = other.history
        ax.plot(history["epoch"], history[f"val_{metric}"], **_style(i), label=f"run {other.number}")
    history = run.history if run is not None else {"epoch": []}
    if history["epoch"]:
        ax.plot(history["epoch"], history[metric], "--", color="C1", label="training")
        ax.plot(history["epoch"], history[f"val_{metric}"], "-", color="C0", label=f"validation, run {run.number}")
    if run is not None and run.guess is not None and metric == "accuracy":
        ax.axhline(run.guess, color="black", linestyle="-.", linewidth=1.5, label=f"your guess {run.guess:g}")
    ax.set(xlabel="epoch", ylabel=metric)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.ticklabel_format(axis="y", scilimits=(-4, 4))  # the loss of a run that diverges has many digits
    if run is not None:
        ax.set_xlim(0, run.settings["epochs"])
    _zoom(ax)
    if ax.get_legend_handles_labels()[0] and metric == "accuracy":
        ax.legend(fontsize="small", loc="best")
    return ax


def _plot_band(band, metric, ax):
    """Draw the mean of recorded runs over the seeds, and a standard deviation to each side.

    The band of the loss ends where that of one of the runs became infinite or undefined.
    """
    values, label = band[f"val_{metric}"], f"recorded, {band.sizes['seed']} seeds"
    mean, deviation = values.mean("seed", skipna=False).values, values.std("seed", ddof=1, skipna=False).values
    if band.sizes["epoch"] == 1:
        style = {"fmt": "o", "color": "0.35", "ecolor": "0.75", "elinewidth": 4, "clip_on": False}
        ax.errorbar(band.epoch.values, mean, deviation, label=label, **style)
        return
    ax.fill_between(band.epoch, mean - deviation, mean + deviation, color="0.75", linewidth=0)
    ax.plot(band.epoch, mean, ":", color="0.35", label=label)


def _zoom(ax):
    """Once a curve goes on after the first epoch, leave out the steep way to it, which hides all else."""
    lines = [line for line in ax.lines if len(line.get_xdata()) > 2]
    after = [np.asarray(line.get_ydata())[np.asarray(line.get_xdata()) >= 1.5] for line in lines]
    values = np.concatenate([*after, *(line.get_ydata() for line in ax.lines if line not in lines)] or [[]])
    values = values[np.isfinite(values)]
    if any(len(part) > 1 for part in after) and len(values) and np.ptp(values) > 0:
        margin = 0.05 * np.ptp(values)
        ax.set_ylim(values.min() - margin, values.max() + margin)


def _style(i):
    """Colours and line styles of earlier runs: others than those of training and validation, and told apart."""
    styles = ["-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1))]
    return {"color": f"C{2 + i % 5}", "linestyle": styles[i % 5], "linewidth": 1.5}


def recorded_history(recorded, settings):
    """The recorded runs with the same settings, up to the same epoch, or None where there are none."""
    if recorded is None:
        return None
    chosen, fixed = _as_recorded(settings), _recorded_alone(recorded)
    if any(chosen[name] != value for name, value in fixed.items()):
        return None
    place = {name: value for name, value in chosen.items() if name not in fixed}
    if any(value not in recorded[name].values for name, value in place.items()):
        return None
    # A schedule stretches over the whole training, so that of a shorter one is another.
    if settings["schedule"] != "constant" and settings["epochs"] != recorded.epoch[-1]:
        return None
    band = recorded.sel(place).sel(epoch=slice(settings["epochs"]))
    return band if band.sizes["epoch"] else None


def _as_recorded(settings):
    """The settings that must be those of the recorded runs, with their values."""
    from nbhelpers.models import mlp_arguments  # here, since `explore` needs no TensorFlow

    batch_norm = mlp_arguments(settings | {"schedule": "constant"})["batch_norm"]
    settings = settings | {"batch_norm": batch_norm}
    return {name: value for name, value in settings.items() if name not in ("epochs", "seed")}


def _recorded_alone(recorded):
    """The settings that the recorded runs have one value of: what they say of themselves, else the default."""
    defaults = {name: value for name, value in _as_recorded(DEFAULTS).items() if name not in recorded.dims}
    return {name: recorded.attrs.get(ATTRIBUTES.get(name, name), value) for name, value in defaults.items()}


def describe(run, others, band):
    """The picture in words."""
    if run is None or not run.history["epoch"]:
        return "Loss and accuracy, without a curve so far"
    text = f"Loss and accuracy of run {run.number} against the epoch, up to {run.history['epoch'][-1]:.3g}: "
    text += f"validation accuracy {run.history['val_accuracy'][-1]:.3f}"
    text += f", guessed {run.guess:g}" if run.guess is not None else ""
    text += f"; beside it {', '.join(f'run {other.number}' for other in others)}" if others else ""
    if band is not None:
        text += f"; behind it a band of recorded runs with the same settings, up to epoch {int(band.epoch[-1])}"
    return text
