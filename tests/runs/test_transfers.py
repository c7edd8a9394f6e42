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

from nbhelpers.data import SUMS, TASKS, load_transfers, read_sums
from nbhelpers.models import build_cnn
from recorders import transfers
from tests.runs import fake_transfers

HERE = Path(__file__).parent
BASES = {"mnist": 30, "mnist1d": 40}


@pytest.fixture(scope="module")
def recorded():
    return {task: load_transfers(task=task) for task in TASKS}


@pytest.mark.parametrize("task", TASKS)
def test_the_file_has_the_axes_that_the_script_describes(recorded, task):
    recorded, axes = recorded[task], transfers.axes_of(task)
    assert list(recorded["val_accuracy"].dims) == list(axes)
    for name, values in axes.items():
        assert recorded[name].values.tolist() == list(values)
        assert recorded[name].attrs["long_name"]
    for variable in recorded.data_vars.values():
        assert {"long_name", "comment", "units"} <= set(variable.attrs)
    assert {"title", "license", "versions", "made_by", "steps"} <= set(recorded.attrs)
    assert recorded.sizes["seed"] >= 5


def listed(task):
    """Each training that the recorder lists: its network, source, layers kept, and the treatments that mean it."""
    for network, sources in transfers.SIZES[task]["networks"].items():
        for source in sources:
            for (kept, _), treatments in transfers.arms(source).items():
                yield {"network": network, "source": source, "layers_kept": kept, "treatment": treatments}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("measure", transfers.MEASURES)
def test_recorded_is_what_the_recorder_lists_and_nothing_else(recorded, measure, task):
    recorded = recorded[task]
    scores = recorded[measure]
    expected = xr.zeros_like(scores, dtype=bool)
    for place in listed(task):
        expected.loc[place] = True
        assert (scores.sel(place) == scores.sel(place).isel(treatment=0)).all(), "one training, several names"
    assert (np.isfinite(scores) == expected).all()
    assert not (scores < 0).any() and not (scores > 1).any()
    bases = expected.sel(labels=1, learning_rate=0.1).any(["layers_kept", "treatment"])
    assert (np.isfinite(recorded["source_accuracy"]) == bases).all()


@pytest.mark.parametrize("task", TASKS)
def test_no_two_bases_are_the_same(recorded, task):
    scores = (
        recorded[task]["val_accuracy"].sel(treatment="frozen", layers_kept=3).stack(base=["network", "source", "seed"])
    )
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


@pytest.mark.parametrize("shape", [(28, 28), (40,), (7,)])
def test_cut_out_patches_give_what_convolutions_give(shape):
    inputs = np.random.default_rng(0).random((7, *shape), "float32")
    model = build_cnn((3, 4, 5), input_shape=shape, classes=5)
    before = np.asarray(model(inputs))
    assert np.allclose(transfers.share_patches(model)(inputs), before, atol=1e-6)


@pytest.mark.parametrize("task", TASKS)
def test_fewer_labels_are_part_of_more(task):
    few, _ = transfers.labelled(task, 2, 0)
    more, digits = transfers.labelled(task, 5, 0)
    assert np.bincount(digits).tolist() == [5] * 5
    assert {image.tobytes() for image in few} < {image.tobytes() for image in more}
    most = transfers.SIZES[task]["labels"][-1]
    assert np.bincount(transfers.labelled(task, most, 0)[1]).tolist() == [most] * 5, "there are not so many"


