"""A notebook that says something untrue turns the run red; what a notebook defines is what the package has."""

import copy
import re
import subprocess
import sys
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from sklearn.base import clone

from nbhelpers import models, regressor, search
from nbhelpers.data import load_runs
from nbhelpers.widgets import Predictions
from recorders.races import BOX

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
FIRST = FOLDER / "01_train_a_first_network.ipynb"
EIGHTH = FOLDER / "08_search_a_grid_and_at_random.ipynb"
NINTH = FOLDER / "09_search_where_it_pays.ipynb"
ELEVENTH = FOLDER / "11_transfer_what_was_learned.ipynb"


def nbval(folder):
    """Run the notebooks of a folder; return the outcome of each cell, by the name of its notebook."""
    command = [sys.executable, "-m", "pytest", "-q", "-rfEp", "-p", "no:cacheprovider"]
    command += ["--nbval-lax", "--nbval-current-env", str(folder)]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=folder)
    found = re.findall(r"^(PASSED|FAILED|ERROR) (?:.*/)?(\w+)\.ipynb::", result.stdout, flags=re.M)
    assert found, result.stdout + result.stderr
    return {name: [outcome for outcome, of in found if of == name] for _, name in found}


def beginning_of(notebook, *, upto):
    """The cells before the first one that trains, as a notebook that runs in seconds."""
    stop = next(i for i, cell in enumerate(notebook.cells) if upto in cell.source)
    notebook.cells = notebook.cells[:stop]
    return notebook


def test_a_changed_number_or_a_broken_claim_turns_the_run_red(tmp_path):
    notebook = beginning_of(nbformat.read(FIRST, as_version=4), upto="softmax_regression = keras.Sequential")
    for cell in notebook.cells:  # what these cells do not use and what takes seconds
        cell.source = re.sub(r"^(import keras|from nbhelpers.models import .*)$", "", cell.source, flags=re.M)
    changed, broken = copy.deepcopy(notebook), copy.deepcopy(notebook)
    outputs = [o for c in changed.cells for o in c.get("outputs", []) if "validation accuracy" in o.get("text", "")]
    assert len(outputs) == 1
    outputs[0].text = outputs[0].text.replace("0.1", "0.2")
    broken.cells.append(nbformat.v4.new_code_cell("assert counts.argmax() == 2"))
    for name, one in {"as_it_is": notebook, "changed": changed, "broken": broken}.items():
        nbformat.write(one, tmp_path / f"{name}.ipynb")
    found = nbval(tmp_path)
    cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    assert {name: len(outcomes) for name, outcomes in found.items()} == {
        "as_it_is": cells,
        "changed": cells,
        "broken": cells + 1,
    }
    failed = {name: len(outcomes) - outcomes.count("PASSED") for name, outcomes in found.items()}
    assert failed == {"as_it_is": 0, "changed": 1, "broken": 1}


def defined_in(path, name, namespace):
    """Run the cell of a notebook that defines this function, and return the function."""
    notebook = nbformat.read(path, as_version=4)
    (source,) = [c.source for c in notebook.cells if c.cell_type == "code" and f"def {name}(" in c.source]
    exec(source, namespace)
    return namespace[name]


@pytest.mark.parametrize(("name", "units"), [("softmax_regression", ()), ("mlp", (100,))])
def test_a_network_that_notebook_01_writes_out_is_that_of_the_package(name, units):
    cells = nbformat.read(FIRST, as_version=4).cells
    (source,) = [c.source for c in cells if c.cell_type == "code" and f"{name} = keras.Sequential(" in c.source]
    namespace = {"keras": keras, "guesses": Predictions()}
    exec(source.split(f"{name}.fit(")[0], namespace)
    x, y = np.random.default_rng(0).random((20, 28, 28), "float32"), np.arange(20) % 10
    keras.utils.set_random_seed(0)
    outputs = []
    for model in (namespace[name], models.build_mlp(units, learning_rate=0.001)):
        model.fit(x, y, batch_size=5, epochs=2, shuffle=False, verbose=0)
        outputs.append(np.asarray(model(x)))
    assert np.allclose(*outputs, atol=1e-6)


def test_the_regressor_of_notebook_08_is_that_of_the_package():
    taught = defined_class(EIGHTH, "KerasRegressor")
    x = np.random.default_rng(0).random((40, 6), "float32")
    options = {"units": (5, 4), "learning_rate": 0.02, "epochs": 3}
    networks = [taught(**options), regressor.KerasRegressor(**options, batch_size=100)]
    predictions = []
    for network in networks:
        keras.utils.set_random_seed(0)
        predictions.append(clone(network).fit(x, x[:, 0]).predict(x))
    assert np.allclose(*predictions, atol=1e-6)


def defined_class(path, name):
    notebook = nbformat.read(path, as_version=4)
    (source,) = [c.source for c in notebook.cells if c.cell_type == "code" and f"class {name}(" in c.source]
    namespace = {"keras": keras, "np": np, "build_mlp": models.build_mlp}
    exec(source, namespace)
    return namespace[name]


def test_the_halving_of_notebook_09_is_that_of_the_package():
    curves = np.random.default_rng(0).random((27, 27))
    seen = [curves, None]
    namespace = {"np": np, "TASKS": {"mnist1d": "MNIST-1D"}, "split_by_seed": lambda runs, seed: seen}
    plot, ax = defined_in(NINTH, "plot_halving", namespace), plt.figure().subplots()
    plot({"mnist1d": None}, draw=1, ax=ax)
    order = np.random.default_rng(1).permutation(curves)
    trials, _ = search.run_search(search.bracket([(i,) for i in range(27)]), order, budget=1000)
    place = 27 - order[:, -1].argsort().argsort()[trials[-1].configuration]
    assert f"number {place} of 27" in ax.get_title()


def test_the_box_of_notebooks_08_and_09_is_that_of_the_races():
    cells = [c.source for path in (EIGHTH, NINTH) for c in nbformat.read(path, as_version=4).cells]
    eighth, ninth = ({}, {"load_runs": load_runs, "TASKS": {"mnist1d": "MNIST-1D"}})
    (source,) = [cell for cell in cells if cell.startswith("BOX = {") and "# 03" in cell]
    exec(source.split("\nruns")[0], eighth)
    as_lists = {name: values if isinstance(values, list) else [values] for name, values in BOX.items()}
    assert eighth["BOX"] == as_lists
    (source,) = [cell for cell in cells if cell.startswith("BOX = {") and "boxes = " in cell]
    exec(source, ninth)
    axes = search.space_of(ninth["boxes"]["mnist1d"])
    assert all(axes.get(name, [BOX[name]]) == values for name, values in as_lists.items())


def test_the_convolutional_network_of_notebook_11_is_that_of_the_package():
    cells = nbformat.read(ELEVENTH, as_version=4).cells
    (source,) = [c.source for c in cells if c.cell_type == "code" and "base = keras.Sequential(" in c.source]
    namespace = {"keras": keras, "guesses": Predictions()}
    exec(source.split("base.fit(")[0], namespace)
    x, y = np.random.default_rng(0).random((20, 28, 28), "float32"), np.arange(20) % 5
    keras.utils.set_random_seed(0)
    of_the_package, outputs = models.build_cnn(learning_rate=0.003, classes=5), []
    namespace["base"].set_weights(of_the_package.get_weights())
    for model in (namespace["base"], of_the_package):
        model.fit(x, y, batch_size=5, epochs=2, shuffle=False, verbose=0)
        outputs.append(np.asarray(model(x)))
    assert np.allclose(*outputs, atol=1e-6)
