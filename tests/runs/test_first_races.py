"""The first edition's races are complete, described, and come out the same when a part of them is run again."""

import importlib
import sys

import numpy as np
import pytest

from nbhelpers.data import DATA_FOLDER, load_races, load_runs
from nbhelpers.search import SEARCH_METHODS, incumbents, run_search, space_of, split_by_seed

sys.path.insert(0, str(DATA_FOLDER))  # also for the processes that it starts
make_races = importlib.import_module("make_races")

# Repetitions run again: of the Gaussian process only the beginning, since its hundred trials take a minute.
QUICK = [name for name in make_races.METHODS if name != "gaussian process"]
AGAIN = [0, 58, 119]


@pytest.fixture(scope="module")
def atlas():
    return load_runs("atlas")


@pytest.fixture(scope="module")
def races():
    return load_races()


def test_all_methods_all_repetitions_and_all_budgets_are_there(races):
    assert races.search_method.values.tolist() == make_races.METHODS
    assert races.sizes["repetition"] == make_races.REPETITIONS >= 100
    assert races.trainings.values.tolist() == list(range(1, 101))
    for name, (long_name, comment, units) in make_races.MEASURES.items():
        assert races[name].attrs == {"long_name": long_name, "comment": comment, "units": units}
    assert {"title", "license", "versions", "made_by", "machine"} <= set(races.attrs)


def test_scores_are_accuracies_and_only_the_first_may_be_missing(races):
    # A method that has finished no trial yet has found nothing.
    assert np.isfinite(races["accuracy"].sel(trainings=slice(1, None))).all()
    assert ((races["accuracy"] >= 0) & (races["accuracy"] <= 1)).all()
    assert (races["seen_accuracy"].diff("trainings") >= 0).all()
    assert (races["overhead"].diff("trainings") >= 0).all()


def test_no_repetition_stands_twice(races):
    for name in ("random", "tpe", "halving"):
        rows = races["trials"].sel(search_method=name) + 1000 * races["accuracy"].sel(search_method=name)
        assert len(np.unique(rows.values, axis=0)) > 0.95 * make_races.REPETITIONS


@pytest.mark.parametrize("repetition", AGAIN)
@pytest.mark.parametrize("name", QUICK)
def test_a_repetition_comes_out_the_same(name, repetition, atlas, races):
    again = make_races.repeat(name, repetition, runs=atlas)
    recorded = races.sel(search_method=name, repetition=repetition)
    for measure in ("accuracy", "seen_accuracy", "trials"):
        assert np.allclose(again[measure], recorded[measure], equal_nan=True, atol=1e-6), measure


def test_the_beginning_of_a_gaussian_process_comes_out_the_same(atlas, races):
    seen, unseen = split_by_seed(atlas, 0)
    trials, _ = run_search(
        SEARCH_METHODS["gaussian process"](space_of(atlas), np.random.default_rng(0), rungs=make_races.RUNGS),
        seen,
        budget=14 * 15,
    )
    marks = 15 * np.arange(1, 15)
    recorded = races["accuracy"].sel(search_method="gaussian process", repetition=0)[:14]
    assert np.allclose(incumbents(trials, unseen, marks=marks), recorded, atol=1e-6)


def test_a_finished_repetition_is_not_run_again_and_a_missing_one_is(tmp_path, monkeypatch):
    monkeypatch.setattr(make_races, "REPETITIONS", 3)
    kept = make_races.file_of("random", 1, tmp_path)
    make_races.record("random", 1, kept)
    before = kept.stat().st_mtime_ns
    (tmp_path / "random-0.99.tmp").write_bytes(b"half written")
    make_races.record_all(["random"], tmp_path, processes=1)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["random-0.npz", "random-1.npz", "random-2.npz"]
    assert kept.stat().st_mtime_ns == before
    joined = make_races.join(tmp_path, methods=["random"])
    assert joined["accuracy"].shape == (1, 3, 100)


def test_a_missing_repetition_is_not_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr(make_races, "REPETITIONS", 2)
    make_races.record("random", 0, make_races.file_of("random", 0, tmp_path))
    with pytest.raises(FileNotFoundError, match="random-1"):
        make_races.join(tmp_path, methods=["random"])
