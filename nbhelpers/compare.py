"""Compare candidates fairly: tune each of them, tell a real difference from noise, and say so in a table."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import stdtrit

from nbhelpers.numbers import whole_number

# Of so many comparisons of candidates that are alike, this share may be called real.
FALSE_ALARMS = 0.05
# All networks are scored on the same images, and what a set of images does to one of them it mostly does to the other.
# The standard error of the difference is this share of the standard error of one accuracy (see `image_error_of`).
SHARED_IMAGES = 0.5
EDGE = "*"
# The verdict where the difference is within the margin.
CANNOT_BE_TOLD = "cannot be told"
# Verdicts as the middle of a sentence.
SAYS = {"better": "is better than", "worse": "is worse than", CANNOT_BE_TOLD: "cannot be told from"}


class Comparison(NamedTuple):
    """How much better the second of two candidates is, and by how much it must differ to count."""

    difference: float
    margin: float

    @property
    def real(self):
        """Whether the difference exceeds the margin."""
        return abs(self.difference) > self.margin

    @property
    def verdict(self):
        """What can be said of the second candidate: "better", "worse" or "cannot be told"."""
        if not self.real:
            return CANNOT_BE_TOLD
        return "better" if self.difference > 0 else "worse"

    @property
    def says(self):
        """The verdict as the middle of a sentence: "is better than", "is worse than" or "cannot be told from"."""
        return SAYS[self.verdict]

    def __str__(self):
        return f"difference {self.difference:+.4f}, margin {self.margin:.4f}: {self.verdict}"


def ruler(a, b, *, images=10_000, image_error=None, paired=False, comparisons=1):
    """Compare the scores of two candidates: their difference, and how large it must be to count.

    The margin is Student's t times the standard error of the difference, which has two sources: the seeds, whose
    spread may differ between the candidates (Welch, 1947), and the choice of validation images, which all networks
    share. The degrees of freedom are Satterthwaite's (1946): the fewer seeds, the wider the margin. Candidates that
    are alike are told apart in 5 % of cases; with five seeds or more the tests measure 4 to 6 %, with three
    3 to 8 %, the less equal their spreads the more.

    Parameters
    ----------
    a, b : array of shape (seeds,)
        Score of each candidate, the higher the better, one per seed, at least two, on the same images.
    images : int
        Number of validation images that the scores come from; see `image_error_of`.
    image_error : float, optional
        Standard error of the difference that comes from the images, where it is known, or 0 where the images are not
        in question. By default that of accuracies on so many `images`.
    paired : bool
        Whether the scores at one place belong together, as when both candidates had the same few training
        images: then the spread is that of their differences.
    comparisons : int
        How many comparisons are read together. Each is held to the stricter level at which all of them give a
        false alarm in at most 5 % of cases (Šidák, 1967).

    Returns
    -------
    Comparison
        ``difference``, which is ``mean(b) - mean(a)``, ``margin``, and the verdict on `b`.

    Raises
    ------
    ValueError
        If a candidate has another shape or fewer than two scores, a score is not a finite number, or scores
        that are no accuracies come without an `image_error`.
    """
    a, b = _check_scores("the first candidate", a), _check_scores("the second candidate", b)
    comparisons = whole_number(comparisons, "comparisons")
    if image_error is None:
        image_error = image_error_of(a, b, images=images)
    if not 0 <= image_error < np.inf:
        raise ValueError(f"image_error must be a number of at least 0, got {image_error!r}.")
    if paired:
        if len(a) != len(b):
            raise ValueError(f"Scores in pairs must have the same length, got {len(a)} and {len(b)}.")
        variances = [_variance_of_mean(b - a)]
    else:
        variances = [_variance_of_mean(a), _variance_of_mean(b)]
    error = np.sqrt(sum(v for v, _ in variances) + image_error**2)
    level = 1 - (1 - FALSE_ALARMS) ** (1 / comparisons)
    quantile = -stdtrit(_degrees_of_freedom(variances, error), level / 2)  # of Student's t
    return Comparison(float(b.mean() - a.mean()), float(quantile * error))


def image_error_of(a, b, *, images):
    """Return the standard error of a difference of accuracies that comes from the choice of validation images.

    One accuracy p, measured on n images, has the standard error sqrt(p (1 - p) / n). Two networks that see the same
    images err on much the same ones, and their difference has half of it at most: measured 0 to 0.50 on MNIST and
    MNIST-1D, between networks that differ in depth, width and activation (notebooks/evidence/01_ruler.ipynb).

    Parameters
    ----------
    a, b : array of float
        Accuracies, 0 to 1.
    images : int
        Number of validation images, >= 1.

    Returns
    -------
    float
    """
    accuracy = (np.mean(a) + np.mean(b)) / 2
    if not 0 <= min(np.min(a), np.min(b)) <= max(np.max(a), np.max(b)) <= 1:
        raise ValueError(
            f"Scores from {min(np.min(a), np.min(b)):.3g} to {max(np.max(a), np.max(b)):.3g} are no accuracies: "
            "say how much the images may change their difference, as image_error=0 if not at all."
        )
    if not images >= 1:
        raise ValueError(f"images must be the number of validation images, at least 1, got {images!r}.")
    return float(SHARED_IMAGES * np.sqrt(accuracy * (1 - accuracy) / images))


def flattery(right, *, among, images, draws=300, rng=0):
    """Return how much too good the score of the best of some networks is that were scored on the same few images.

    As in a search: some of the networks are drawn, all are scored on the same images, the best is taken, and then
    scored on all other images.

    Parameters
    ----------
    right : array of bool or 0 and 1, shape (networks, all images)
        Which images each network reads right.
    among : sequence of int
        From how many networks the best is taken.
    images : int
        About how many of the images score: each is drawn with the same chance.
    draws : int
        Of images and networks, over which the mean is taken.
    rng : int or numpy.random.Generator
        Their seed.

    Returns
    -------
    ndarray of shape (among,)
        Score on those images less score on all others; 0 where nothing is chosen, on average.

    Raises
    ------
    ValueError
        If there are fewer networks or images than asked for.
    """
    right, rng = np.asarray(right, "float32"), np.random.default_rng(rng)
    if not 0 < images < right.shape[1] or not 0 < max(among) <= len(right):
        raise ValueError(f"The best of {max(among)} on {images} images cannot be had from {right.shape} answers.")
    few = rng.random((draws, right.shape[1])) < images / right.shape[1]
    order = rng.permuted(np.tile(np.arange(len(right)), (draws, 1)), axis=1)
    on_few, on_others = (
        np.take_along_axis(part.astype("float32") @ right.T / part.sum(axis=1, keepdims=True), order, axis=1)
        for part in (few, ~few)
    )
    gaps = on_few - on_others
    return np.array([gaps[range(draws), on_few[:, :n].argmax(axis=1)].mean() for n in among])


def _check_scores(name, scores):
    try:
        scores = np.asarray(scores, float)
    except (TypeError, ValueError):
        raise ValueError(f"The ruler wants one number per seed; {name} is {scores!r}.") from None
    if scores.ndim != 1:
        raise ValueError(f"The ruler wants one score per seed, shape (seeds,); {name} has the shape {scores.shape}.")
    if len(scores) < 2:
        raise ValueError(f"The ruler needs two seeds or more of each candidate; {name} has {len(scores)}.")
    if not np.isfinite(scores).all():
        raise ValueError(
            f"A score of {name} is missing or not finite: a run that diverged has no place in a mean of accuracies."
        )
    return scores


def _variance_of_mean(scores):
    return scores.var(ddof=1) / len(scores), len(scores) - 1


def _degrees_of_freedom(variances, error):
    """Satterthwaite's: what is known but for the seeds, as the error from the images, counts as known well."""
    spread = sum(v**2 / freedom for v, freedom in variances)
    return error**4 / spread if spread else np.inf


