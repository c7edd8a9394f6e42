"""The recorded runs are complete, described, and come out the same when a sample is trained again."""

from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest

from nbhelpers.data import DATA_FOLDER, TASKS, load_mnist, load_runs
from nbhelpers.models import batches, build_mlp, make_schedule
from recorders import transfers
from recorders.sweeps import SWEEPS
from tests.runs.fake_recorder import make_runs

NAMES = sorted(make_runs.SWEEPS)
EPOCHS = 5  # of 15, enough to tell one row from another
# Others: a schedule needs all its epochs, 1,000 images need more of them, and one of 50,000 images is plenty.
EPOCHS_OF = {"regularizers": 20, "optimizers": 15, "three_layers_of_sigmoids": 1}


class Files(dict):
    """Each file of recorded runs, opened when it is first asked for."""

    def __missing__(self, name):
        self[name] = load_runs(name)
        return self[name]


@pytest.fixture(scope="module")
def files():
    return Files()


@pytest.mark.parametrize("name", NAMES)
def test_the_file_is_the_sweep_that_the_script_describes(files, name):
    runs, sweep = files[name], make_runs.SWEEPS[name]
    axes = {axis: values for axis, values in sweep.axes.items() if len(values) > 1}
    assert list(runs["loss"].dims) == list(axes)
    for axis, values in axes.items():
        assert runs[axis].values.tolist() == list(values)
    assert runs.attrs["images"] == sweep.images
    assert runs.attrs.get("batch_size", "an axis") == ("an axis" if "batch_size" in axes else sweep.batch_size)
    assert {key: runs.attrs[key] for key in sweep.fixed} == sweep.fixed


def test_the_atlas_is_as_large_as_promised(files):
    sizes = files["atlas"].sizes
    assert files["atlas"]["diverged"].isel(seed=0).size >= 5000
    assert sizes["seed"] >= 3
    assert sizes["epoch"] >= 15
    assert sizes["learning_rate"] >= 7


def test_readme_counts_the_trainings_right(files):
    files = {name: files[name] for name in NAMES}
    trainings = sum(runs["diverged"].size for runs in files.values())
    trainings += sum(transfers.trainings(task) for task in TASKS)
    trainings += sum(sweep.trainings() for sweep in SWEEPS.values())
    assert f"{trainings:,} recorded trainings" in (DATA_FOLDER.parent / "README.md").read_text(encoding="utf-8")
    rows = (DATA_FOLDER / "README.md").read_text(encoding="utf-8")
    for task in TASKS:
        assert f"`transfers_{task}.nc` holds {transfers.trainings(task):,} trainings" in rows
    for name, runs in files.items():
        assert f"| {runs['diverged'].size:,} |" in next(r for r in rows.splitlines() if f"runs_{name}.nc" in r)


@pytest.mark.parametrize("name", NAMES)
def test_no_run_is_missing_and_diverged_ones_are_marked(files, name):
    runs = files[name]
    for measure in ("accuracy", "val_accuracy"):
        assert np.isfinite(runs[measure]).all()
        assert ((runs[measure] >= 0) & (runs[measure] <= 1)).all()
    assert np.isfinite(runs["test_accuracy"]).all()
    finite = np.isfinite(runs["loss"]).all("epoch")
    assert (finite == ~runs["diverged"]).all()


@pytest.mark.parametrize("name", NAMES)
def test_no_run_stands_twice(files, name):
    """Two trainings share their losses to the last digit only if neither of them learns."""
    runs = files[name]
    if "penalty" in runs.dims:  # two bounds that no weight ever reaches make the same training
        runs = runs.sel(penalty=[penalty for penalty in runs.penalty.values if "max_norm" not in penalty])
    learns = (runs["accuracy"].isel(epoch=-1) > 0.5).values
    histories = runs["loss"].values[learns]
    assert len(np.unique(histories, axis=0)) == len(histories)


@pytest.mark.parametrize("name", NAMES)
def test_everything_is_described(files, name):
    runs = files[name]
    for variable in {**runs.data_vars, **runs.coords}.values():
        assert variable.attrs["long_name"]
    assert all("units" in variable.attrs for variable in runs.data_vars.values())
    assert {"title", "license", "versions", "made_by", "images"} <= set(runs.attrs)
    assert "initialization" in runs.attrs or "kernel_initializer" in {*runs.coords, *runs.attrs}
    assert Path(DATA_FOLDER / f"runs_{name}.nc").stat().st_size < 25e6
    assert f"runs_{name}.nc" in (DATA_FOLDER / "README.md").read_text(encoding="utf-8")


