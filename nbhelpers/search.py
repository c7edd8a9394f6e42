"""Search methods on recorded trainings: each proposes configurations, and learns their scores.

A search is a generator. It yields ``configuration, epochs``, the configuration as the index of one value
on each axis of the space, and is sent back the validation accuracy after so many epochs. `run_search`
gives a search a budget to spend. Libraries are imported where they are used.
"""

import itertools
import math
import operator
import time
import warnings
from functools import partial
from typing import NamedTuple

import numpy as np

from nbhelpers.numbers import whole_number

# Recorded epochs after which halving compares its candidates, by factors of three, up to all of them.
RUNGS = (1, 3, 9, 27)
PATIENCE = 200  # repetitions in a row


class Trial(NamedTuple):
    """What a search has learned by one request."""

    spent: int  # epochs so far, those of this trial included
    configuration: tuple  # of int, the index of a value on each axis
    epochs: int  # after how many the score was taken
    score: float


def run_search(search, scores, *, budget):
    """Let a search spend a budget of epochs on recorded trainings.

    A configuration that is asked for again is not trained again: it costs the epochs beyond those it
    already had, so that halving goes on with a training where it stopped, and a repetition is free.
    The search ends when the budget is spent, when the generator ends, or after 200 repetitions in a row.

    Parameters
    ----------
    search : generator
        What a function of `SEARCH_METHODS` returns, or one like it.
    scores : array of shape (..., epochs)
        One axis for each hyperparameter, then the epochs of the one recorded training there.
    budget : int
        Epochs to spend, > 0.

    Returns
    -------
    trials : list of Trial
        In the order in which the search asked.
    overhead : list of float
        Seconds of computing that the search took to choose each trial.

    Raises
    ------
    ValueError
        If the budget is not above zero, or the search asks for what was not recorded.
    """
    if not budget > 0:
        raise ValueError(f"A search needs a budget above zero epochs, got {budget!r}.")
    scores = np.asarray(scores)
    trials, overhead, trained, spent, score, repeated = [], [], {}, 0, None, 0
    while repeated < PATIENCE:
        start = time.process_time()
        try:
            proposal = search.send(score)
        except StopIteration:
            break
        seconds = time.process_time() - start
        configuration, epochs = _read_proposal(proposal, scores.shape)
        more = max(0, epochs - trained.get(configuration, 0))
        if spent + more > budget:
            break
        spent += more
        repeated = 0 if more else repeated + 1
        trained[configuration] = max(epochs, trained.get(configuration, 0))
        score = float(scores[configuration][epochs - 1])
        trials.append(Trial(spent, configuration, epochs, score))
        overhead.append(seconds)
    return trials, overhead


def _read_proposal(proposal, shape):
    """The configuration, a tuple of int, and the number of epochs that a search has yielded."""
    *sizes, recorded = shape
    try:
        configuration, epochs = proposal
        configuration = tuple(map(operator.index, configuration))
    except (TypeError, ValueError):
        raise ValueError(
            f"A search yields a configuration, one index for each axis, and a number of epochs; got {proposal!r}."
        ) from None
    if len(configuration) != len(sizes) or not all(0 <= i < n for i, n in zip(configuration, sizes, strict=True)):
        raise ValueError(
            f"The search proposed {configuration!r}; it should have one index for each axis, and the axes have "
            f"{', '.join(map(str, sizes))} values."
        )
    return configuration, whole_number(epochs, "The number of epochs that a search asks for", high=recorded)


def space_of(runs):
    """Return the configuration space of recorded runs: the values of each hyperparameter, by name."""
    dims = runs["val_accuracy"].dims
    return {name: runs[name].values.tolist() for name in dims if name not in ("seed", "epoch")}


