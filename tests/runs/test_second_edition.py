"""Each file of the second edition is the sweep that the recorder lists: complete, finite, described."""

from functools import cache

import numpy as np
import pytest

from nbhelpers.data import DATA_FOLDER, TASKS, load_runs
from recorders.sweeps import INPUTS, SWEEPS
from tests.runs.again import distance, train_again

NAMES = [name for name in SWEEPS if (DATA_FOLDER / f"runs_{name}.nc").exists()]


@cache
def load(name):
    return load_runs(name)


def test_what_both_tasks_have_recorded_is_there():
    assert {f"{content}_{task}" for content in ("atlas", "widths", "optimizers") for task in TASKS} <= set(NAMES)
    assert "data_sizes_mnist" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_file_is_the_sweep_that_the_recorder_lists(name):
    runs, sweep = load(name), SWEEPS[name]
    assert list(runs["loss"].dims) == list(sweep.axes)
    for axis, values in sweep.axes.items():
        assert runs[axis].values.tolist() == list(values)
    assert runs["diverged"].size == sweep.trainings()
    noted = {"task": sweep.task, **sweep.fixed}
    noted |= {"steps": sweep.steps} if sweep.steps else {"images": sweep.images, "epochs": sweep.epochs}
    noted |= {} if "batch_size" in sweep.axes else {"batch_size": sweep.batch_size}
    assert {key: runs.attrs[key] for key in noted} == noted


@pytest.mark.parametrize("name", NAMES)
def test_no_number_is_missing_and_diverged_runs_are_marked(name):
    runs = load(name)
    for measure in ("accuracy", "val_accuracy", "test_accuracy"):
        assert np.isfinite(runs[measure]).all()
        assert ((runs[measure] >= 0) & (runs[measure] <= 1)).all()
    for loss in ("loss", "val_loss"):
        finite = np.isfinite(runs[loss]).all(runs[loss].dims[-1])
        assert (finite | runs["diverged"]).all()
    assert not (np.isfinite(runs["loss"]).all(runs["loss"].dims[-1]) & runs["diverged"]).any()
    assert runs["diverged"].mean() < 0.02
    assert not runs["diverged"].isel(learning_rate=slice(0, 3)).any(), "small rates diverge nowhere"


@pytest.mark.parametrize("name", NAMES)
def test_seeds_differ_and_some_networks_learn(name):
    runs = load(name)
    last = runs["val_accuracy"].isel({runs["loss"].dims[-1]: -1})
    scores = last.stack(run=[axis for axis in last.dims if axis != "seed"])
    best = scores.isel(run=scores.mean("seed").values.argmax())
    assert len(np.unique(best.values)) > 1
    assert best.mean() > {"mnist": 0.93, "mnist1d": 0.5}[runs.attrs["task"]]


@pytest.mark.parametrize("name", NAMES)
def test_everything_is_described(name):
    runs = load(name)
    for variable in {**runs.data_vars, **runs.coords}.values():
        assert variable.attrs["long_name"]
    assert all("units" in variable.attrs for variable in runs.data_vars.values())
    assert {"title", "task", "device", "license", "versions", "made_by", "validation"} <= set(runs.attrs)
    assert runs.attrs["task"] in INPUTS
    assert (DATA_FOLDER / f"runs_{name}.nc").stat().st_size < 6e6
    row = next(row for row in (DATA_FOLDER / "README.md").read_text().splitlines() if f"runs_{name}.nc`" in row)
    assert f"| {runs['diverged'].size:,} |" in row


CONSTANT = {"schedule": "constant"}
ROWS = [  # and after how many epochs; not schedule-free AdamW, which Keras computes otherwise on TensorFlow
    ("optimizers_mnist", {"optimizer": "muon", "learning_rate": 0.00316, **CONSTANT}, 3),
    ("optimizers_mnist", {"optimizer": "lion", "learning_rate": 0.001, **CONSTANT}, 3),
    ("optimizers_mnist", {"optimizer": "momentum_0.5", "learning_rate": 0.316, **CONSTANT}, 3),
    (
        "normalization_mnist",
        {"normalization": "layer", "activation": "relu", "batch_size": 32, "optimizer": "sgd", "learning_rate": 0.1},
        1,
    ),
    ("activations_mnist", {"activation": "silu", "hidden_layers": 8, "optimizer": "adam", "learning_rate": 0.00316}, 3),
    (
        "regularizers_mnist",
        {"training_images": 10_000, "penalty": "weight_decay=1", "learning_rate": 0.00316, "dropout": 0.4},
        2,
    ),
    ("regularizers_mnist", {"training_images": 500, "penalty": "l1=0.001", "learning_rate": 0.001, "dropout": 0.0}, 40),
]


@pytest.mark.parametrize(("name", "row", "epochs"), ROWS, ids=lambda value: "")
def test_a_row_trained_again_lies_within_the_spread_of_its_seeds(name, row, epochs):
    at = {"epoch": epochs} if "epoch" in SWEEPS[name].axes else {"step": 200}
    recorded = load(name)["val_accuracy"].sel({**row, **at}).values
    again = train_again(SWEEPS[name], row, epochs)
    assert distance(again, recorded) < 4, f"{again:.4f} against {recorded}"
