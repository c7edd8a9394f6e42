"""Checks of the exercises of notebook 09."""

import math

import numpy as np

from nbhelpers.checks.common import close, report
from nbhelpers.search import RUNGS, incumbents, play, random_search, space_of, worlds


def epochs_of_a_bracket(epochs, *, candidates, rungs):
    """09, exercise 1: what successive halving spends, if survivors go on where they stopped."""
    right, anew, trained, n = 0, 0, 0, candidates
    for rung in rungs:
        right, anew = right + n * (rung - trained), anew + n * rung
        trained, n = rung, max(1, n // 3)
    problem = None
    if not close(epochs, right):
        problem = f"{epochs!r} is not it. How many candidates are trained from which epoch to which, at each rung?"
    if close(epochs, anew):
        problem = f"{epochs} would be spent if each survivor began again; it goes on where it stopped."
    elif close(epochs, candidates * rungs[-1]):
        problem = f"{epochs} would be spent if all candidates were trained to the end."
    return report(problem, f"{right} epochs, where training all to the end takes {candidates * rungs[-1]}.")


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
        answer = preference(list(values), list(scores), list(options))
        if not close(answer, right):
            hint = "The good are the highest third; a share is a count plus one, over the sum of these counts."
            return report(f"For {len(values)} trials with the options {options} it gave {answer!r}. {hint}", "")
    return report(None, "Frequent among the good and rare among the rest: these are tried.")


def better_player(player, runs, *, trainings=20, repetitions=120):
    """09, exercise 3: this player wins more duels with random search, at the same budget, than chance allows."""
    space = space_of(runs)
    seeds = [worlds(runs, seed) for seed in range(runs.sizes["seed"])]
    worth = {"random": [], "yours": []}
    for repetition in range(repetitions):
        seen, unseen = seeds[repetition % len(seeds)]
        for name, make in (("random", random_search), ("yours", player)):
            budget = trainings * RUNGS[-1]
            try:
                trials, _ = play(make(space, np.random.default_rng(repetition)), seen, budget=budget)
            except (AttributeError, TypeError, ValueError) as problem:
                return report(f"{problem} (A player yields a tuple of indices and a number of epochs, 1 to 15.)", "")
            if not trials:
                return report(f"It ended without a trial that fits into {budget} epochs.", "")
            worth[name].append(incumbents(trials, unseen, marks=[budget])[-1])
    random, yours = np.array(worth["random"]), np.array(worth["yours"])
    share = np.mean(yours > random) + np.mean(yours == random) / 2
    chance = 0.5 + 1 / math.sqrt(repetitions)  # two errors above a tie
    text = f"After {trainings} full trainings it wins {share:.0%} of {repetitions} duels with random search"
    if share > chance:
        return report(None, f"{text}, more than the {chance:.0%} that a tie may reach by chance.")
    return report(f"{text}; a tie may reach {chance:.0%}. What did you learn about ending trainings early?", "")
