"""Checks of the exercises of notebook 05."""

import numpy as np

from nbhelpers.checks.common import AnswerError, call, check, fresh_seeds, named, numbers, position, same
from nbhelpers.compare import ruler, tuned


@check
def flattered_by_the_rate(setting, runs):
    """05, exercise 1: at one learning rate this regularizer beats none by more than the margin; tuned, it does not."""
    accuracy = runs["val_accuracy"].isel(step=-1)
    setting = named(setting, ("penalty", "dropout", "learning_rate"), "A setting")
    chosen = {name: position(value, accuracy[name].values.tolist(), name) for name, value in setting.items()}
    rate = {"learning_rate": chosen.pop("learning_rate")}
    plain, regularized = accuracy.sel(penalty="none", dropout=0.0), accuracy.isel(chosen)
    naive, naive_margin = ruler(plain.isel(rate), regularized.isel(rate))
    fair, fair_margin = ruler(tuned(plain), tuned(regularized))
    text = f"At this rate {naive:+.4f}, margin {naive_margin:.4f}; tuned {fair:+.4f}, margin {fair_margin:.4f}."
    if naive <= naive_margin:
        raise AnswerError(f"{text} It does not even look better at this rate. Try the rate that people use by default.")
    if fair > fair_margin:
        raise AnswerError(f"{text} This one is better when tuned, too, so its lead is earned. Look for another.")
    return text


@check
def hand_dropout(dropout, *, rng=None):
    """05, exercise 2: `dropout(outputs, rate, rng)` zeroes a random share, drawn from `rng`, and keeps the mean."""
    outputs = np.random.default_rng(0).uniform(1, 2, (200, 500))
    one, other = fresh_seeds(rng, 2)
    for rate in (0.0, 0.2, 0.5):
        case = f"With rate={rate}"
        found, repeated, another = (_dropped(dropout, outputs, rate, seed, case) for seed in (one, one, other))
        zeros = found == 0
        if abs(zeros.mean() - rate) > 0.01:
            raise AnswerError(f"{case} a share of {zeros.mean():.2f} is zero. Compare random numbers with the rate.")
        if rate and abs((zeros & (another == 0)).mean() - rate**2) > 0.01:
            raise AnswerError(f"{case} another generator drops much the same outputs. Draw the numbers from `rng`.")
        if not np.array_equal(found, repeated):
            raise AnswerError(f"{case} generators of one seed drop different outputs. Draw the numbers from `rng`.")
        if rate and (zeros.all(axis=0).any() or zeros.all(axis=1).any()):
            raise AnswerError(f"{case} whole rows or columns are zero. Each output of each image has its own chance.")
        if not same(found[~zeros], outputs[~zeros] / (1 - rate)):
            raise AnswerError(f"{case} the outputs that stay should grow so that the mean over many masks stays.")
    return "The right share is dropped at random, and the mean stays."


def _dropped(dropout, outputs, rate, seed, case):
    answer = call(dropout, outputs.copy(), rate, np.random.default_rng(seed), name="dropout")
    found = numbers(answer, f"{case} the outputs")
    if found.shape != outputs.shape:
        raise AnswerError(f"{case} the shape is {found.shape} instead of {outputs.shape}.")
    return found
