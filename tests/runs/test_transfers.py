"""The recorded transfers are complete, described, and come out the same when some of them are trained again."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest
import xarray as xr

from nbhelpers.data import SUMS, load_transfers, read_sums
from nbhelpers.models import build_cnn, build_mlp
from recorders import transfers
from tests.runs import fake_transfers

HERE = Path(__file__).parent
BASES = 30


@pytest.fixture(scope="module")
def recorded():
    return load_transfers()


def test_the_file_has_the_axes_that_the_script_describes(recorded):
    assert list(recorded["val_accuracy"].dims) == list(transfers.AXES)
    for name, values in transfers.AXES.items():
        assert recorded[name].values.tolist() == list(values)
        assert recorded[name].attrs["long_name"]
    for variable in recorded.data_vars.values():
        assert {"long_name", "comment", "units"} <= set(variable.attrs)
    assert {"title", "license", "versions", "made_by", "steps"} <= set(recorded.attrs)
    assert recorded.sizes["seed"] >= 5


def listed():
    """Each training that the recorder lists: its network, source, layers kept, and the treatments that mean it."""
    for network, sources in transfers.NETWORKS.items():
        for source in sources:
            for (kept, _), treatments in transfers.arms(source).items():
                yield {"network": network, "source": source, "layers_kept": kept, "treatment": treatments}


@pytest.mark.parametrize("measure", transfers.MEASURES)
def test_recorded_is_what_the_recorder_lists_and_nothing_else(recorded, measure):
    scores = recorded[measure]
    expected = xr.zeros_like(scores, dtype=bool)
    for place in listed():
        expected.loc[place] = True
        assert (scores.sel(place) == scores.sel(place).isel(treatment=0)).all(), "one training, several names"
    assert (np.isfinite(scores) == expected).all()
    assert not (scores < 0).any() and not (scores > 1).any()
    bases = expected.sel(labels=1, learning_rate=0.1).any(["layers_kept", "treatment"])
    assert (np.isfinite(recorded["source_accuracy"]) == bases).all()


def test_no_two_bases_are_the_same(recorded):
    scores = recorded["val_accuracy"].sel(treatment="frozen", layers_kept=3).stack(base=["network", "source", "seed"])
    bases = scores.dropna("base", how="all").transpose("base", ...).values.reshape(-1, 7 * 7)
    assert len(np.unique(bases, axis=0)) == len(bases)


@pytest.mark.parametrize(
    ("kept", "treatment", "expected"),
    [
        (0, "frozen", ((0, 0, 0), 1.0)),
        (2, "fine-tuned", ((0, 0, 0), 1.0)),
        (2, "frozen", ((300, 300, 0), 1.0)),
        (3, "lowest frozen", ((300, 0, 0), 1.0)),
        (3, "thawed", ((100, 100, 100), 1.0)),
        (1, "thawed gently", ((100, 0, 0), 0.1)),
    ],
)
def test_a_treatment_says_how_long_each_layer_stays_frozen(kept, treatment, expected):
    assert transfers.plan(kept, treatment) == expected


def test_each_training_is_recorded_once_and_stands_for_all_its_names():
    found = transfers.arms("digits 0 to 4")
    assert len(found) == 1 + 4 + 5 + 5  # with one layer, frozen and lowest frozen are the same
    assert sum(map(len, found.values())) == 4 * 5


def test_cut_out_patches_give_what_convolutions_give():
    model, images = build_cnn(classes=5), np.random.default_rng(0).random((7, 28, 28), "float32")
    before = np.asarray(model(images))
    assert np.allclose(transfers.share_patches(model)(images), before, atol=1e-6)


def test_fewer_labels_are_part_of_more():
    few, _ = transfers.labelled(2, 0)
    more, digits = transfers.labelled(5, 0)
    assert np.bincount(digits).tolist() == [5] * 5
    assert {image.tobytes() for image in few} < {image.tobytes() for image in more}
    assert transfers.batches_of(10, 0).shape == (300, 10)
    assert all(sorted(step) == list(range(10)) for step in transfers.batches_of(10, 0).tolist())


def new_network(network):
    return build_cnn(classes=5) if network == "cnn" else build_mlp((100, 100, 100), classes=5)


@cache
def base_of(network, source):
    return transfers.train_base(lambda: new_network(network), source, 0, epochs=5)[0]


def with_weights(model):
    return [layer for layer in model.layers if layer.weights]


def train_again(network, source, kept, treatment, labels, rate):
    """Transfer by plain Keras on TensorFlow; return the validation accuracy."""
    frozen, factor = transfers.plan(kept, treatment)
    model = new_network(network)
    for layer, old in zip(with_weights(model)[:kept], with_weights(base_of(network, source)), strict=False):
        layer.set_weights(old.get_weights())
    images, digits = transfers.labelled(labels, 0)
    order = transfers.batches_of(len(images), 0)
    thaw = transfers.THAW
    for steps, done, speed in ((order[:thaw], 0, 1.0), (order[thaw:], thaw, factor)):
        for layer, until in zip(with_weights(model), frozen, strict=False):
            layer.trainable = until <= done
        if done == 0 or transfers.THAW in frozen:
            model.compile(keras.optimizers.Adam(rate * speed), loss="sparse_categorical_crossentropy")
        for batch in steps:
            model.train_on_batch(images[batch], digits[batch])
    valid, valid_digits = transfers.digits("valid", 5, 9)
    half = slice(1, 2 * transfers.HALF, 2)
    return float(np.mean(np.argmax(model(valid[half]), axis=1) == valid_digits[half]))


ROWS = [
    ("mlp", "digits 0 to 4", 0, "fine-tuned", 50, 0.00316),
    ("mlp", "digits 0 to 4", 3, "frozen", 50, 0.01),
    ("mlp", "digits 0 to 4", 3, "thawed", 500, 0.001),
    ("mlp", "shuffled pixels", 2, "frozen", 100, 0.00316),
    ("cnn", "digits 0 to 4", 3, "fine-tuned", 50, 0.00316),
    ("cnn", "digits 0 to 4", 3, "thawed gently", 50, 0.01),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: " ".join(map(str, row)))
def test_a_transfer_trained_again_lies_within_the_spread_of_its_seeds(recorded, row):
    names = ("network", "source", "layers_kept", "treatment", "labels", "learning_rate")
    scores = recorded["val_accuracy"].sel(dict(zip(names, row, strict=True))).values
    deviation = max(scores.std(ddof=1), 0.005) * np.sqrt(1 + 1 / len(scores))
    again = train_again(*row)
    assert abs(again - scores.mean()) < 4 * deviation, f"{again:.3f} against {scores}"


def test_another_treatment_would_be_noticed(recorded):
    rows = recorded["val_accuracy"].sel(network="mlp", source="digits 0 to 4", labels=500, learning_rate=0.001)
    frozen, tuned = (rows.sel(layers_kept=3, treatment=name).values for name in ("frozen", "fine-tuned"))
    assert tuned.min() - frozen.max() > 4 * max(frozen.std(ddof=1), tuned.std(ddof=1))


def record(folder, **environment):
    """Record with the fake training; return which bases were trained."""
    command = [sys.executable, str(HERE / "fake_transfers.py"), str(folder)]
    before = starts(folder)
    subprocess.run(command, env=os.environ | {"STARTS": str(folder / "starts")} | environment, check=True)
    return starts(folder)[len(before) :]


def starts(folder):
    file = folder / "starts"
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def test_every_transfer_comes_to_its_place_and_a_finished_base_is_not_trained_again(tmp_path):
    assert len(set(record(tmp_path))) == BASES
    file = load_transfers(folder=tmp_path)
    assert read_sums(tmp_path / SUMS) and file.attrs["made_by"].startswith("recorders.transfers")
    for network, source, seed in transfers.blocks_of(tmp_path).values():
        block, found = fake_transfers.fake_scores(source, seed), file.sel(network=network, source=source, seed=seed)
        assert np.allclose(found["tuning_accuracy"], block, atol=3e-5, equal_nan=True)
        assert np.allclose(found["val_accuracy"], block / 2, atol=3e-5, equal_nan=True)
        assert float(found["source_accuracy"]) == pytest.approx(seed / 10, abs=3e-5)
    next((tmp_path / "parts" / "transfers").glob("cnn-untrained-3-*.npz")).unlink()
    assert record(tmp_path) == ["cnn-untrained-3"]


CHANGES = {
    "LABELS": (1, 2, 5, 10, 50, 100, 400),
    "LEARNING_RATES": (0.1,),
    "STEPS": 200,
    "BATCH_SIZE": 25,
    "SOURCE_EPOCHS": 5,
    "TREATMENTS_OF": dict.fromkeys(transfers.SOURCES, ("frozen", "thawed")),
    "VERSION": 0,
}


def marks():
    return {transfers.mark_of(*block) for block in transfers.blocks_of(HERE).values()}


@pytest.mark.parametrize("name", CHANGES)
def test_what_the_results_depend_on_changes_the_mark_of_a_block(name, monkeypatch):
    before = marks()
    assert len(before) == BASES
    monkeypatch.setattr(transfers, name, CHANGES[name])
    assert not before & marks()


def test_another_version_of_jax_takes_no_old_block(monkeypatch):
    before = marks()
    monkeypatch.setenv("JAX_VERSION", "2")
    assert not before & marks()


def test_a_missing_base_is_an_error_and_not_a_gap(tmp_path):
    with pytest.raises(FileNotFoundError, match="mlp-digits 0 to 4-0"):
        transfers.join(transfers.blocks_of(tmp_path))