def split_by_seed(runs, seed, *, measure="val_accuracy"):
    """Split recorded runs into what a search may see, the runs of one seed, and what it cannot know.

    Parameters
    ----------
    runs : xarray.Dataset
        With dimensions for the hyperparameters, "seed" (at least two) and "epoch".
    seed : int
        Index of the seed that the search sees.
    measure : str
        The variable that is the score, the higher the better.

    Returns
    -------
    seen : ndarray of shape (..., epochs)
        Scores of that seed, one axis for each hyperparameter.
    unseen : ndarray of shape (...)
        Mean score of the other seeds after the last epoch.

    Raises
    ------
    ValueError
        If there is no such measure or seed, no other seed, or the measure was not recorded after each epoch.
    """
    if measure not in runs:
        raise ValueError(f"{measure!r} was not recorded. Choose one of: {', '.join(runs.data_vars)}.")
    if missing := {"seed", "epoch"} - set(runs[measure].dims):
        raise ValueError(
            f"{measure!r} has no dimension {', '.join(sorted(missing))}, and a search needs the scores of each seed "
            "after each epoch. Choose another measure, as 'val_accuracy'."
        )
    seeds = runs.sizes["seed"]
    if seeds < 2:
        raise ValueError("These runs have only one seed; a second one is needed to judge what a search finds.")
    seed = whole_number(seed, "seed", low=0, high=seeds - 1, note=", the place of one of the recorded seeds")
    scores = runs[measure].transpose(..., "seed", "epoch").values
    return scores[..., seed, :], np.delete(scores[..., -1], seed, axis=-1).mean(axis=-1)


def check_space(space):
    """Raise a ValueError if there is nothing to search."""
    empty = [name for name, values in space.items() if not len(values)]
    if not space or empty:
        where = f"{', '.join(map(str, empty))} has no values" if empty else "it has no hyperparameter"
        raise ValueError(f"The configuration space is empty: {where}. Give each hyperparameter at least one value.")


def draw(space, rng):
    """Return a random configuration: the index of one value on each axis."""
    check_space(space)
    return tuple(int(rng.integers(len(values))) for values in space.values())


def random_search(space, rng, *, rungs=RUNGS, rung=-1):
    """Train random configurations to the end (Bergstra & Bengio, 2012), or all of them to an earlier rung."""
    while True:
        yield draw(space, rng), rungs[rung]


def sobol(space, rng, *, rungs=RUNGS):
    """Train configurations that lie more evenly than random ones: a scrambled Sobol sequence (Owen, 1998)."""
    from scipy.stats.qmc import Sobol

    check_space(space)
    sequence, lengths = Sobol(len(space), rng=rng), [len(values) for values in space.values()]
    while True:
        yield tuple(int(index) for index in sequence.random(1)[0] * lengths), rungs[-1]


def zoom(space, rng, *, rungs=RUNGS, size=8):
    """Train `size` random configurations, shrink the box around the best so far, draw from it, and so on.

    Each axis keeps the two thirds of its values that lie nearest to that of the best, and two at least.
    """
    check_space(space)
    box, best = [range(len(values)) for values in space.values()], (-math.inf, None)
    while True:
        for _ in range(size):
            configuration = tuple(int(rng.choice(axis)) for axis in box)
            score = yield configuration, rungs[-1]
            best = max(best, (score, configuration))
        box = [_nearest(axis, at) for axis, at in zip(box, best[1], strict=True)]


def _nearest(axis, at):
    """Two thirds of these indices, and two at least: those nearest to `at`."""
    return sorted(axis, key=lambda index: abs(index - at))[: max(2, math.ceil(2 * len(axis) / 3))]


def grid_search(space, rng, *, size, rungs=RUNGS):
    """Train a grid of at most `size` configurations, row by row, the last axis fastest.

    Which axes get how many values is drawn: one value more for a random axis, as long as the grid stays
    within its size. The values of an axis lie at equal distances, from a random first one.
    """
    for configuration in itertools.product(*grid_axes(space, rng, size=size)):
        yield configuration, rungs[-1]