def tuned(scores, *, over="learning_rate", by=None):
    """Give each candidate the value of a hyperparameter that suits it best.

    Parameters
    ----------
    scores : xarray.DataArray
        The higher the better, with the dimensions "seed", `over`, and any others, which are the candidates.
    over : str
        The hyperparameter to tune. Each candidate keeps the value with the best mean over the seeds.
    by : xarray.DataArray, optional
        Scores by which the value is chosen, with the same dimensions; by default `scores` themselves, which flatters
        the chosen ones a little. With scores from other images, what is returned has chosen nothing.

    Returns
    -------
    xarray.DataArray
        Without the dimension `over`; the chosen values are a coordinate of that name. The coordinate ``at_edge``
        says where the chosen value is the smallest or the largest that was tried: another one, beyond it, may be
        better still. Values that are no numbers have no edge; scores that were tuned before keep theirs.

    Raises
    ------
    ValueError
        If `scores` lacks one of the two dimensions, or `by` has others.
    """
    by = scores if by is None else by
    if set(by.dims) != set(scores.dims):
        raise ValueError(f"by needs the dimensions of scores, {', '.join(scores.dims)}, and has {', '.join(by.dims)}.")
    for name in (over, "seed"):
        if name not in scores.dims:
            raise ValueError(f"scores needs the dimension {name!r} to be tuned, and has {', '.join(scores.dims)}.")
    # A mean with a run that diverged is not a number, and must not win.
    place = by.mean("seed", skipna=False).fillna(-np.inf).argmax(over)
    values = scores[over].values if over in scores.coords else np.arange(scores.sizes[over])
    edges = [values.argmin(), values.argmax()] if np.issubdtype(values.dtype, np.number) else []
    chosen = xr.DataArray(values, dims=over, attrs=scores[over].attrs)[place].drop_vars(over, errors="ignore")
    best = scores.isel({over: place})
    at_edge = place.isin(edges) | best.coords.get("at_edge", False)
    return best.assign_coords({over: chosen, "at_edge": at_edge.assign_attrs(over=over)})


