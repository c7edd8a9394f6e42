"""The recorded candidates are complete, described, and those of the box; the best few are those of one half."""

import numpy as np
import pytest

from nbhelpers.data import TASKS, load_candidates, load_mnist, load_mnist1d
from recorders import candidates
from recorders.races import BOX
from recorders.store import save
from tests.runs.again import distance

LOAD = {"mnist": load_mnist, "mnist1d": load_mnist1d}


def settings_of(found):
    columns = [found[name].values.tolist() for name in candidates.AXES]
    return [dict(zip(candidates.AXES, values, strict=True)) for values in zip(*columns, strict=True)]


@pytest.mark.parametrize("task", TASKS)
def test_each_candidate_is_there_with_two_seeds_that_differ(task):
    found = load_candidates(task=task)
    right = found["right"]
    assert right.dims == ("configuration", "seed", "image") and right.dtype == bool
    assert right.shape == (candidates.CANDIDATES, len(candidates.SEEDS), 10_000)
    rows = right.values.reshape(-1, 10_000)
    assert len(np.unique(rows, axis=0)) == len(rows)
    assert right.mean() > {"mnist": 0.9, "mnist1d": 0.5}[task]
    assert settings_of(found) == candidates.draw()
    assert (found["label"].values == LOAD[task]("valid")[1]).all()
    assert {"title", "task", "made_by", "versions", "license"} <= set(found.attrs)
    assert all(values.attrs["long_name"] for values in {**found.data_vars, **found.coords}.values())


@pytest.mark.parametrize("task", TASKS)
def test_the_finalists_are_the_best_few_and_their_probabilities_fit_the_labels(task):
    found = load_candidates(task=task)
    assert found["finalist"].values.tolist() == candidates.best_few(found["right"].values).tolist()
    logs = found["log_probability"]
    assert logs.dims == ("finalist", "other_seed", "image", "class") and not logs.isnull().any()
    assert logs.shape == (candidates.FINALISTS, len(candidates.OTHER_SEEDS), 10_000, 10)
    assert abs(np.exp(logs).sum("class") - 1).max() < 0.02
    again = (logs.argmax("class") == found["label"]).mean(("image", "other_seed"))
    searched = found["right"].sel(configuration=found["finalist"]).mean(("image", "seed"))
    assert abs(again - searched).max() < {"mnist": 0.01, "mnist1d": 0.05}[task]


def test_candidates_are_drawn_from_the_box_and_none_twice():
    drawn = candidates.draw()
    assert len({tuple(setting.values()) for setting in drawn}) == len(drawn) == candidates.CANDIDATES
    for name in ("units", "hidden_layers", "learning_rate"):
        assert {setting[name] for setting in drawn} == set(BOX[name])
    assert {setting["dropout"] for setting in drawn} == {0.0, 0.2, 0.5}
    assert {setting["batch_norm"] for setting in drawn} == {False, True}


def test_the_best_few_are_chosen_by_the_first_seed_and_the_first_half():
    right = np.zeros((9, 2, 10), bool)
    right[2, 0, :5] = right[4, 0, :4] = right[7, 0, :4] = True
    right[3, 0, 5:] = right[5, 1] = True  # by the other half, or the other seed
    right[0, 0, 0] = right[8, 0, 1] = True
    assert candidates.best_few(right).tolist() == [2, 4, 7, 0, 8]


@pytest.mark.slow
def test_a_candidate_trained_again_lies_within_the_spread_of_its_seeds():
    found, place = load_candidates(task="mnist1d"), 1
    right = candidates.train("mnist1d", candidates.draw()[place], 7).argmax(1) == found["label"].values
    assert distance(right.mean(), found["right"][place].mean("image").values) < 4


def fakes(folder):
    """Blocks of all candidates and of those that come out best, who are the last five."""
    for task in TASKS:
        settings = candidates.draw()
        for place, path in enumerate(candidates.blocks_of(task, settings, folder, stage="candidates")):
            right = np.arange(10_000) % len(settings) <= place
            save(path, {"right": np.array([right] * 2)})
        for path in candidates.blocks_of(task, settings[: -candidates.FINALISTS - 1 : -1], folder, stage="finalists"):
            save(path, {"log_probability": np.full((3, 10_000, 10), np.log(0.1), "float32")})


def test_a_finished_block_is_not_trained_again(tmp_path, monkeypatch):
    parts = tmp_path / "parts" / "candidates"
    fakes(parts)
    made = list(candidates.record(folder=tmp_path, processes=1))
    assert [path.name for path in made] == ["candidates_mnist.nc", "candidates_mnist1d.nc"]
    found = load_candidates(task="mnist", folder=tmp_path)
    last = candidates.CANDIDATES - 1
    assert found["finalist"].values.tolist() == list(range(last, last - candidates.FINALISTS, -1))
    assert abs(found["log_probability"] - np.log(0.1)).max() < 0.011
    there = set(candidates.blocks_of("mnist", candidates.draw(), parts, stage="candidates"))
    monkeypatch.setattr(candidates, "VERSION", 0)
    assert not there & set(candidates.blocks_of("mnist", candidates.draw(), parts, stage="candidates"))