def grid_axes(space, rng, *, size):
    """Return the indices of the values that a random grid of at most `size` configurations has on each axis."""
    check_space(space)
    lengths = [len(values) for values in space.values()]
    chosen = np.ones(len(lengths), int)
    open_axes = list(range(len(lengths)))
    while open_axes:
        axis = open_axes[rng.integers(len(open_axes))]
        more = chosen + (np.arange(len(lengths)) == axis)
        if more[axis] > lengths[axis] or more.prod() > size:
            open_axes.remove(axis)
        else:
            chosen = more
    return [
        [int(index) for index in (np.arange(k) + rng.random()) * n / k] for n, k in zip(lengths, chosen, strict=True)
    ]


def bracket(candidates, *, rungs=RUNGS):
    """Train all candidates a little, keep the best third, train them further: one round of successive halving."""
    for epochs in rungs:
        results = []
        for configuration in candidates:
            results.append((yield configuration, epochs))
        best = np.argsort(results)[::-1]
        candidates = [candidates[i] for i in best[: max(1, len(candidates) // 3)]]


def successive_halving(space, rng, *, rungs=RUNGS):
    """Run one bracket of random candidates after the other, so many that one is trained to the end.

    As Jamieson & Talwalkar (2016) describe it: 27 candidates with four rungs, 9 with three.
    """
    while True:
        yield from bracket([draw(space, rng) for _ in range(3 ** (len(rungs) - 1))], rungs=rungs)


def hyperband(space, rng, *, rungs=RUNGS):
    """Run brackets from the boldest to the most patient, over and over (Li et al., 2018)."""
    while True:
        for first in range(len(rungs)):
            left = len(rungs) - first
            candidates = math.ceil(len(rungs) / left * 3 ** (left - 1))
            yield from bracket([draw(space, rng) for _ in range(candidates)], rungs=rungs[first:])


def gaussian_process(space, rng, *, rungs=RUNGS):
    """Ask scikit-optimize's Gaussian process, after ten random configurations (its defaults).

    It rounds what it draws, so that the ends of an axis come up half as often.
    """
    from skopt import Optimizer
    from skopt.space import Categorical, Integer

    check_space(space)
    dimensions = [
        Integer(0, len(values) - 1) if is_ordered(values) else Categorical(range(len(values)))
        for values in space.values()
    ]
    optimizer = Optimizer(dimensions, random_state=int(rng.integers(2**31)))
    while True:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of repetitions, which are free here
            point = optimizer.ask()
        score = yield tuple(int(i) for i in point), rungs[-1]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            optimizer.tell(point, -score)


def tpe(space, rng, *, rungs=RUNGS):
    """Ask Optuna's tree-structured Parzen estimator (Bergstra et al., 2011), at its defaults."""
    yield from _ask_optuna(space, "TPESampler", rng, rungs=rungs[-1:])


def evolution(space, rng, *, rungs=RUNGS, population_size=20):
    """Ask Optuna's NSGA-II (Deb et al., 2002), which with one objective is a plain genetic algorithm."""
    yield from _ask_optuna(space, "NSGAIISampler", rng, rungs=rungs[-1:], population_size=population_size)


def tpe_with_hyperband(space, rng, *, rungs=RUNGS):
    """Ask Optuna's TPE, and let its Hyperband pruner stop trials, close to Falkner et al. (2018).

    The pruner has a bracket less than there are rungs: with four of them, one stops trials at the first three
    rungs, one at the second and third, one at the third.
    """
    from optuna.pruners import HyperbandPruner

    pruner = HyperbandPruner(min_resource=rungs[0], max_resource=rungs[-1], reduction_factor=3)
    yield from _ask_optuna(space, "TPESampler", rng, rungs=rungs, pruner=pruner)


def _ask_optuna(space, sampler, rng, *, rungs, pruner=None, **options):
    import optuna

    check_space(space)
    seed = int(rng.integers(2**31))
    optuna_space, sampler = distributions(space), getattr(optuna.samplers, sampler)(seed=seed, **options)
    study = _quiet_study(sampler, pruner, name=f"race {seed}")
    while True:
        trial = study.ask(optuna_space)
        configuration = tuple(trial.params[name] for name in space)
        for epochs in rungs:
            score = yield configuration, epochs
            trial.report(score, epochs)
            if epochs < rungs[-1] and trial.should_prune():
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            study.tell(trial, score)


def _quiet_study(sampler, pruner, *, name):
    """A study in memory. Which trial falls into which bracket of Hyperband depends on its name."""
    import optuna

    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # so that it does not tell of each study
    try:
        return optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner, study_name=name)
    finally:
        optuna.logging.set_verbosity(level)


def distributions(space):
    """Return the space as Optuna's ``study.ask`` takes it, in which a value is its index on its axis.

    Parameters
    ----------
    space : dict of str to sequence
        The values of each hyperparameter, as `space_of` returns them.

    Returns
    -------
    dict of str to optuna.distributions.BaseDistribution
        Whole numbers where the values have an order, so that neighbours are alike, else categories.
    """
    from optuna.distributions import CategoricalDistribution, IntDistribution

    return {
        name: IntDistribution(0, len(values) - 1) if is_ordered(values) else CategoricalDistribution(range(len(values)))
        for name, values in space.items()
    }


def is_ordered(values):
    """Say whether the values of an axis are numbers, so that neighbours are alike."""
    return not isinstance(values[0], str | bool | np.bool_)


SEARCH_METHODS = {
    "grid of 10": partial(grid_search, size=10),
    "grid of 30": partial(grid_search, size=30),
    "grid of 100": partial(grid_search, size=100),
    "random": random_search,
    "sobol": sobol,
    "zoom": zoom,
    "random 1/3": partial(random_search, rung=2),
    "random 1/9": partial(random_search, rung=1),
    "random 1/27": partial(random_search, rung=0),
    "halving": successive_halving,
    "hyperband": hyperband,
    "gaussian process": gaussian_process,
    "tpe": tpe,
    "tpe with hyperband": tpe_with_hyperband,
    "evolution": evolution,
}


def incumbents(trials, worth, *, marks):
    """Return what the best configuration found so far is worth once it is trained, at each mark.

    It is credited with that worth after however few epochs, which flatters searches that end trainings early;
    `in_hand` counts what is finished.

    Parameters
    ----------
    trials : list of Trial
        What `run_search` returns.
    worth : array
        One axis for each hyperparameter: what a configuration is worth, by runs that the search never saw.
    marks : sequence of int
        Epochs spent, ascending.

    Returns
    -------
    ndarray of shape (marks,)
        Not a number before the first trial.
    """
    found, best = np.full(len(marks), np.nan), -np.inf
    for trial in trials:
        if trial.score > best:
            best = trial.score
            found[np.searchsorted(marks, trial.spent) :] = worth[trial.configuration]
    return found


def in_hand(trials, seen, worth, *, marks):
    """Return what the best finished network is worth, at each mark: a search that stops there hands it over.

    If the configuration with the highest score so far is not trained to the end, the search stops early enough to
    train it to the end, and that is paid for. Among the finished ones the score after the last epoch chooses.

    Parameters
    ----------
    trials : list of Trial
        What `run_search` returns.
    seen : array of shape (..., epochs)
        The scores that the search saw, as `run_search` takes them.
    worth : array of shape (...)
        What a configuration is worth, by runs that the search never saw.
    marks : sequence of int
        Epochs spent, ascending.

    Returns
    -------
    ndarray of shape (marks,)
        Not a number as long as nothing can be finished.
    """
    full, found = np.shape(seen)[-1], np.full(len(marks), np.nan)
    trained, leader, best = {}, None, None
    for trial in trials:
        at = trial.configuration
        trained[at] = max(trial.epochs, trained.get(at, 0))
        leader = trial if leader is None or trial.score > leader.score else leader
        if trained[at] == full and (best is None or seen[at][-1] > seen[best][-1]):
            best = at
        finished = max((leader.configuration, best or leader.configuration), key=lambda c: seen[c][-1])
        price = trial.spent + full - trained[leader.configuration]
        found[np.searchsorted(marks, price) :] = worth[finished]
    return found
