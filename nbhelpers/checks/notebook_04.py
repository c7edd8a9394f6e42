"""Checks of the exercises of notebook 04."""

import itertools
import math

import numpy as np

from nbhelpers.checks.common import close, report
from nbhelpers.compare import ruler


def unfair_rate(learning_rate, runs):
    """04, exercise 1: a recorded rate at which two sigmoid layers beat two ReLU layers by more than the margin."""
    accuracy = runs["val_accuracy"].sel(epoch=15, hidden_layers=2)
    if learning_rate not in accuracy.learning_rate.values:
        known = ", ".join(f"{rate:g}" for rate in accuracy.learning_rate.values)
        return report(f"{learning_rate!r} was not recorded. Choose one of: {known}.", "")
    at_rate = accuracy.sel(learning_rate=learning_rate)
    difference, margin = ruler(at_rate.sel(activation="relu"), at_rate.sel(activation="sigmoid"))
    text = f"At {learning_rate:g} the sigmoid differs from ReLU by {difference:+.4f}, margin {margin:.4f}."
    problem = None if difference > margin else f"{text} Which of the two wants larger steps?"
    return report(problem, f"{text} Nobody who sees this figure alone could tell.")


def initial_deviation(deviation):
    """04, exercise 2: `deviation(scheme, inputs, outputs)` is the standard deviation that the scheme prescribes."""
    hints = {
        "lecun": "LeCun's variance depends on the inputs alone.",
        "glorot": "Glorot's variance is a compromise between inputs and outputs.",
        "he": "He's variance makes up for the half that ReLU zeroes.",
    }
    variances = {"lecun": lambda i, o: 1 / i, "glorot": lambda i, o: 2 / (i + o), "he": lambda i, o: 2 / i}
    for (scheme, hint), (inputs, outputs) in itertools.product(hints.items(), [(784, 100), (100, 10), (50, 50)]):
        answer = deviation(scheme, inputs, outputs)
        if not close(answer, math.sqrt(variances[scheme](inputs, outputs))):
            case = f"initial_deviation({scheme!r}, {inputs}, {outputs}) gave {answer!r}."
            return report(f"{case} {hint} The deviation is the square root of the variance.", "")
    return report(None, "All three schemes are right.")


def leaky_relu(function, slope):
    """04, exercise 3: leaky ReLU of an array and its slope, for any slope on the left."""
    sums = np.array([-3.0, -1.0, -0.1, 0.1, 1.0, 3.0])
    for left in (0.01, 0.2, 0.5):
        if not close(function(sums, left), np.where(sums > 0, sums, left * sums)):
            return report(f"leaky_relu is wrong with negative_slope={left}: on the right z itself, on the left?", "")
        difference = (np.asarray(function(sums + 1e-6, left)) - np.asarray(function(sums - 1e-6, left))) / 2e-6
        if not close(slope(sums, left), difference, tolerance=1e-3):
            return report(f"The slope does not fit the function with negative_slope={left}. Mind both sides.", "")
    return report(None, "Function and slope fit each other.")


def every_seed_above(accuracies, threshold, *, seeds=3):
    """04, exercise 4: so many accuracies, each above the threshold."""
    accuracies = np.ravel(accuracies)
    if len(accuracies) < seeds or not np.isfinite(accuracies).all():
        return report(
            f"The check wants the accuracies of {seeds} seeds, finite numbers; got {accuracies.tolist()}.", ""
        )
    worst = float(accuracies.min())
    problem = None if worst > threshold else f"The worst seed reads {worst:.3f}, not above {threshold:g}."
    return report(problem, f"Even the worst seed reads {worst:.3f}, above {threshold:g}.")
