"""Checks of the exercises of notebook 05."""

import numpy as np

from nbhelpers.checks.common import close, report
from nbhelpers.compare import ruler, tuned


def flattered_by_the_rate(setting, runs):
    """05, exercise 1: at one learning rate this regularizer beats none by more than the margin; tuned, it does not."""
    accuracy = runs["val_accuracy"].sel(epoch=60)
    wanted = ("penalty", "dropout", "learning_rate")
    if sorted(setting) != sorted(wanted):
        return report(f"A setting names {', '.join(wanted)}, each once; yours names {', '.join(setting)}.", "")
    for name, value in setting.items():
        if value not in accuracy[name].values:
            known = ", ".join(f"{v}" for v in accuracy[name].values)
            return report(f"{name}={value!r} was not recorded. Choose one of: {known}.", "")
    regularizer = {name: setting[name] for name in ("penalty", "dropout")}
    plain, regularized = accuracy.sel(penalty="none", dropout=0.0), accuracy.sel(regularizer)
    rate = {"learning_rate": setting["learning_rate"]}
    naive, naive_margin = ruler(plain.sel(rate), regularized.sel(rate))
    fair, fair_margin = ruler(tuned(plain), tuned(regularized))
    text = f"At this rate {naive:+.4f}, margin {naive_margin:.4f}; tuned {fair:+.4f}, margin {fair_margin:.4f}."
    problem = None
    if naive <= naive_margin:
        problem = f"{text} It does not even look better at this rate. Try the rate that people use by default."
    elif fair > fair_margin:
        problem = f"{text} This one is better when tuned, too, so its lead is earned. Look for another."
    return report(problem, text)


def hand_dropout(dropout):
    """05, exercise 2: `dropout(outputs, rate, rng)` zeroes a random share and keeps the mean."""
    outputs = np.random.default_rng(0).uniform(1, 2, (200, 500))
    for rate in (0.0, 0.2, 0.5):
        case = f"With rate={rate}"
        found, again = (dropout(outputs.copy(), rate, np.random.default_rng(seed)) for seed in (1, 2))
        if np.shape(found) != outputs.shape or np.shape(again) != outputs.shape:
            return report(f"{case} the shape is {np.shape(found)} instead of {outputs.shape}.", "")
        zeros = np.asarray(found) == 0
        if abs(zeros.mean() - rate) > 0.01:
            return report(f"{case} a share of {zeros.mean():.2f} is zero. Compare random numbers with the rate.", "")
        if rate and abs((zeros & (np.asarray(again) == 0)).mean() - rate**2) > 0.01:
            return report(f"{case} another generator drops much the same outputs. Draw the numbers from `rng`.", "")
        if rate and (zeros.all(axis=0).any() or zeros.all(axis=1).any()):
            return report(f"{case} whole rows or columns are zero. Each output of each image has its own chance.", "")
        if not close(np.asarray(found)[~zeros], outputs[~zeros] / (1 - rate)):
            return report(f"{case} the outputs that stay should grow so that the mean over many masks stays.", "")
    return report(None, "The right share is dropped at random, and the mean stays.")


def penalty(function):
    """05, exercise 3: `function(kernels, l1, l2)` is what the two penalties add to the loss."""
    kernels = [np.array([[1.0, -2.0], [0.5, 0.0]]), np.array([[3.0], [-1.0]])]
    right = {(0.0, 0.0): 0.0, (0.1, 0.0): 0.75, (0.0, 0.1): 1.525, (0.1, 0.2): 3.8}
    for (l1, l2), value in right.items():
        answer = function(kernels, l1, l2)
        if not close(answer, value):
            hint = "L1 sums absolute values, L2 squares, over all kernels."
            return report(f"With l1={l1} and l2={l2} your penalty is {answer!r}. {hint}", "")
    return report(None, "Both penalties are right, alone and together.")
