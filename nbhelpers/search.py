"""Search methods on recorded trainings: each proposes configurations, and learns their scores.

A search is a generator. It yields ``configuration, epochs``, the configuration as the index of one value
on each axis of the space, and is sent back the validation accuracy after so many epochs. `run_search`
gives a search a budget to spend. Libraries are imported where they are used.
"""

import itertools
import operator
import time
import warnings

import numpy as np

from nbhelpers.numbers import whole_number

# Epochs after which halving compares its candidates, by factors of about three, up to all of the recorded 15.
RUNGS = (2, 6, 15)
PATIENCE = 200  # repetitions in a row


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
    trials : list of (spent, configuration, epochs, score)
        In the order in which the search asked; `spent` are the epochs spent so far, this trial included.
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
        trials.append((spent, configuration, epochs, score))
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


def random_search(space, rng):
    """Train random configurations to the end (Bergstra & Bengio, 2012)."""
    while True:
        yield draw(space, rng), RUNGS[-1]


def grid_search(space, rng, *, size):
    """Train a grid of at most `size` configurations, row by row, the last axis fastest.

    Which axes get how many values is drawn: one value more for a random axis, as long as the grid stays
    within its size. The values of an axis lie at equal distances, from a random first one.
    """
    for configuration in itertools.product(*grid_axes(space, rng, size=size)):
        yield configuration, RUNGS[-1]


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


def successive_halving(space, rng):
    """Run one bracket of nine random candidates after the other (Jamieson & Talwalkar, 2016)."""
    while True:
        yield from bracket([draw(space, rng) for _ in range(9)])


def hyperband(space, rng):
    """Run brackets from the boldest to the most patient, over and over (Li et al., 2018)."""
    while True:
        for n, rungs in [(9, RUNGS), (5, RUNGS[1:]), (3, RUNGS[2:])]:
            yield from bracket([draw(space, rng) for _ in range(n)], rungs=rungs)


def gaussian_process(space, rng):
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
        score = yield tuple(int(i) for i in point), RUNGS[-1]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            optimizer.tell(point, -score)


def tpe(space, rng):
    """Ask Optuna's tree-structured Parzen estimator (Bergstra et al., 2011), at its defaults."""
    yield from _ask_optuna(space, "TPESampler", rng)


def evolution(space, rng, *, population_size=20):
    """Ask Optuna's NSGA-II (Deb et al., 2002), which with one objective is a plain genetic algorithm."""
    yield from _ask_optuna(space, "NSGAIISampler", rng, population_size=population_size)


def tpe_with_hyperband(space, rng):
    """Ask Optuna's TPE, and let its Hyperband pruner stop trials, close to Falkner et al. (2018).

    With rungs of 2, 6 and 15 epochs the pruner has two brackets: one stops trials after 2 and 6 epochs, one after 6.
    """
    from optuna.pruners import HyperbandPruner

    pruner = HyperbandPruner(min_resource=RUNGS[0], max_resource=RUNGS[-1], reduction_factor=3)
    yield from _ask_optuna(space, "TPESampler", rng, pruner=pruner, rungs=RUNGS)


def _ask_optuna(space, sampler, rng, *, pruner=None, rungs=RUNGS[-1:], **options):
    import optuna

    check_space(space)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    seed = int(rng.integers(2**31))
    optuna_space, sampler = distributions(space), getattr(optuna.samplers, sampler)(seed=seed, **options)
    # Which trial falls into which bracket of Hyperband depends on the study's name.
    study = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner, study_name=f"race {seed}")
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
    "random": random_search,
    "grid of 10": lambda space, rng: grid_search(space, rng, size=10),
    "grid of 30": lambda space, rng: grid_search(space, rng, size=30),
    "grid of 100": lambda space, rng: grid_search(space, rng, size=100),
    "halving": successive_halving,
    "hyperband": hyperband,
    "gaussian process": gaussian_process,
    "tpe": tpe,
    "tpe with hyperband": tpe_with_hyperband,
    "evolution": evolution,
}


def incumbents(trials, value, *, marks):
    """Return what the best configuration found so far is worth, at each mark.

    Parameters
    ----------
    trials : list of (spent, configuration, epochs, score)
        What `run_search` returns.
    value : array
        One axis for each hyperparameter: what a configuration is worth, by runs that the search never saw.
    marks : sequence of int
        Epochs spent, ascending.

    Returns
    -------
    ndarray of shape (marks,)
        Not a number before the first trial.
    """
    worth = np.full(len(marks), np.nan)
    best = -np.inf
    for spent, configuration, _, score in trials:
        if score > best:
            best = score
            worth[np.searchsorted(marks, spent) :] = value[configuration]
    return worth
