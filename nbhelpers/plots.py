"""Draw on one Axes: data first, the rest by keyword; each function returns the Axes."""

import math

import matplotlib.pyplot as plt
import numpy as np

EDGE_MARK = "at the edge"


def plot_digits(images, *, labels=None, columns=10, ax=None):
    """Draw images side by side, row by row.

    Parameters
    ----------
    images : array of shape (n, height, width)
        Gray levels; 0 is drawn white.
    labels : sequence of length n, optional
        A text under each image.
    columns : int
        Images per row.
    ax : Axes, optional
        Where to draw; by default the current Axes.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If `images` has another number of dimensions than three, there are none,
        or there is not one label for each.
    """
    images = np.asarray(images)
    if images.ndim != 3 or not len(images):
        raise ValueError(f"images must have shape (n, height, width) with n at least 1, got {images.shape}.")
    if labels is not None and len(labels) != len(images):
        raise ValueError(f"There are {len(images)} images and {len(labels)} labels; give one label per image.")
    ax = ax or plt.gca()
    n, height, width = images.shape
    columns = min(columns, n)
    rows = math.ceil(n / columns)
    gap = 0 if labels is None else max(5, height // 3)
    page = np.zeros((rows, height + gap, columns, width), images.dtype)
    for i, image in enumerate(images):
        page[i // columns, :height, i % columns] = image
    ax.imshow(page.reshape(rows * (height + gap), columns * width), cmap="gray_r", interpolation="nearest")
    for i, label in enumerate(() if labels is None else labels):
        y, x = (i // columns + 1) * (height + gap) - gap / 2, (i % columns + 0.5) * width
        ax.text(x, y, label, ha="center", va="center")
    ax.set_axis_off()
    return ax


def plot_history(history, *, metric="loss", ax=None):
    """Draw a metric after each epoch, training dashed and validation solid.

    Parameters
    ----------
    history : keras.callbacks.History or dict
        What ``model.fit`` returns, or its ``history``: metric name to one value per epoch.
    metric : str
        A metric of the history, such as "loss" or "accuracy".
    ax : Axes, optional
        Where to draw; by default the current Axes.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the history has no such metric.
    """
    values = getattr(history, "history", history)
    if metric not in values:
        known = ", ".join(key for key in values if not key.startswith("val_"))
        raise ValueError(f"This history has no metric {metric!r}; it has: {known or 'none, no epoch was run'}.")
    ax = ax or plt.gca()
    epochs = np.arange(1, len(values[metric]) + 1)
    ax.plot(epochs, values[metric], "--", color="C1", label="training")
    if f"val_{metric}" in values:
        ax.plot(epochs, values[f"val_{metric}"], "-", color="C0", label="validation")
    ax.set(xlabel="epoch", ylabel=metric)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.legend()
    return ax


def reliability(probabilities, labels, *, bins=10):
    """Sort predictions by how sure they are; compare how sure they are with how often they are right.

    Parameters
    ----------
    probabilities : array of shape (examples, classes)
        What a classifier puts out; its largest is how sure it is (Guo et al., 2017).
    labels : array of int, shape (examples,)
        The right classes.
    bins : int
        Parts of equal width, from 0 to 1.

    Returns
    -------
    confidence, accuracy, share : ndarray of shape (bins,)
        Of each part how sure the predictions in it are on average, which share of them is right, and which share of
        all lies in it. Without any, the first two are not a number.

    Raises
    ------
    ValueError
        If there is not one label for each example.
    """
    probabilities, labels = np.asarray(probabilities), np.asarray(labels)
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1]:
        raise ValueError(
            f"probabilities need the shape (examples, classes) and labels (examples,), got {probabilities.shape} "
            f"and {labels.shape}."
        )
    sure = probabilities.max(axis=1)
    place = np.minimum((sure * bins).astype(int), bins - 1)
    counts = np.bincount(place, minlength=bins)
    right = probabilities.argmax(axis=1) == labels
    with np.errstate(invalid="ignore"):
        means = [np.bincount(place, weights=values, minlength=bins) / counts for values in (sure, right)]
    return *means, counts / len(labels)


def plot_reliability(probabilities, labels, *, bins=10, ax=None):
    """Draw a reliability diagram: of predictions that are about as sure, the share that is right.

    Parameters and errors are those of `reliability`. A dot's area is the share of the predictions in that part.

    Returns
    -------
    Axes
    """
    confidence, accuracy, share = reliability(probabilities, labels, bins=bins)
    ax = ax or plt.gca()
    ax.plot([0, 1], [0, 1], "k--", linewidth=1, label="calibrated")
    ax.plot(confidence, accuracy, "-", color="C0")
    ax.scatter(confidence, accuracy, s=20 + 600 * share, color="C0", label="predictions; area is their share")
    error = np.nansum(share * np.abs(confidence - accuracy))
    ax.set(xlabel="how sure", ylabel="share that is right", xlim=(0, 1), ylim=(0, 1))
    ax.set_title(
        f"sure {np.nansum(share * confidence):.2f}, right {np.nansum(share * accuracy):.2f}, apart {error:.3f}"
    )
    ax.legend(loc="upper left")
    return ax


def plot_spread(scores, *, ax=None):
    """Draw the scores of each candidate: a dot per seed, a bar from one standard deviation below the mean to one above.

    Parameters
    ----------
    scores : dict of str to sequence of float
        Name of the candidate to its scores, one per seed (two or more).
    ax : Axes, optional
        Where to draw; by default the current Axes.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If a candidate has fewer than two scores, since one has no spread.
    """
    ax = ax or plt.gca()
    for row, (name, values) in enumerate(scores.items()):
        values = np.asarray(values, float).ravel()
        if len(values) < 2:
            raise ValueError(f"{name!r} has {len(values)} score(s); a spread needs the scores of two seeds or more.")
        color = f"C{row % 7}"
        ax.plot(values, np.full(len(values), row - 0.2), "o", color=color, alpha=0.6)
        ax.errorbar(values.mean(), row, xerr=values.std(ddof=1), fmt="D", color=color, capsize=5, linestyle="")
    ax.set_yticks(range(len(scores)), scores)
    ax.set_ylim(len(scores) - 0.5, -0.6)
    ax.grid(axis="y", visible=False)
    return ax


def plot_trials(study, *, again=None, final=None, ax=None):
    """Draw the scores of a search by trial, those of the best ones trained again, and the score that is reported.

    Parameters
    ----------
    study : optuna.Study
        Only its finished trials are drawn.
    again : dict of int to sequence of float, optional
        The number of a trial to its scores from other seeds.
    final : float, optional
        The score on examples that chose nothing.
    ax : Axes, optional
        Where to draw; by default the current Axes.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If no trial is finished.
    """
    finished = [trial for trial in study.trials if trial.state.name == "COMPLETE"]
    if not finished:
        raise ValueError("No trial of this study is finished: search first.")
    ax = ax or plt.gca()
    ax.plot([trial.number for trial in finished], [trial.value for trial in finished], "C0o", label="search")
    for place, (number, scores) in enumerate((again or {}).items()):
        ax.plot([number] * len(scores), scores, "C1s", alpha=0.7, label=None if place else "again")
    if final is not None:
        ax.axhline(final, color="k", linestyle="--", label="reported")
    ax.set(xlabel="trial", ylabel="score")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.legend()
    return ax


def plot_sweep(scores, *, x, hue=None, ax=None, **style):
    """Draw mean and spread over seeds against a hyperparameter: a line, and a band of one standard deviation.

    The values of `x` stand at equal distances, which suits the logarithmic steps of the recorded runs. A ring marks
    what `nbhelpers.compare.tuned` chose at the edge of what was tried.

    Parameters
    ----------
    scores : xarray.DataArray
        With the dimensions `x`, "seed" (two or more), and `hue` if given; the coordinate ``at_edge``, if there is one,
        says where a ring is drawn.
    x, hue : str
        The dimension along the axis, and the one with a line per value.
    ax : Axes, optional
        Where to draw; by default the current Axes.
    **style
        Passed on to ``ax.plot``, as ``color`` (the band takes it, too), ``linestyle`` or ``label``.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the dimensions are others than `x`, `hue` and "seed", or there are fewer than two seeds.
    """
    wanted = {x, "seed"} | ({hue} if hue else set())
    if set(scores.dims) != wanted:
        raise ValueError(
            f"scores must have the dimensions {', '.join(sorted(wanted))}, got {', '.join(map(str, scores.dims))}. "
            "Choose one value of the others with scores.sel(...)."
        )
    if scores.sizes["seed"] < 2:
        raise ValueError(f"A band needs the scores of two seeds or more, got {scores.sizes['seed']}.")
    ax = ax or plt.gca()
    ticks = np.arange(scores.sizes[x])
    for value in scores[hue].values if hue else [None]:
        runs = (scores.sel({hue: value}) if hue else scores).transpose(x, "seed").values
        mean, deviation = runs.mean(axis=1), runs.std(axis=1, ddof=1)
        label = {} if value is None else {"label": _text(value)}
        (line,) = ax.plot(ticks, mean, **{"marker": "o", **label, **style})
        ax.fill_between(ticks, mean - deviation, mean + deviation, color=line.get_color(), alpha=0.2, linewidth=0)
        _mark_edges(scores if value is None else scores.sel({hue: value}), ticks, mean, ax=ax)
    ax.set_xticks(ticks, [_text(v) for v in scores[x].values])
    ax.set(xlabel=scores[x].attrs.get("long_name", x), ylabel=scores.attrs.get("long_name", ""))
    if hue:
        ax.legend(*_ring_last(ax), title=scores[hue].attrs.get("long_name", hue))
    elif "at_edge" in scores.coords and scores["at_edge"].any():
        ax.legend(*_ring_last(ax))
    return ax


def _ring_last(ax):
    """What stands in the legend, and its labels: the lines, and then the ring of best values at an edge."""
    entries = sorted(
        zip(*ax.get_legend_handles_labels(), strict=True), key=lambda entry: entry[0].get_gid() == EDGE_MARK
    )
    return tuple(zip(*entries, strict=True)) or ((), ())


def _mark_edges(scores, ticks, mean, *, ax):
    """Draw a ring around each mean whose tuned value lies at the edge of what was tried; one entry in the legend."""
    if "at_edge" not in scores.coords:
        return
    at_edge = np.broadcast_to(scores["at_edge"].values, mean.shape)
    label = "best at the edge" if EDGE_MARK not in {line.get_gid() for line in ax.lines} else None
    if at_edge.any():
        style = {"fillstyle": "none", "color": "black", "markersize": 11, "linestyle": "", "gid": EDGE_MARK}
        ax.plot(ticks[at_edge], mean[at_edge], "o", label=label, **style)


def _text(value):
    """A tick or legend text: 1e-04 rather than 0.0001, and no more digits than needed."""
    if isinstance(value, str | bool | np.bool_):
        return str(value)
    return f"{value:.0e}".replace("e-0", "e-") if 0 < abs(value) < 0.01 else f"{value:g}"
