"""The recorded races are complete, described, and come out the same when some of each method are run again."""

from functools import cache

import numpy as np
import pytest

from nbhelpers.data import DATA_FOLDER, TASKS, load_races
from nbhelpers.search import RUNGS, SEARCH_METHODS
from recorders import races

GAUSSIAN = "gaussian process"
AGAIN = [97]  # repetitions that are run again
WHERE = [(task, space) for task in TASKS for space in races.SPACES]


@cache
def load(task):
    return load_races(task=task)


@pytest.mark.parametrize("task", TASKS)
def test_all_spaces_methods_and_repetitions_are_there(task):
    recorded = load(task)
    assert recorded.space.values.tolist() == list(races.SPACES)
    assert recorded.search_method.values.tolist() == list(SEARCH_METHODS)
    assert recorded.trainings.values.tolist() == list(range(1, 101))
    finished = np.isfinite(recorded["accuracy"].sel(trainings=100)).sum("repetition")
    assert (finished.sel(search_method=GAUSSIAN) == 50).all()
    assert (finished.drop_sel(search_method=GAUSSIAN) == 100).all()


@pytest.mark.parametrize("task", TASKS)
def test_everything_is_described(task):
    recorded = load(task)
    for name, (long_name, comment, units) in races.MEASURES.items():
        assert recorded[name].attrs == {"long_name": long_name, "comment": comment, "units": units}
    assert all(axis.attrs["long_name"] for axis in recorded.coords.values())
    assert {"title", "task", "seen", "rungs", "made_by", "versions", "license"} <= set(recorded.attrs)
    readme = (DATA_FOLDER / "README.md").read_text("utf-8")
    assert f"`races_{task}.nc`" in readme and all(f"`{name}`" in readme for name in races.MEASURES)


@pytest.mark.parametrize("task", TASKS)
def test_scores_are_accuracies_and_nothing_spent_is_given_back(task):
    recorded = load(task).sel(repetition=slice(0, 49))
    for name in ("accuracy", "seen_accuracy", "credited_accuracy"):
        assert np.isfinite(recorded[name]).all(), "one full training pays for one network in hand"
        assert ((recorded[name] > 0) & (recorded[name] < 1)).all()
    for name in ("trials", "overhead"):
        assert (recorded[name].diff("trainings") >= 0).all()


@pytest.mark.parametrize("task", TASKS)
def test_to_credit_what_is_not_finished_flatters_only_those_that_end_trainings_early(task):
    recorded = load(task).sel(repetition=slice(0, 49))
    flattery = abs(recorded["credited_accuracy"] - recorded["accuracy"]).max(("space", "repetition", "trainings"))
    early = {"halving", "hyperband", "tpe with hyperband", "random 1/3", "random 1/9", "random 1/27"}
    assert set(flattery.search_method.values[flattery.values > 1e-4]) == early


@pytest.mark.parametrize("task", TASKS)
def test_no_repetition_stands_twice(task):
    for space in races.SPACES:
        for name in ("random", "sobol", "tpe", "halving"):
            rows = load(task)["accuracy"].sel(space=space, search_method=name)
            assert len(np.unique(rows.values, axis=0)) > 95


def test_the_box_is_a_small_part_of_the_atlas():
    whole, box = (races.atlas("mnist", space)["val_accuracy"].isel(seed=0, epoch=-1).size for space in races.SPACES)
    assert (whole, box) == (8640, 216)


@pytest.mark.parametrize(("task", "space"), WHERE)
@pytest.mark.parametrize("name", [name for name in SEARCH_METHODS if name != GAUSSIAN])
def test_a_repetition_comes_out_the_same(task, space, name):
    marks = races.MARKS[:20] if name == "tpe with hyperband" else races.MARKS  # its last trainings take seconds
    for repetition in AGAIN:
        check_again(task, space, name, repetition, marks=marks)


@pytest.mark.parametrize(("task", "space"), WHERE)
def test_the_beginning_of_a_gaussian_process_comes_out_the_same(task, space):
    check_again(task, space, GAUSSIAN, 1, marks=races.MARKS[:14])


def check_again(task, space, name, repetition, *, marks):
    again = races.race(task, space, name, repetition, marks=marks)
    recorded = load(task).sel(space=space, search_method=name, repetition=repetition, trainings=marks)
    for measure in ("accuracy", "seen_accuracy", "credited_accuracy", "trials"):
        assert np.allclose(again[measure], recorded[measure], atol=3e-5), measure


@pytest.fixture
def small(monkeypatch):
    """Two repetitions of two methods each, on five trainings."""
    monkeypatch.setattr(races, "REPETITIONS", dict.fromkeys(SEARCH_METHODS, 2))
    monkeypatch.setattr(races, "MARKS", np.arange(1, 6))
    return {"random": SEARCH_METHODS["random"], "halving": SEARCH_METHODS["halving"]}


def record_here(methods, folder):
    paths = races.blocks_of("mnist1d", methods, folder)
    for path, block in paths.items():
        if not path.exists():
            races.save(path, races.race(*block, marks=races.MARKS))
    return paths


def test_repetitions_are_joined_in_their_places_and_a_missing_one_is_not_passed_over(small, tmp_path):
    paths = record_here(small, tmp_path)
    joined = races.join("mnist1d", paths)
    assert dict(joined["accuracy"].sizes) == {"space": 2, "search_method": 2, "repetition": 2, "trainings": 5}
    for space in races.SPACES:
        again = races.race("mnist1d", space, "halving", 1, marks=races.MARKS)["accuracy"]
        assert np.allclose(joined["accuracy"].sel(space=space, search_method="halving", repetition=1), again)
    next(iter(paths)).unlink()
    with pytest.raises(FileNotFoundError, match=next(iter(paths)).name):
        races.join("mnist1d", paths)


def test_a_missing_repetition_is_run_and_a_finished_one_is_not_run_again(small, tmp_path):
    paths = record_here(small, tmp_path / "parts" / "races")
    before = {path: path.stat().st_mtime_ns for path in paths}
    missing = next(path for path, block in paths.items() if block[2] == "random")
    missing.unlink()
    assert not list(races.record(small, tasks=["mnist1d"], folder=tmp_path)), "no file of a part of the methods"
    after = {path: path.stat().st_mtime_ns for path in paths}
    assert {path for path in paths if before[path] != after[path]} == {missing}


def test_a_repetition_by_other_code_or_of_another_atlas_is_not_taken(small, tmp_path, monkeypatch):
    before = set(races.blocks_of("mnist1d", small, tmp_path))
    assert before == set(races.blocks_of("mnist1d", small, tmp_path))
    monkeypatch.setattr(races, "read_sums", lambda path: {"runs_atlas_mnist1d.nc": "another"})
    assert not before & set(races.blocks_of("mnist1d", small, tmp_path))
    monkeypatch.undo()
    monkeypatch.setattr(races, "VERSION", 0)
    assert not before & set(races.blocks_of("mnist1d", small, tmp_path))


def test_the_rungs_are_powers_of_three_up_to_all_epochs():
    assert RUNGS == (1, 3, 9, 27)
    assert all(races.atlas(task, "whole").sizes["epoch"] == RUNGS[-1] for task in TASKS)
