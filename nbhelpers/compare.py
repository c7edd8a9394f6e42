"""Compare candidates fairly: tune each of them, and tell a real difference from noise."""

import numpy as np


def ruler(a, b, *, image_error=0.001, paired=False):
    """Compare the accuracies of two candidates: their difference, and how large it must be to count.

    The margin is two standard errors of the difference. They come from the seeds, whose spread is taken
    from the scores, and from the choice of validation images, which all networks share.

    Parameters
    ----------
    a, b : array of shape (seeds,)
        Accuracy of each candidate, one a seed, at least two, on the same images.
    image_error : float
        Standard error of the difference that comes from the images; notebook 01 measures about
        0.001 for 10,000 images, and it falls with the square root of their number.
    paired : bool
        Whether the scores at one place belong together, as when both candidates had the same few training
        images: then the spread is that of their differences.

    Returns
    -------
    difference, margin : float
        ``mean(b) - mean(a)``, and the margin that its size must exceed to be called real.

    Raises
    ------
    ValueError
        If a candidate has fewer than two scores, or a score is not a finite number.
    """
    a, b = np.asarray(a, float).ravel(), np.asarray(b, float).ravel()
    if min(len(a), len(b)) < 2:
        raise ValueError(f"The ruler needs two seeds or more of each candidate, got {len(a)} and {len(b)}.")
    if not np.isfinite([a.sum(), b.sum()]).all():
        raise ValueError("A score is missing or not finite: a run that diverged has no place in a mean of accuracies.")
    if paired and len(a) != len(b):
        raise ValueError(f"Scores in pairs must be as many, got {len(a)} and {len(b)}.")
    seed_error = np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
    if paired:
        seed_error = (b - a).std(ddof=1) / np.sqrt(len(a))
    return float(b.mean() - a.mean()), float(2 * np.hypot(seed_error, image_error))


def tuned(scores, *, over="learning_rate"):
    """Give each candidate the value of a hyperparameter that suits it best.

    Parameters
    ----------
    scores : xarray.DataArray
        The higher the better, with the dimensions "seed", `over`, and any others, which are the candidates.
    over : str
        The hyperparameter to tune. Each candidate keeps the value with the best mean over the seeds.

    Returns
    -------
    xarray.DataArray
        Without the dimension `over`; the chosen values are a coordinate of that name.

    Raises
    ------
    ValueError
        If `scores` lacks one of the two dimensions.
    """
    for name in (over, "seed"):
        if name not in scores.dims:
            raise ValueError(f"scores needs the dimension {name!r} to be tuned, and has {', '.join(scores.dims)}.")
    # A mean with a run that diverged is not a number, and must not win.
    means = scores.mean("seed", skipna=False).fillna(-np.inf)
    return scores.isel({over: means.argmax(over)})
