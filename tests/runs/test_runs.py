"""Each file of recorded runs is the sweep that the recorder lists: complete, finite, described."""

from functools import cache

import numpy as np
import pytest

from nbhelpers.data import DATA_FOLDER, TASKS, load_runs
from recorders import transfers
from recorders.sweeps import INPUTS, SWEEPS
from tests.runs.again import bounded, distance, train_again

NAMES = [name for name in SWEEPS if (DATA_FOLDER / f"runs_{name}.nc").exists()]


@cache
def load(name):
    content, _, task = name.rpartition("_")
    return load_runs(content, task=task)


def test_readme_counts_the_trainings_right():
    trainings = sum(transfers.trainings(task) for task in TASKS)
    trainings += sum(sweep.trainings() for sweep in SWEEPS.values())
    assert f"{trainings:,} recorded trainings" in (DATA_FOLDER.parent / "README.md").read_text(encoding="utf-8")
    rows = (DATA_FOLDER / "README.md").read_text(encoding="utf-8")
    for task in TASKS:
        assert f"`transfers_{task}.nc` holds {transfers.trainings(task):,} trainings" in rows


def test_what_both_tasks_have_recorded_is_there():
    assert {f"{content}_{task}" for content in ("atlas", "widths", "optimizers") for task in TASKS} <= set(NAMES)
    assert "data_sizes_mnist" in NAMES
    assert {f"runs_{name}.nc" for name in SWEEPS} == {path.name for path in DATA_FOLDER.glob("runs_*.nc")}


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
    assert runs["diverged"].mean() < 0.1
    assert runs["diverged"].sel(learning_rate=slice(None, 1.0)).mean() < 0.02, "but at rates beyond 1"
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
    row = next(
        row for row in (DATA_FOLDER / "README.md").read_text(encoding="utf-8").splitlines() if f"runs_{name}.nc`" in row
    )
    assert f"| {runs['diverged'].size:,} |" in row


def atlas(*values):
    """A row of an atlas."""
    names = ("units", "hidden_layers", "activation", "batch_norm", "optimizer", "learning_rate", "dropout")
    return dict(zip(names, values, strict=True))


def size(*values):
    """A row by number of training images."""
    names = ("training_images", "units", "hidden_layers", "learning_rate", "dropout")
    return dict(zip(names, values, strict=True))


def normalized(normalization, optimizer, batch_size, learning_rate):
    """A row of normalized ReLU networks."""
    row = {"normalization": normalization, "optimizer": optimizer, "batch_size": batch_size}
    return {**row, "activation": "relu", "learning_rate": learning_rate}