@pytest.mark.parametrize("task", TASKS)
def test_a_base_takes_about_two_thousand_steps(task):
    sizes = transfers.SIZES[task]
    images = len(transfers.digits(task, "train", 0, 4)[0])
    assert 2000 <= sizes["source_epochs"] * -(-images // sizes["source_batch_size"]) <= 2100


def test_the_order_has_each_image_once_a_round():
    assert transfers.batches_of(10, 0).shape == (300, 10)
    assert all(sorted(step) == list(range(10)) for step in transfers.batches_of(10, 0).tolist())


@cache
def base_of(task, network, source):
    epochs = transfers.SIZES[task]["source_epochs"] // 2
    return transfers.train_base(lambda: transfers.build(task, network), source, 0, task=task, epochs=epochs)[0]


def with_weights(model):
    return [layer for layer in model.layers if layer.weights]


def train_again(task, network, source, kept, treatment, labels, rate):
    """Transfer by plain Keras on TensorFlow; return the validation accuracy."""
    frozen, factor = transfers.plan(kept, treatment)
    model = transfers.build(task, network)
    for layer, old in zip(with_weights(model)[:kept], with_weights(base_of(task, network, source)), strict=False):
        layer.set_weights(old.get_weights())
    images, digits = transfers.labelled(task, labels, 0)
    order = transfers.batches_of(len(images), 0)
    thaw = transfers.THAW
    for steps, done, speed in ((order[:thaw], 0, 1.0), (order[thaw:], thaw, factor)):
        for layer, until in zip(with_weights(model), frozen, strict=False):
            layer.trainable = until <= done
        if done == 0 or transfers.THAW in frozen:
            model.compile(keras.optimizers.Adam(rate * speed), loss="sparse_categorical_crossentropy")
        for batch in steps:
            model.train_on_batch(images[batch], digits[batch])
    valid, valid_digits = transfers.digits(task, "valid", 5, 9)
    half = slice(1, 2 * transfers.HALF, 2)
    return float(np.mean(np.argmax(model(valid[half]), axis=1) == valid_digits[half]))


ROWS = [
    ("mnist", "mlp", "digits 0 to 4", 0, "fine-tuned", 50, 0.00316),
    ("mnist", "mlp", "digits 0 to 4", 3, "frozen", 50, 0.01),
    ("mnist", "mlp", "digits 0 to 4", 3, "thawed", 500, 0.001),
    ("mnist", "mlp", "shuffled pixels", 2, "frozen", 100, 0.00316),
    ("mnist", "cnn", "digits 0 to 4", 3, "fine-tuned", 50, 0.00316),
    ("mnist", "cnn", "digits 0 to 4", 3, "thawed gently", 50, 0.01),
    ("mnist1d", "mlp", "digits 0 to 4", 3, "frozen", 300, 0.00316),
    ("mnist1d", "cnn", "digits 0 to 4", 0, "fine-tuned", 300, 0.00316),
    ("mnist1d", "cnn", "random labels", 3, "fine-tuned", 100, 0.00316),
    ("mnist1d", "cnn", "digits 0 to 4", 3, "thawed gently", 300, 0.01),
]


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: " ".join(map(str, row)))
def test_a_transfer_trained_again_lies_within_the_spread_of_its_seeds(recorded, row):
    names = ("network", "source", "layers_kept", "treatment", "labels", "learning_rate")
    scores = recorded[row[0]]["val_accuracy"].sel(dict(zip(names, row[1:], strict=True))).values
    deviation = max(scores.std(ddof=1), 0.005) * np.sqrt(1 + 1 / len(scores))
    again = train_again(*row)
    assert abs(again - scores.mean()) < 4 * deviation, f"{again:.3f} against {scores}"


def test_another_treatment_would_be_noticed(recorded):
    rows = recorded["mnist"]["val_accuracy"].sel(network="mlp", source="digits 0 to 4", labels=500, learning_rate=0.001)
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
    assert len(set(record(tmp_path))) == sum(BASES.values())
    files = {task: load_transfers(task=task, folder=tmp_path) for task in TASKS}
    assert len(read_sums(tmp_path / SUMS)) == 2
    assert all(f.attrs["made_by"].startswith("recorders.transfers") for f in files.values())
    for task, network, source, seed in blocks(tmp_path).values():
        block, found = (
            fake_transfers.fake_scores(task, source, seed),
            files[task].sel(network=network, source=source, seed=seed),
        )
        assert np.allclose(found["tuning_accuracy"], block, atol=3e-5, equal_nan=True)
        assert np.allclose(found["val_accuracy"], block / 2, atol=3e-5, equal_nan=True)
        assert float(found["source_accuracy"]) == pytest.approx(seed / 10, abs=3e-5)
    next((tmp_path / "parts" / "transfers").glob("mnist1d-cnn-untrained-3-*.npz")).unlink()
    assert record(tmp_path) == ["mnist1d-cnn-untrained-3"]


SIZES = {
    "labels": (1, 2, 5, 10, 50, 100, 200),
    "learning_rates": (0.1,),
    "filters": (4, 4, 4),
    "source_epochs": 5,
    "source_batch_size": 50,
}
CHANGES = {
    "STEPS": 200,
    "BATCH_SIZE": 25,
    "TREATMENTS_OF": dict.fromkeys(transfers.SOURCES, ("frozen", "thawed")),
    "VERSION": 0,
}


def blocks(folder):
    return {path: block for task in TASKS for path, block in transfers.blocks_of(task, folder).items()}


def marks():
    return {transfers.mark_of(*block) for block in blocks(HERE).values()}


@pytest.mark.parametrize("name", CHANGES)
def test_what_the_results_depend_on_changes_the_mark_of_a_block(name, monkeypatch):
    before = marks()
    assert len(before) == sum(BASES.values())
    monkeypatch.setattr(transfers, name, CHANGES[name])
    assert not before & marks()


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("task", TASKS)
def test_the_sizes_of_a_task_change_the_marks_of_its_own_blocks(task, name, monkeypatch):
    before = marks()
    monkeypatch.setitem(transfers.SIZES[task], name, SIZES[name])
    assert len(before - marks()) == BASES[task]


def test_the_sizes_that_are_tried_are_those_that_there_are():
    assert all({"networks", *SIZES} == set(sizes) for sizes in transfers.SIZES.values())


def test_another_version_of_jax_takes_no_old_block(monkeypatch):
    before = marks()
    monkeypatch.setenv("JAX_VERSION", "2")
    assert not before & marks()


def test_a_missing_base_is_an_error_and_not_a_gap(tmp_path):
    with pytest.raises(FileNotFoundError, match="mnist-mlp-digits 0 to 4-0"):
        transfers.join("mnist", transfers.blocks_of("mnist", tmp_path))
