"""Let TPE search the recorded trainings with several of them under way at once, many times each.

    python -m recorders.parallel

In a repetition the search sees the runs of one seed; what it found is worth the mean over the four others. A training
takes as long as it has hidden units, all layers together. Unlike in `recorders.races`, a configuration that is asked
for again is trained again and paid for: what is under way at once cannot be looked up. It may be killed at any moment
and goes on where it was.
"""

import heapq
import math
from importlib.metadata import version
from pathlib import Path

import numpy as np
import xarray as xr

from nbhelpers.data import DATA_FOLDER, SUMS, TASKS, read_sums
from nbhelpers.search import distributions, space_of, split_by_seed
from recorders.races import SPACES, atlas
from recorders.store import describe, fill, fingerprint, path_of, run_from_command_line, save, write

VERSION = 1  # raise it when a change of the code changes results, so that no older repetition is taken
REPETITIONS = 200
TRAININGS = 64
# Told when all that were asked together have ended, or each as it ends. With a liar those under way count as bad.
AXES = {"told": ["in rounds", "as it ends"], "at_once": [1, 8, 32], "constant_liar": [False, True]}
SIZE = ("units", "hidden_layers")  # whose product is how long a training takes
MEASURES = {
    "accuracy": ("accuracy of the best network so far", "chosen by the seen seed; mean of the seeds not seen", "1"),
    "time": ("time", "when so many trainings have ended; one hidden unit takes one", "hidden units"),
    "different": ("different configurations trained", "repeated ones are paid for again", "1"),
}
LONG_NAMES = {
    "space": "configuration space: the whole atlas, or what rules of thumb leave of it",
    "told": "when the search is told of scores",
    "at_once": "trainings under way at once",
    "constant_liar": "trainings under way count as bad ones",
    "repetition": "repetition",
    "trainings": "trainings that have ended",
}


def search_at_once(study, space, score, length, *, at_once, rounds, trainings=TRAININGS):
    """Ask and tell a study with so many trainings under way.

    Parameters
    ----------
    study : optuna.Study
        Which is asked for the index of one value on each axis.
    space : dict of str to sequence
        The values of each hyperparameter, as `nbhelpers.search.space_of` returns them.
    score, length : callable
        Of a configuration, a tuple of indices: its score, the higher the better, and how long it is trained.
    at_once : int
        Trainings under way, at most.
    rounds : bool
        Whether the next ones are asked for only when all have ended, or one as soon as one has ended.
    trainings : int
        How many are asked for in all.

    Returns
    -------
    list of (float, tuple)
        When each training ended, in this order, and its configuration.
    """
    optuna_space, under_way, told, asked, now = distributions(space), [], [], 0, 0
    while len(told) < trainings:
        free = 0 if rounds and under_way else min(at_once - len(under_way), trainings - asked)
        for _ in range(free):
            trial = study.ask(optuna_space)
            configuration = tuple(trial.params[name] for name in space)
            heapq.heappush(under_way, (now + length(configuration), asked, configuration, trial))
            asked += 1
        now, _, configuration, trial = heapq.heappop(under_way)
        study.tell(trial, score(configuration))
        told.append((now, configuration))
    return told


def repeat(task, space, told, at_once, constant_liar, repetition):
    """Run one repetition; return one array of shape (trainings,) per measure."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)  # so that it does not tell of each study
    runs = atlas(task, space)
    axes = space_of(runs)
    seen, unseen = split_by_seed(runs, repetition % runs.sizes["seed"])
    sampler = optuna.samplers.TPESampler(seed=repetition, constant_liar=constant_liar)
    found = search_at_once(
        optuna.create_study(direction="maximize", sampler=sampler),
        axes,
        lambda at: float(seen[at][-1]),
        lambda at: math.prod(values[i] for (name, values), i in zip(axes.items(), at, strict=True) if name in SIZE),
        at_once=at_once,
        rounds=told == "in rounds",
    )
    times, configurations = zip(*found, strict=True)
    return {"accuracy": worth_so_far(configurations, seen, unseen), "time": times, "different": count(configurations)}


def worth_so_far(configurations, seen, unseen):
    """Return what the configuration with the best seen score so far is worth, after each training."""
    scores = np.array([seen[at][-1] for at in configurations])
    best = [scores[: n + 1].argmax() for n in range(len(scores))]
    return np.array([unseen[configurations[place]] for place in best])


def count(configurations):
    """How many different ones there are so far, after each training."""
    return [len(set(configurations[: n + 1])) for n in range(len(configurations))]


def record_way(path, *way):
    """All repetitions of one way to search."""
    found = [repeat(*way, repetition) for repetition in range(REPETITIONS)]
    save(path, {name: np.array([one[name] for one in found]) for name in MEASURES})


def blocks_of(task, folder):
    """The path of each way to search and what `repeat` needs for it. One training at once has no rounds, no liar."""
    ways = [("in rounds", 1, False)]
    ways += [(told, n, liar) for told in AXES["told"] for n in AXES["at_once"] if n > 1 for liar in (False, True)]
    names = "task", "space", "told", "at_once", "constant_liar"
    blocks = [(task, space, *way) for space in SPACES for way in ways]
    return {path_of(folder, dict(zip(names, b, strict=True)), mark_of(task, b[1])): b for b in blocks}


def mark_of(task, space):
    """The fingerprint of the repetitions in a space."""
    return fingerprint(
        atlas=read_sums(DATA_FOLDER / SUMS)[f"runs_atlas_{task}.nc"],
        space=SPACES[space],
        repetitions=REPETITIONS,
        trainings=TRAININGS,
        code=VERSION,
        optuna=version("optuna"),
        numpy=version("numpy"),
    )


def join(task, paths):
    """Join the ways to search on a task into one dataset; raise if one is missing."""
    coords = {"space": list(SPACES), **AXES, "repetition": range(REPETITIONS), "trainings": range(1, TRAININGS + 1)}
    shape = [len(values) for values in coords.values()]
    arrays = {name: (list(coords), np.full(shape, np.nan, "float32")) for name in MEASURES}
    joined = xr.Dataset(arrays, coords=coords, attrs=attributes(task))
    for path, (_, space, told, at_once, liar) in paths.items():
        place = {"space": space, "at_once": at_once} | ({"told": told, "constant_liar": liar} if at_once > 1 else {})
        with np.load(path) as block:
            for name in MEASURES:
                joined[name].loc[place] = block[name]
    return describe(joined, measures=MEASURES, axes=LONG_NAMES)


def attributes(task):
    """What a file says of itself."""
    return {
        "title": f"TPE with several trainings under way at once, on the recorded trainings of {TASKS[task]}",
        "task": task,
        "seen": "the runs of seed repetition modulo 5",
        "made_by": f"recorders.parallel, version {VERSION}",
        "versions": f"optuna {version('optuna')}, numpy {version('numpy')}",
        "license": "CC BY 4.0",
    }


def record(*, tasks=tuple(TASKS), folder=DATA_FOLDER, processes=None):
    """Run what is missing; yield the path of each file, ``parallel_<task>.nc``, when it is made."""
    for task in tasks:
        blocks = blocks_of(task, Path(folder) / "parts" / "parallel")
        for _ in fill(blocks, record_way, processes=processes):
            pass
        target = Path(folder) / f"parallel_{task}.nc"
        write(target, join(task, blocks))
        yield target


if __name__ == "__main__":
    run_from_command_line(record, "Let TPE search with several trainings at once; resumes where it was.")
