"""Checks of the exercises of notebook 08."""

import math

import numpy as np

from nbhelpers.checks.common import AnswerError, call, check, named, number, position, same, shown
from nbhelpers.search import space_of, split_by_seed


@check
def typical_error(answer, *, score):
    """08, exercise 1: the typical error, in the unit of the target, that a negative mean squared error means."""
    answer = number(answer, "The typical error")
    if answer < 0:
        raise AnswerError(f"{answer:g} is below zero. The score is the opposite of the mean squared error.")
    if not math.isclose(answer, math.sqrt(-score), rel_tol=0.01):
        raise AnswerError(
            f"{answer:g} is not it. Mind the unit: the score is in degrees², the typical error in degrees."
        )
    return f"A score of {score:g} means a typical error of {math.sqrt(-score):.3g} degrees."


@check
def networks_of_a_grid(networks):
    """08, exercise 2: `networks(grid, folds)` counts the trainings of a grid search, the last one included."""
    cases = [
        ({"learning_rate": [0.1, 0.01]}, 2, "Two candidates, each trained once a fold, and the winner once more."),
        ({"units": [10, 20, 40], "dropout": [0.0, 0.5]}, 3, "A grid has the *product* of its lengths as candidates."),
        ({"a": [1], "b": [1, 2], "c": [1, 2, 3, 4]}, 5, "Each candidate is trained once a fold, the winner once more."),
    ]
    for grid, folds, hint in cases:
        answer = call(networks, dict(grid), folds, name="networks")
        if not same(answer, math.prod(map(len, grid.values())) * folds + 1):
            raise AnswerError(f"networks({grid}, {folds}) gave {shown(answer)}. {hint}")
    return f"All {len(cases)} grids are counted right."


@check
def small_box(box, runs, *, few=8, many=64, repetitions=300):
    """08, exercise 3: in this box of runs with SGD, few random trainings find more than many in all of them.

    A box has one score: the searches draw the same random numbers each time, and in whatever order and collection
    the values of a hyperparameter are given, they are looked up by where they stand among the recorded ones.
    """
    chosen = _positions(box, space_of(runs))
    lengths = [len(indices) for indices in chosen.values()]
    if math.prod(lengths) < 24 or sum(length > 1 for length in lengths) < 3:
        raise AnswerError(
            f"The box has {math.prod(lengths)} configurations, and {sum(length > 1 for length in lengths)} "
            "hyperparameters with more than one value. Leave something to search: 24 and three at least."
        )
    inside = _median_worth(runs.isel(chosen), few, repetitions)
    outside = _median_worth(runs, many, repetitions)
    text = f"{few} trainings in the box find {inside:.4f}, {many} in the whole atlas {outside:.4f}."
    if inside <= outside:
        raise AnswerError(f"{text} Drop the values that you would not try yourself.")
    return text


def _positions(box, space):
    """Where the values of a box stand among the recorded ones, ascending, each once."""
    chosen = {}
    for name, values in named(box, space, "A box").items():
        # A value alone counts as a list of one.
        values = [values] if np.ndim(values) == 0 and not isinstance(values, set | frozenset) else list(values)
        if not values:
            raise AnswerError(f"{name} has no values. Choose from: {', '.join(map(str, space[name]))}.")
        chosen[name] = sorted({position(value, space[name], name) for value in values})
    if [space["optimizer"][index] for index in chosen["optimizer"]] != ["sgd"]:
        raise AnswerError("This box is for plain SGD alone.")
    return chosen


def _median_worth(runs, size, repetitions):
    """What random searches of so many trainings find, by the seeds that they did not see: the median."""
    parts = [split_by_seed(runs, seed) for seed in range(runs.sizes["seed"])]
    worth = []
    for repetition in range(repetitions):
        seen, unseen = parts[repetition % len(parts)]
        drawn = np.random.default_rng(repetition).choice(unseen.size, min(size, unseen.size), replace=False)
        worth.append(unseen.ravel()[drawn[seen[..., -1].ravel()[drawn].argmax()]])
    return float(np.median(worth))
