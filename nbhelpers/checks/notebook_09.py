"""Checks of the exercises of notebook 09."""

import math
from functools import partial

import numpy as np

from nbhelpers.checks.common import AnswerError, call, check, cut, shown
from nbhelpers.search import incumbents, random_search, run_search, space_of, split_by_seed


@check
def tunable(build):
    """09, exercise 1: `build(hp)`, a function for Keras Tuner that asks for units, dropout and the learning rate."""
    import keras_tuner

    hp = keras_tuner.HyperParameters()
    call(build, hp, name="build")
    found = {one.name: one for one in hp.space}
    if set(found) != set(RANGES):
        raise AnswerError(f"It asks for {', '.join(found) or 'nothing'}. It should ask for {', '.join(RANGES)}.")
    for name, (kind, low, high, scale) in RANGES.items():
        one = found[name]
        asked = type(one).__name__, getattr(one, "min_value", None), getattr(one, "max_value", None)
        if asked != (kind, low, high):
            raise AnswerError(f"{name} should be hp.{kind} from {low:g} to {high:g}.")
        if scale and one.sampling != scale:
            raise AnswerError(f"{name} should be drawn on a log scale: sampling='log'.")
    for values in ({"units": 20, "dropout": 0.3, "learning_rate": 0.02}, dict.fromkeys(RANGES, 0) | LARGEST):
        hp.values = values
        _check_network(call(build, hp, name="build"), values)
    return "Keras Tuner can search it."


RANGES = {
    "units": ("Int", 16, 256, None),
    "dropout": ("Float", 0, 0.5, None),
    "learning_rate": ("Float", 0.0001, 0.1, "log"),
}
LARGEST = {"units": 256, "dropout": 0.5, "learning_rate": 0.1}


def _check_network(model, values):
    """Raise an AnswerError unless the network is what these values say."""
    import keras

    if not isinstance(model, keras.Model) or not model.compiled or not model.built:
        raise AnswerError(f"build should return a compiled network that knows its inputs, got {shown(model)}.")
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense | keras.layers.Dropout)]
    found = [getattr(layer, "units", None) or f"dropout {layer.rate:g}" for layer in layers]
    right = [values["units"], f"dropout {values['dropout']:g}", 10]
    if found != right or model.input_shape != (None, 28, 28):
        raise AnswerError(f"With {values} it has {found} after inputs of {model.input_shape[1:]}, and not {right}.")
    rate = float(model.optimizer.learning_rate)
    if not isinstance(model.optimizer, keras.optimizers.Adam) or not math.isclose(
        rate, values["learning_rate"], rel_tol=1e-5
    ):
        raise AnswerError(f"With {values} it is compiled with {type(model.optimizer).__name__} at {rate:g}.")


@check
def better_player(player, runs, *, trainings=20, repetitions=300, rng=None):
    """09, exercise 2: this search wins more duels with random search, at the same budget, than chance allows.

    Each duel is about a space in which nobody knows what is good: names, values and their order are mixed up. What
    a search finds is the best of the configurations that it trained to the end, by seeds that it did not see.
    """
    rng = np.random.default_rng(rng)
    seeds = [split_by_seed(runs, seed) for seed in range(runs.sizes["seed"])]
    budget = trainings * runs.sizes["epoch"]
    to_the_end = partial(random_search, rungs=[runs.sizes["epoch"]])
    wins = 0.0
    for repetition in range(repetitions):
        space, seen, unseen = _mixed_up(space_of(runs), *seeds[repetition % len(seeds)], rng)
        yours, random = (
            _found(call(make, space, rng.spawn(1)[0], name="Your search"), seen, unseen, budget=budget)
            for make in (player, to_the_end)
        )
        wins += (yours > random) + (yours == random) / 2
    share = wins / repetitions
    chance = 0.5 + 1.5 / math.sqrt(repetitions)  # three standard errors above a tie
    text = f"After {trainings} full trainings it wins {share:.0%} of {repetitions} duels with random search"
    if share <= chance:
        raise AnswerError(f"{text}; a tie may reach {chance:.0%}. What did you learn about ending trainings early?")
    return f"{text}, more than the {chance:.0%} that a tie may reach by chance."


def _mixed_up(space, seen, unseen, rng):
    """Shuffle the axes, and the values on each of them; the space then tells nothing but how many there are."""
    axes = rng.permutation(len(space))
    seen, unseen = seen.transpose(*axes, -1), unseen.transpose(axes)
    for axis, length in enumerate(unseen.shape):
        order = rng.permutation(length)
        seen, unseen = seen.take(order, axis), unseen.take(order, axis)
    return {f"hyperparameter {axis}": list(range(n)) for axis, n in enumerate(unseen.shape)}, seen, unseen


def _found(player, seen, unseen, *, budget):
    """What the best of the configurations that were trained to the end is worth."""
    last = seen.shape[-1]
    try:
        trials, _ = run_search(player, seen, budget=budget)
    except Exception as error:
        rule = f"A search yields a tuple of indices, one for each hyperparameter, and a number of epochs, 1 to {last}."
        raise AnswerError(f"{type(error).__name__}: {cut(str(error), 200)} {rule}") from None
    finished = [trial for trial in trials if trial[2] == last]
    if not finished:
        raise AnswerError(
            f"It trained no configuration to the end, {last} epochs, before its {budget} epochs were spent."
        )
    return incumbents(finished, unseen, marks=[budget])[-1]
