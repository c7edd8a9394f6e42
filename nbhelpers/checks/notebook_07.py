"""Checks of the exercises of notebook 07; that of the third one, `real_improvement`, is shared."""

import itertools
import math

import numpy as np

from nbhelpers.checks.common import AnswerError, call, check, numbers, same, shown


@check
def log_spaced(rates, *, low=1e-4, high=1.0, count=9):
    """07, exercise 1: so many rates from `low` to `high`, each the same factor above the one before."""
    rates = numbers(rates, "The rates").ravel()
    if len(rates) != count:
        raise AnswerError(f"There are {len(rates)} rates instead of {count}.")
    if not (rates > 0).all() or not np.allclose([rates[0], rates[-1]], [low, high]):
        raise AnswerError(f"The first should be {low:g} and the last {high:g}, and all above zero.")
    factors = rates[1:] / rates[:-1]
    if np.ptp(np.log(factors)) > 0.02:
        text = f"The factor from one to the next goes from {factors.min():.2f} to {factors.max():.2f}"
        raise AnswerError(f"{text}. Make it equal.")
    return f"{count} rates, each {(rates[-1] / rates[0]) ** (1 / (count - 1)):.2f} times the one before."


@check
def cosine_schedule(schedule):
    """07, exercise 2: `schedule(step, steps, largest)` falls along half a cosine from the largest rate to zero."""
    hints = {0: "It starts at the largest rate.", 1: "It ends at zero.", 0.5: "In the middle it is half."}
    for (largest, steps), share in itertools.product([(1.0, 1000), (0.02, 400)], (0, 1, 0.5, 0.25, 0.9)):
        step = round(share * steps)
        answer = call(schedule, step, steps, largest, name="cosine")
        if not same(answer, largest * 0.5 * (1 + math.cos(math.pi * step / steps))):
            hint = hints.get(share, "Half a cosine: from cos 0 to cos π.")
            raise AnswerError(f"At step {step} of {steps}, largest {largest}, it gave {shown(answer)}. {hint}")
    return "The schedule falls along half a cosine."