def results(scores, *, candidates=None, against, over="learning_rate", **options):
    """Tune each candidate, compare all of them with one, and return the table.

    Parameters
    ----------
    scores : xarray.DataArray or dict
        The higher the better. An array with the dimensions "seed", those of `candidates`, and `over` if it is still
        to be tuned; or a dict of candidate to scores, one per seed.
    candidates : str or sequence of str, optional
        The dimension, or dimensions, along which the candidates lie; not needed for a dict.
    against : object
        The candidate that the others are compared with; a tuple where there are several dimensions.
    over : str or None
        The hyperparameter that is tuned for each candidate; None if there is nothing to tune.
    **options
        What `ruler` takes: `images`, `image_error`, `paired`, and `comparisons`, by default those of the table.

    Returns
    -------
    Results
        A pandas.DataFrame with a row per candidate.

    Raises
    ------
    ValueError
        If there is no such candidate or dimension, only one candidate, or the scores are none for `ruler`.
    """
    name, rows, over = _rows_of(scores, candidates, over)
    if against not in list(rows):
        raise ValueError(
            f"There is no candidate {against!r} to compare with. Choose one of: {', '.join(map(str, rows))}."
        )
    if len(rows) < 2:
        raise ValueError(f"A comparison needs two candidates or more, and there is only {against!r}.")
    first = rows[against][0]
    options = {"comparisons": len(rows) - 1} | options
    table = []
    for candidate, (values, choice) in rows.items():
        row = {"candidate": candidate, **choice, "mean": np.mean(values), "deviation": np.std(values, ddof=1)}
        row |= {"seeds": len(values), "difference": np.nan, "margin": np.nan, "verdict": ""}
        if candidate != against:
            found = ruler(first, values, **options)
            row |= {"difference": found.difference, "margin": found.margin, "verdict": found.verdict}
        table.append(row)
    made = Results(pd.DataFrame(table).set_index("candidate").rename_axis(name))
    made.attrs = {"against": against, "over": over}
    return made


def _rows_of(scores, candidates, over):
    """Return the name of the candidates, of each its scores and the value it was tuned to, and what was tuned."""
    if isinstance(scores, Mapping):
        return "candidate", {name: (_check_scores(f"{name!r}", values), {}) for name, values in scores.items()}, None
    names = [candidates] if isinstance(candidates, str) else list(candidates or [])
    known = [d for d in scores.dims if d not in ("seed", over)]
    if sorted(names) != sorted(known):
        tuned_over = f" and {over!r}" if over else ""
        raise ValueError(
            f"candidates must name the dimensions other than 'seed'{tuned_over}, "
            f"which are: {', '.join(known) or 'none'}; got {candidates!r}. "
            "Choose one value of the others with scores.sel(...)."
        )
    best = tuned(scores, over=over) if over in scores.dims else scores
    best = best.stack(candidate=names) if len(names) > 1 else best.rename({names[0]: "candidate"})
    over = best["at_edge"].attrs.get("over") if "at_edge" in best.coords else None
    rows = {}
    for place, candidate in enumerate(best["candidate"].values.tolist()):
        one = best.isel(candidate=place)
        choice = {over: one[over].item(), "at_edge": one["at_edge"].item()} if over else {}
        rows[candidate] = (_check_scores(f"{candidate!r}", one.values), choice)
    return ", ".join(name.replace("_", " ") for name in names), rows, over