PLAIN = {
    "units": 64,
    "hidden_layers": 2,
    "activation": "relu",
    "batch_norm": False,
    "optimizer": "adam",
    "dropout": 0.0,
}
ROWS = [
    ("atlas", {**PLAIN, "learning_rate": 0.001}),
    ("atlas", {**PLAIN, "learning_rate": 0.01, "dropout": 0.5}),
    ("atlas", {**PLAIN, "learning_rate": 0.1, "optimizer": "sgd", "activation": "tanh"}),
    ("atlas", {**PLAIN, "learning_rate": 0.00316, "units": 32, "hidden_layers": 4, "batch_norm": True}),
    ("atlas", {**PLAIN, "learning_rate": 0.0316, "units": 8, "hidden_layers": 1, "activation": "sigmoid"}),
    ("atlas", {**PLAIN, "learning_rate": 1.0, "units": 16, "hidden_layers": 8}),
    ("widths", {"units": 256, "hidden_layers": 1, "learning_rate": 0.001}),
    ("shapes", {"shape": "46-92-184", "learning_rate": 0.001}),
    ("budgets", {"budget": 40_000, "hidden_layers": 3, "batch_norm": True, "learning_rate": 0.00316}),
    ("activations", {"activation": "prelu", "hidden_layers": 8, "learning_rate": 0.001}),
    (
        "initializations",
        {
            "activation": "tanh",
            "optimizer": "sgd",
            "kernel_initializer": "glorot_normal",
            "hidden_layers": 10,
            "learning_rate": 0.1,
        },
    ),
    ("regularizers", {"penalty": "l1=0.001", "learning_rate": 0.00316, "dropout": 0.2}),
    ("regularizers", {"penalty": "weight_decay=1", "learning_rate": 0.00316, "dropout": 0.0}),
    ("regularizers", {"penalty": "max_norm=1", "learning_rate": 0.01, "dropout": 0.4}),
    ("optimizers", {"optimizer": "nesterov", "schedule": "one_cycle", "learning_rate": 0.1}),
    ("optimizers", {"optimizer": "adamw", "schedule": "step", "learning_rate": 0.01}),
    ("normalization", {"batch_norm": "after", "activation": "relu", "batch_size": 125, "learning_rate": 0.1}),
    ("three_layers_of_sigmoids", {"batch_norm": True, "learning_rate": 1.0}),
    pytest.param("recipe_dropout", {"learning_rate": 0.001}, marks=pytest.mark.slow),
    ("batch_sizes", {"batch_size": 400, "optimizer": "sgd", "learning_rate": 0.316}),
]


images_of = cache(load_mnist)  # for all rows


def train_again(name, setting, *, epochs):
    """Train this row by plain `fit` on TensorFlow; return the validation accuracy."""
    sweep = make_runs.SWEEPS[name]
    alone = {name: values[0] for name, values in sweep.blocks.items()}  # an axis of one value is none in the file
    setting = {**sweep.fixed, **alone, **setting}
    batch_size = setting.get("batch_size", sweep.batch_size)
    steps = sweep.epochs * (sweep.images // batch_size)
    rate = make_schedule(setting.get("schedule", "constant"), setting["learning_rate"], steps=steps)
    keras.utils.set_random_seed(0)
    dropout = setting.get("dropout", sweep.dropout[0])
    options = {**make_runs.model_options(setting), "dropout": dropout}
    model = build_mlp(make_runs.hidden_units(setting), learning_rate=rate, **options)
    images = batches(*images_of("train", n=sweep.images), batch_size=batch_size)
    model.fit(images, epochs=epochs, shuffle=False, verbose=0)
    x, y = images_of("valid")
    return np.mean(np.argmax(model(x), axis=1) == y)


def distance(accuracy, recorded):
    """How far an accuracy is from the recorded ones, in standard deviations of one more seed."""
    deviation = max(float(recorded.std(ddof=1)), 0.002) * np.sqrt(1 + 1 / len(recorded))
    return abs(accuracy - float(recorded.mean())) / deviation


@pytest.mark.parametrize(("name", "setting"), ROWS)
def test_a_row_trained_again_lies_within_the_spread_of_its_seeds(files, name, setting):
    epochs = EPOCHS_OF.get(name, EPOCHS)
    row = files[name]["val_accuracy"].sel(setting).sel(epoch=epochs)
    accuracy = train_again(name, setting, epochs=epochs)
    assert distance(accuracy, row.values) < 4, f"{accuracy:.4f} against {row.values}"


def test_another_row_would_be_noticed(files):
    name, setting = ROWS[0]
    row = files[name]["val_accuracy"].sel(setting).sel(epoch=EPOCHS).values
    for other in ({"learning_rate": 0.0001}, {"units": 16}, {"dropout": 0.5}):
        wrong = files[name]["val_accuracy"].sel({**setting, **other}).sel(epoch=EPOCHS).values
        assert min(distance(accuracy, row) for accuracy in wrong) > 4
