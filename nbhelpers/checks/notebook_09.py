"""Checks of the exercises of notebook 09."""

import math
from functools import partial

import numpy as np

from nbhelpers.checks.common import AnswerError, call, check, cut, same, shown, whole_number
from nbhelpers.search import incumbents, random_search, run_search, space_of, split_by_seed


@check
def epochs_of_a_bracket(epochs, *, candidates, rungs):
    """09, exercise 1: what successive halving spends, if survivors go on where they stopped."""
    epochs = whole_number(epochs, "The number of epochs")
    right, anew, trained, n = 0, 0, 0, candidates
    for rung in rungs:
        right, anew = right + n * (rung - trained), anew + n * rung
        trained, n = rung, max(1, n // 3)
    hints = {
        anew: f"{epochs} would be spent if each survivor began again; it goes on where it stopped.",
        candidates * rungs[-1]: f"{epochs} would be spent if all candidates were trained to the end.",
    }
    if epochs != right:
        other = f"{epochs} is not it. How many candidates are trained from which epoch to which, at each rung?"
        raise AnswerError(hints.get(epochs, other))
    return f"{right} epochs, where training all to the end takes {candidates * rungs[-1]}."


@check
def parzen_ratio(preference):
    """09, exercise 2: `preference(values, scores, options)` is share among the good over share among the rest."""
    rng = np.random.default_rng(0)
    cases = [
        (["relu", "relu", "tanh", "tanh", "tanh", "tanh"], [0.9, 0.8, 0.1, 0.2, 0.3, 0.4], ["relu", "tanh"]),
        (["sgd"] * 2 + ["adam"] * 7, [0.1, 0.2, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3], ["adam", "sgd", "rmsprop"]),
        (rng.integers(3, size=30).tolist(), rng.random(30).tolist(), [0, 1, 2]),
    ]
    for values, scores, options in cases:
        good, rest = np.split(np.argsort(scores)[::-1], [len(scores) // 3])
        counts = [[sum(values[i] == option for i in part) + 1 for option in options] for part in (good, rest)]
        right = np.divide(*(np.array(count) / sum(count) for count in counts))
        answer = call(preference, list(values), list(scores), list(options), name="preference")
        if not same(answer, right):
            hint = "The good are the highest third; a share is a count plus one, over the sum of these counts."
            raise AnswerError(f"For {len(values)} trials with the options {options} it gave {shown(answer)}. {hint}")
    return "Frequent among the good and rare among the rest: these are tried."


@check
def better_player(player, runs, *, trainings=20, repetitions=300, rng=None):
    """09, exercise 3: this search wins more duels with random search, at the same budget, than chance allows.

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
