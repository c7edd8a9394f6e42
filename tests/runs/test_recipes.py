"""The recorded recipes are complete and described; the test images choose nothing."""

import numpy as np
import pytest

from nbhelpers.data import load_recipes
from recorders import recipes
from recorders.store import save


@pytest.fixture(scope="module")
def found():
    return load_recipes()


def test_each_recipe_is_there_with_five_seeds_that_differ(found):
    for name in ("valid_right", "test_right"):
        assert found[name].dims == ("recipe", "seed", "image") and found[name].dtype == bool
        assert found[name].shape == (len(recipes.RECIPES), recipes.SEEDS, 10_000)
        rows = found[name].values.reshape(-1, 10_000)
        assert len(np.unique(rows, axis=0)) == len(rows)
    assert found["recipe"].values.tolist() == list(recipes.RECIPES)
    error = 1 - found["test_right"].mean(("seed", "image"))
    assert 0.05 < error[0] < 0.1 and (error[1:] < 0.025).all()
    assert {"title", "task", "made_by", "versions", "license", "core_seconds"} <= set(found.attrs)
    assert all(values.attrs["long_name"] for values in {**found.data_vars, **found.coords}.values())


def test_the_rate_is_the_best_on_the_validation_images_and_lies_inside_those_tried(found):
    for name, recipe in recipes.RECIPES.items():
        seen = found["val_accuracy"].sel(recipe=name, seed=range(recipe["search_seeds"]))
        tried = seen.mean("seed", skipna=False).dropna("learning_rate")
        rate = tried.idxmax("learning_rate").item()
        assert tried["learning_rate"].values.tolist() == list(recipe["rates"])
        assert found["chosen_rate"].sel(recipe=name) == rate and rate not in (recipe["rates"][0], recipe["rates"][-1])
        row = found["val_accuracy"].sel(recipe=name, learning_rate=rate)
        assert abs(row - found["valid_right"].sel(recipe=name).mean("image")).max() < 0.0001


@pytest.mark.slow
def test_softmax_regression_trained_again_comes_out_the_same(found, tmp_path):
    """It has one optimum, so that seeds and machines hardly differ."""
    name = "softmax regression"
    rate = found["chosen_rate"].sel(recipe=name).item()
    recipes.record_training(tmp_path / "one.npz", name, rate, 9)
    recipes.record_test(tmp_path / "two.npz", tmp_path / "one.npz", name, rate, 9)
    for path, split in (("one.npz", "valid"), ("two.npz", "test")):
        right, recorded = recipes.read(tmp_path / path, "right"), found[f"{split}_right"].sel(recipe=name)
        assert (right == recorded).mean() > 0.99 and abs(right.mean() - recorded.mean()) < 0.002


def fake_training(path, name, rate, seed):
    """The best rate is 0.001 for each recipe."""
    share = {0.001: 0.9, 0.00316: 0.8}.get(rate, 0.5)
    save(path, {"right": np.arange(100) < 100 * share, "seconds": 1.0})


def fake_test(path, trained, name, rate, seed):
    assert trained.exists()
    save(path, {"right": np.arange(100) < 100 * rate})


def test_only_networks_with_the_chosen_rate_meet_the_test_images(tmp_path, monkeypatch):
    done = []

    def fill(blocks, record, **_):
        for path, block in blocks.items():
            if not path.exists():
                record(path, *block)
                done.append((record, block))
        yield from blocks

    monkeypatch.setattr(recipes, "fill", fill)
    monkeypatch.setattr(recipes, "record_training", fake_training)
    monkeypatch.setattr(recipes, "record_test", fake_test)
    assert [path.name for path in recipes.record(folder=tmp_path)] == ["recipes_mnist.nc"]
    made = load_recipes(folder=tmp_path)
    assert (made["chosen_rate"] == 0.001).all() and made["test_right"].shape == (len(recipes.RECIPES), 5, 100)
    there = made["val_accuracy"].notnull().sum("seed").sel(learning_rate=[0.001, 0.01])
    assert there.values.tolist() == [[5, recipe["search_seeds"]] for recipe in recipes.RECIPES.values()]
    kinds = [record for record, _ in done]
    tests = kinds.index(fake_test)
    assert set(kinds[:tests]) == {fake_training} and set(kinds[tests:]) == {fake_test}
    assert {block[2] for record, block in done if record is fake_test} == {0.001}
    before = len(done)
    list(recipes.record(folder=tmp_path))
    assert len(done) == before  # nothing is trained again


def test_a_recipe_that_changed_is_trained_again(tmp_path, monkeypatch):
    there = set(recipes.trainings("300 units", [0.001], 1, tmp_path))
    monkeypatch.setitem(recipes.RECIPES, "300 units", {**recipes.RECIPES["300 units"], "epochs": 26})
    assert not there & set(recipes.trainings("300 units", [0.001], 1, tmp_path))
