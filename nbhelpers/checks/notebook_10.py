"""Checks of the exercises of notebook 10."""

import math
import time

from nbhelpers.checks.common import AnswerError, call, check, same, shown, whole_number


@check
def break_even(trainings, *, start, training, workers):
    """10, exercise 1: the fewest trainings that so many workers finish before one machine that is running."""
    trainings = whole_number(trainings, "The number of trainings")

    def seconds(n):
        return start + math.ceil(n / workers) * training, n * training

    there, here = seconds(trainings)
    if there >= here:
        raise AnswerError(f"{trainings} trainings take {there} s there and {here} s here: more trainings are needed.")
    there, here = seconds(trainings - 1)
    if there < here:
        raise AnswerError(f"{trainings} trainings are done sooner there, but fewer already are.")
    return f"From {trainings} trainings on the {workers} workers are done first."


@check
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
        answer = call(lost, dict(before), dict(after), name="lost")
        if not same(answer, right):
            raise AnswerError(f"From {sorted(before)} to {sorted(after)} it gave {shown(answer)}. {hint}")
    return f"All {len(cases)} cases are judged right."


@check
def resumed(search):
    """10, exercise 3: `search(storage, trials)`, called again with its storage, goes on and loses nothing."""
    storage = f"sqlite:///exercise-{time.time_ns()}.db"  # in the current folder
    first, second, third = (_trials(call(search, storage, trials, name="resumable")) for trials in (4, 7, 7))
    if len(first) != 4:
        raise AnswerError(f"Asked for 4 trials, it has {len(first)}.")
    if first != second[:4]:
        raise AnswerError("Called again, it has other trials than the first time. Where are they kept?")
    if len(second) != 7:
        raise AnswerError(f"4 trials were there and 7 were wanted in all; it has {len(second)}.")
    if third != second:
        raise AnswerError("With all 7 trials there, it was called once more, and there are others now.")
    return "It went on where it was, and stopped when all were there."


def _trials(answer):
    """What a search returned as texts, so that two of them can be compared whatever they hold."""
    if not isinstance(answer, list | tuple):
        raise AnswerError(f"Return a list of the trials, parameters and value of each, got {shown(answer)}.")
    return [repr(trial) for trial in answer]
