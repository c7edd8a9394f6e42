"""Checks of the exercises of notebook 07."""

import itertools
import math

import numpy as np

from nbhelpers.checks.common import close, report


def log_spaced(rates, *, low=1e-4, high=1.0, count=9):
    """07, exercise 1: so many rates from `low` to `high`, each the same factor above the one before."""
    try:
        rates = np.asarray(rates, float).ravel()
    except (TypeError, ValueError):
        return report(f"The rates are a list of numbers, got {rates!r}.", "")
    problem = None
    if len(rates) != count:
        problem = f"There are {len(rates)} rates instead of {count}."
    elif not (rates > 0).all() or not close([rates[0], rates[-1]], [low, high]):
        problem = f"The first should be {low:g} and the last {high:g}, and all above zero."
    elif np.ptp(np.log(rates[1:] / rates[:-1])) > 0.02:
        factors = rates[1:] / rates[:-1]
        problem = (
            f"The factor from one to the next goes from {factors.min():.2f} to {factors.max():.2f}. Make it equal."
        )
    return report(
        problem, f"{count} rates, each {(rates[-1] / rates[0]) ** (1 / (count - 1)):.2f} times the one before."
    )


def cosine_schedule(schedule):
    """07, exercise 2: `schedule(step, steps, largest)` falls along half a cosine from the largest rate to zero."""
    hints = {0: "It starts at the largest rate.", 1: "It ends at zero.", 0.5: "In the middle it is half."}
    for (largest, steps), share in itertools.product([(1.0, 1000), (0.02, 400)], (0, 1, 0.5, 0.25, 0.9)):
        step = round(share * steps)
        answer = schedule(step, steps, largest)
        if not close(answer, largest * 0.5 * (1 + math.cos(math.pi * step / steps))):
            hint = hints.get(share, "Half a cosine: from cos 0 to cos π.")
            return report(f"At step {step} of {steps}, largest {largest}, it gave {answer!r}. {hint}", "")
    return report(None, "The schedule falls along half a cosine.")