CONSTANT = {"schedule": "constant"}
ROW_AXES = ["learning_rate", "units", "hidden_layers", "activation", "batch_norm", "optimizer", "dropout"]
ROWS = [  # and after how many epochs; not schedule-free AdamW, which Keras computes otherwise on TensorFlow
    pytest.param("atlas_mnist", atlas(64, 2, "relu", True, "sgd", 1.0, 0.0), 3, marks=pytest.mark.slow),
    pytest.param("atlas_mnist", atlas(128, 4, "tanh", False, "adam", 0.001, 0.5), 3, marks=pytest.mark.slow),
    pytest.param("atlas_mnist", atlas(16, 8, "sigmoid", True, "adam", 0.01, 0.2), 3, marks=pytest.mark.slow),
    pytest.param("atlas_mnist", atlas(32, 4, "relu", False, "adam", 31.6, 0.0), 3, marks=pytest.mark.slow),
    pytest.param("atlas_mnist1d", atlas(64, 2, "relu", False, "adam", 0.01, 0.0), 10, marks=pytest.mark.slow),
    pytest.param("atlas_mnist1d", atlas(128, 8, "tanh", True, "sgd", 0.316, 0.0), 10, marks=pytest.mark.slow),
    pytest.param("atlas_mnist1d", atlas(32, 4, "relu", True, "adam", 0.0316, 0.5), 10, marks=pytest.mark.slow),
    ("atlas_mnist1d", atlas(128, 4, "relu", False, "sgd", 10.0, 0.0), 10),
    pytest.param("data_sizes_mnist", size(500, 256, 4, 0.001, 0.5), 100, marks=pytest.mark.slow),
    pytest.param("data_sizes_mnist", size(50_000, 64, 2, 0.00316, 0.2), 1, marks=pytest.mark.slow),
    pytest.param(
        "widths_mnist", {"units": 1024, "hidden_layers": 1, "learning_rate": 0.001}, 1, marks=pytest.mark.slow
    ),
    ("widths_mnist1d", {"units": 2, "hidden_layers": 1, "learning_rate": 0.1}, 10),
    pytest.param(
        "optimizers_mnist", {"optimizer": "muon", "learning_rate": 0.00316, **CONSTANT}, 3, marks=pytest.mark.slow
    ),
    pytest.param(
        "optimizers_mnist", {"optimizer": "lion", "learning_rate": 0.001, **CONSTANT}, 3, marks=pytest.mark.slow
    ),
    pytest.param(
        "optimizers_mnist", {"optimizer": "momentum_0.5", "learning_rate": 0.316, **CONSTANT}, 3, marks=pytest.mark.slow
    ),
    pytest.param("normalization_mnist", normalized("layer", "sgd", 32, 0.1), 1, marks=pytest.mark.slow),
    ("small_batches_mnist1d", normalized("batch, after", "sgd", 8, 0.1), 2),
    pytest.param(
        "activations_mnist",
        {"activation": "silu", "hidden_layers": 8, "optimizer": "adam", "learning_rate": 0.00316},
        3,
        marks=pytest.mark.slow,
    ),
    pytest.param(
        "regularizers_mnist",
        {"penalty": "weight_decay=1", **size(10_000, 100, 1, 0.00316, 0.4)},
        2,
        marks=pytest.mark.slow,
    ),
    pytest.param(
        "three_layers_of_sigmoids_mnist", {"batch_norm": True, "learning_rate": 1.0}, 1, marks=pytest.mark.slow
    ),
    ("regularizers_mnist1d", {"penalty": "l1=0.001", **size(500, 100, 1, 0.001, 0.0)}, 40),
]


@pytest.mark.parametrize(("name", "row", "epochs"), ROWS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_row_trained_again_lies_within_the_spread_of_its_seeds(name, row, epochs):
    sweep = SWEEPS[name]
    images, batch_size, _, _ = sweep.duration(row)
    at = {"step": epochs * (images // batch_size)} if sweep.steps else {"epoch": epochs}
    chosen = {axis: value for axis, value in row.items() if axis in sweep.axes}
    recorded = load(name)["val_accuracy"].sel({**chosen, **at}).values
    again = train_again(sweep, row, epochs)
    assert distance(again, recorded) < 4, f"{again:.4f} against {recorded}"


def test_the_rates_go_on_until_networks_fail():
    """On MNIST no best rate is the largest; on MNIST-1D only of deep sigmoids that learn nothing at any rate."""
    for task, fails in (("mnist", 0.0), ("mnist1d", 0.15)):
        scores = load(f"atlas_{task}")["val_accuracy"].isel(epoch=-1).mean("seed")
        best = scores.max("learning_rate").where(scores.argmax("learning_rate") == scores.sizes["learning_rate"] - 1)
        assert not (best > fails).any()


@pytest.mark.parametrize("task", TASKS)
def test_the_spread_of_the_seeds_would_notice_another_rate(task):
    """What the rows above would not notice is no proof: most rows lie outside the spread of a tenth of their rate."""
    last = load(f"atlas_{task}")["val_accuracy"].isel(epoch=-1)
    rows, others = (last.sel(learning_rate=rates).stack(row=ROW_AXES) for rates in ([0.001, 0.01], [0.01, 0.1]))
    pairs = zip(rows.transpose("row", "seed").values, others.isel(seed=0).values, strict=True)
    assert np.mean([distance(other, row) > 4 for row, other in pairs]) > 0.55


SATURATED = atlas(128, 2, "sigmoid", True, "sgd", 31.6, 0.0)


@pytest.mark.parametrize(("loss", "agrees"), [(bounded, True), (None, False)])
def test_at_the_largest_rates_the_recorded_loss_is_that_of_bounded_probabilities(loss, agrees):
    """The first version of the recorder took it so; from the second on it is that of TensorFlow, from logits."""
    runs = load("atlas_mnist1d")
    assert "version" not in runs.attrs["made_by"]
    again = train_again(SWEEPS["atlas_mnist1d"], SATURATED, 10, loss=loss)
    assert (distance(again, runs["val_accuracy"].sel({**SATURATED, "epoch": 10}).values) < 4) == agrees
