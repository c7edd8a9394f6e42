"""Checks of the exercises of notebook 08."""

import math

import numpy as np

from nbhelpers.checks.common import AnswerError, call, check, named, number, position, shown
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


@check
def searchable_dropout(estimator):
    """08, exercise 2: a class of estimators whose `dropout` a search can set, and whose networks have that layer."""
    if not isinstance(estimator, type):
        raise AnswerError(f"Hand in the class itself, got {shown(estimator)}.")
    made = call(estimator, name=estimator.__name__)
    if not hasattr(made, "get_params") or not hasattr(made, "dropout"):
        raise AnswerError("The estimator keeps no dropout. Write `self.dropout = dropout` in its __init__.")
    if "dropout" not in call(made.get_params, name="get_params"):
        raise AnswerError("get_params() does not name dropout. Give __init__ an argument of that name.")
    for rate in (0.1, 0.6):
        copied = call(_copy_with, estimator, rate, name="clone")
        if getattr(copied, "dropout", None) != rate:
            raise AnswerError(f"A copy of the estimator with dropout={rate} has forgotten it. Keep it as self.dropout.")
        found = _layers(copied)
        if found != ["Dense", "Dense", f"Dropout {rate}", "Dense"]:
            raise AnswerError(
                f"With units=(9, 8) and dropout={rate} the layers are {', '.join(found)}. There should be two hidden "
                "ones, then one of dropout at that rate, then the output."
            )
    return "A search can draw the dropout rate."


def _copy_with(estimator, rate):
    from sklearn.base import clone

    return clone(estimator(units=(9, 8), dropout=rate))


def _layers(estimator):
    """The layers of the network that an estimator trains, but for those that only turn shapes or activate."""
    import keras

    rng = np.random.default_rng(0)
    call(estimator.fit, rng.random((20, 6)), rng.random(20), name="fit")
    names = []
    for layer in estimator.model_.layers:
        if isinstance(layer, keras.layers.Dropout):
            names.append(f"Dropout {layer.rate:g}")
        elif not isinstance(layer, keras.layers.Flatten | keras.layers.Activation | keras.layers.ReLU):
            names.append(type(layer).__name__)
    return names
