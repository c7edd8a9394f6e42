"""Checks of the exercises of notebook 10."""

import math
import time

from nbhelpers.checks.common import report


def break_even(trainings, *, start, training, workers):
    """10, exercise 1: the fewest trainings that so many workers finish before one machine that is running."""

    def sooner(n):
        return start + math.ceil(n / workers) * training < n * training

    problem = None
    if not isinstance(trainings, int) or trainings < 1:
        problem = f"The number of trainings is a whole number above zero, got {trainings!r}."
    elif not sooner(trainings):
        there, here = start + math.ceil(trainings / workers) * training, trainings * training
        problem = f"{trainings} trainings take {there} s there and {here} s here: more trainings are needed."
    elif sooner(trainings - 1):
        problem = f"{trainings} trainings are done sooner there, but fewer already are."
    return report(problem, f"From {trainings} trainings on the {workers} workers are done first.")


def lost_trials(lost):
    """10, exercise 2: `lost(before, after)` lists the trials of `before` that are missing or changed in `after`."""
    trials = {3: ({"units": 8}, 0.5), 1: ({"units": 16}, 0.7), 2: ({"units": 16}, 0.6)}
    cases = [
        (trials, {**trials, 9: ({"units": 4}, 0.1)}, [], "Nothing is missing here; a new trial is no loss."),
        (trials, {1: trials[1]}, [2, 3], "Two trials are missing, given in order of their numbers."),
        (trials, {**trials, 1: ({"units": 16}, 0.8)}, [1], "A score has changed: that is a loss, too."),
        (trials, {**trials, 3: ({"units": 9}, 0.5)}, [3], "A parameter has changed: that is a loss, too."),
        ({}, trials, [], "Before the first trial nothing can be lost."),
    ]
    for before, after, right, hint in cases:
        answer = lost(dict(before), dict(after))
        if not isinstance(answer, list | tuple) or list(answer) != right:
            return report(f"From {sorted(before)} to {sorted(after)} it gave {answer!r}. {hint}", "")
    return report(None, f"All {len(cases)} cases are judged right.")


def resumed(search):
    """10, exercise 3: `search(storage, trials)`, called again with its storage, goes on and loses nothing."""
    storage = f"sqlite:///exercise-{time.time_ns()}.db"  # in the current folder
    first, second, third = (search(storage, trials) for trials in (4, 7, 7))
    problem = None
    if len(first) != 4:
        problem = f"Asked for 4 trials, it has {len(first)}."
    elif first != second[:4]:
        problem = "Called again, it has other trials than the first time. Where are they kept?"
    elif len(second) != 7:
        problem = f"4 trials were there and 7 were wanted in all; it has {len(second)}."
    elif third != second:
        problem = "With all 7 trials there, it was called once more, and there are others now."
    return report(problem, "It went on where it was, and stopped when all were there.")
