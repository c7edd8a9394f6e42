"""Checks of the exercises of notebook 08."""

import math

import numpy as np

from nbhelpers.checks.common import close, report
from nbhelpers.search import space_of, worlds


def typical_error(answer, *, score):
    """08, exercise 1: the typical error, in the unit of the target, that a negative mean squared error means."""
    problem = None
    if not isinstance(answer, int | float | np.number):
        problem = f"The typical error is a number, got {answer!r}."
    elif answer < 0:
        problem = f"{answer:g} is below zero. The score is the opposite of the mean squared error."
    elif not close(answer, math.sqrt(-score), tolerance=0.01):
        problem = f"{answer:g} is not it. Mind the unit: the score is in degrees², the typical error in degrees."
    return report(problem, f"A score of {score:g} means a typical error of {math.sqrt(-score):.3g} degrees.")


def networks_of_a_grid(networks):
    """08, exercise 2: `networks(grid, folds)` counts the trainings of a grid search, the last one included."""
    cases = [
        ({"learning_rate": [0.1, 0.01]}, 2, "Two candidates, each trained once a fold, and the winner once more."),
        ({"units": [10, 20, 40], "dropout": [0.0, 0.5]}, 3, "A grid has the *product* of its lengths as candidates."),
        ({"a": [1], "b": [1, 2], "c": [1, 2, 3, 4]}, 5, "Each candidate is trained once a fold, the winner once more."),
    ]
    for grid, folds, hint in cases:
        answer = networks(grid, folds)
        if not close(answer, math.prod(map(len, grid.values())) * folds + 1):
            return report(f"networks({grid}, {folds}) gave {answer!r}. {hint}", "")
    return report(None, f"All {len(cases)} grids are counted right.")


def small_box(box, runs, *, few=8, many=64, repetitions=300):
    """08, exercise 3: in this box of runs with SGD, few random trainings find more than many in all of them."""
    space = space_of(runs)
    if sorted(box) != sorted(space):
        return report(f"A box names {', '.join(space)}, each once; yours names {', '.join(box) or 'nothing'}.", "")
    for name, values in box.items():
        unknown = [value for value in values if value not in space[name]]
        if unknown or not len(values):
            recorded = ", ".join(map(str, space[name]))
            return report(f"{name}: {unknown or 'nothing'} was not recorded. Choose from: {recorded}.", "")
    if list(box["optimizer"]) != ["sgd"]:
        return report("This box is for plain SGD alone.", "")
    lengths = [len(set(values)) for values in box.values()]
    if math.prod(lengths) < 24 or sum(length > 1 for length in lengths) < 3:
        return report(
            f"The box has {math.prod(lengths)} configurations, and {sum(length > 1 for length in lengths)} "
            "hyperparameters with more than one value. Leave something to search: 24 and three at least.",
            "",
        )

    def median(part, size):
        parts = [worlds(part, seed) for seed in range(part.sizes["seed"])]
        worth = []
        for repetition in range(repetitions):
            seen, unseen = parts[repetition % len(parts)]
            drawn = np.random.default_rng(repetition).choice(unseen.size, min(size, unseen.size), replace=False)
            worth.append(unseen.ravel()[drawn[seen[..., -1].ravel()[drawn].argmax()]])
        return float(np.median(worth))

    inside = median(runs.sel({name: list(set(values)) for name, values in box.items()}), few)
    outside = median(runs, many)
    text = f"{few} trainings in the box find {inside:.4f}, {many} in the whole atlas {outside:.4f}."
    problem = f"{text} Drop the values that you would not try yourself." if inside <= outside else None
    return report(problem, text)