def leaders(scores, *, candidates=None, over="learning_rate", **options):
    """Return the best candidate, and those that cannot be told from it: a list, the best first.

    Takes what `results` takes but for `against`. The best one was not named before its scores were seen, so the margin
    is that of the comparisons of all pairs: among candidates that are alike, one is told apart in at most 5 % of cases.
    """
    _, rows, _ = _rows_of(scores, candidates, over)
    best = max(rows, key=lambda candidate: rows[candidate][0].mean())
    options = {"comparisons": len(rows) * (len(rows) - 1) // 2} | options
    table = results(scores, candidates=candidates, against=best, over=over, **options)
    return [best, *table.index[table["verdict"] == CANNOT_BE_TOLD]]


class Results(pd.DataFrame):
    """A comparison as a table, a row per candidate: what it was tuned to, how good it is, and the verdict.

    It is a pandas.DataFrame. Printed or shown on a page it reads like a table of a paper, a value at the edge of
    what was tried with a star; `conclusion` is the sentence.
    """

    @property
    def _constructor(self):
        return pd.DataFrame  # a part of the table is a table, but not a comparison any more

    def __str__(self):
        return _formatted(self).to_string() + self._legend()

    __repr__ = __str__

    def _repr_html_(self):
        legend = self._legend().strip()
        return _formatted(self).to_html() + (f"<p>{legend}</p>" if legend else "")

    def _legend(self):
        if "at_edge" not in self or not self["at_edge"].any():
            return ""
        return f"\n{EDGE} at the edge of what was tried: a value beyond it may be better still"

    def conclusion(self):
        """Say in a sentence or more which candidates are better, which are worse, and which cannot be told."""
        against, over = self.attrs["against"], (self.attrs["over"] or "").replace("_", " ")
        others = self.drop(index=[against])
        named = _text(against) if self.index.name == "candidate" else f"{self.index.name} = {_text(against)}"
        sentences = []
        for verdict, start in [("better", "Better than"), ("worse", "Worse than")]:
            rows = others[others["verdict"] == verdict]
            if len(rows):
                sentences.append(f"{start} {named}: {_listed(_by_how_much(rows))}.")
        rows = others[others["verdict"] == CANNOT_BE_TOLD]
        if len(rows):
            sentences.append(f"Cannot be told apart from {named}: {_listed(map(_text, rows.index))}.")
        if "at_edge" in self and self["at_edge"].any():
            edges = _listed(_text(candidate) for candidate in self.index[self["at_edge"]])
            sentences.append(f"With the best {over} at the edge of those tried: {edges}.")
        return " ".join(sentences)


def _by_how_much(rows):
    for candidate, row in rows.iterrows():
        yield f"{_text(candidate)} (by {abs(row['difference']):.4f}, margin {row['margin']:.4f})"


def _formatted(table):
    """The table as texts, the column of edges as a star beside the chosen value."""
    shown = pd.DataFrame(index=[_text(candidate) for candidate in table.index])
    shown.index.name = table.index.name
    for name, values in table.items():
        if name == "at_edge":
            shown.iloc[:, -1] += [EDGE if edge else "" for edge in values]
        elif name in ("mean", "deviation", "margin"):
            shown[name] = [f"{value:.4f}" if np.isfinite(value) else "" for value in values]
        elif name == "difference":
            shown[name] = [f"{value:+.4f}" if np.isfinite(value) else "" for value in values]
        else:
            shown[name.replace("_", " ")] = [_text(value) for value in values]
    return shown


def _text(value):
    if isinstance(value, tuple):
        return f"({', '.join(map(_text, value))})"
    return f"{value:g}" if isinstance(value, float) else str(value) or "''"


def _listed(texts):
    """a; a and b; a, b and c."""
    *most, last = texts
    return f"{', '.join(most)} and {last}" if most else last
