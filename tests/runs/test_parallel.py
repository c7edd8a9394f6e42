"""The recorded searches with several trainings at once are complete, and some come out the same when run again."""

from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest

from nbhelpers.data import DATA_FOLDER, TASKS, load_parallel
from recorders import parallel, races

WAYS = [("in rounds", 1, False), ("in rounds", 8, False), ("in rounds", 32, True), ("as it ends", 8, True)]


@cache
def load(task):
    return load_parallel(task=task)


@pytest.mark.parametrize("task", TASKS)
def test_all_ways_and_repetitions_are_there_and_described(task):
    recorded = load(task)
    assert {name: recorded[name].values.tolist() for name in parallel.AXES} == parallel.AXES
    assert recorded.space.values.tolist() == list(races.SPACES)
    assert recorded.trainings.values.tolist() == list(range(1, 65)) and recorded.sizes["repetition"] == 200
    assert all(np.isfinite(recorded[name]).all() for name in parallel.MEASURES)
    for name, (long_name, comment, units) in parallel.MEASURES.items():
        assert recorded[name].attrs == {"long_name": long_name, "comment": comment, "units": units}
    readme = (DATA_FOLDER / "README.md").read_text("utf-8")
    assert f"`parallel_{task}.nc`" in readme and all(f"`{name}`" in readme for name in parallel.MEASURES)


@pytest.mark.parametrize("task", TASKS)
def test_trainings_take_time_and_no_repetition_stands_twice(task):
    recorded = load(task)
    assert (recorded["time"].diff("trainings") >= 0).all() and (recorded["different"].diff("trainings") >= 0).all()
    for space in races.SPACES:
        rows = recorded["time"].sel(space=space, told="in rounds", at_once=8, constant_liar=True)
        assert len(np.unique(rows.values, axis=0)) == 200


@pytest.mark.parametrize("space", races.SPACES)
@pytest.mark.parametrize("task", TASKS)
def test_a_repetition_comes_out_the_same(task, space):
    for told, at_once, liar in WAYS:
        again = parallel.repeat(task, space, told, at_once, liar, 41)
        place = {"space": space, "told": told, "at_once": at_once, "constant_liar": liar, "repetition": 41}
        for name, values in again.items():
            assert np.allclose(load(task)[name].sel(place), values, atol=3e-5), (name, place)


SPACE, LENGTHS = {"x": list(range(6))}, [3, 1, 1, 1, 1, 1]


class Study:
    """Gives out 0, 1, 2, ..., and notes which scores it has heard before it does."""

    def __init__(self):
        self.heard, self.known = [], []

    def ask(self, distributions):
        self.known.append(list(self.heard))
        return SimpleNamespace(params={"x": len(self.known) - 1})

    def tell(self, trial, score):
        self.heard.append(score)


def search(*, rounds, at_once=2):
    study = Study()
    found = parallel.search_at_once(
        study, SPACE, lambda at: at[0], lambda at: LENGTHS[at[0]], at_once=at_once, rounds=rounds, trainings=6
    )
    return found, study.known


def test_in_rounds_all_wait_for_the_longest():
    found, known = search(rounds=True)
    assert [time for time, _ in found] == [1, 3, 4, 4, 5, 5]
    assert known == [[], [], [1, 0], [1, 0], [1, 0, 2, 3], [1, 0, 2, 3]]


def test_told_as_it_ends_nobody_waits():
    found, known = search(rounds=False)
    assert [time for time, _ in found] == [1, 2, 3, 3, 4, 4]
    assert [len(scores) for scores in known] == [0, 0, 1, 2, 3, 4]


def test_one_at_once_knows_all_before():
    for rounds in (False, True):
        assert [len(scores) for scores in search(rounds=rounds, at_once=1)[1]] == list(range(6))
