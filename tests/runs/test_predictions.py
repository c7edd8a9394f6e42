"""The recorded predictions are complete, described, and those of the networks that they name."""

import keras
import numpy as np
import pytest

from nbhelpers.data import TASKS, load_mnist1d, load_predictions
from nbhelpers.models import accuracy_of, batches, build_mlp
from recorders import predictions
from tests.runs.again import distance


@pytest.mark.parametrize("task", TASKS)
def test_each_network_is_there_with_five_seeds_that_differ(task):
    runs = load_predictions(task=task)
    right = runs["right"]
    assert right.dims == ("network", "seed", "image") and right.shape == (len(predictions.NETWORKS), 5, 10_000)
    assert right.network.values.tolist() == list(predictions.NETWORKS) and right.dtype == bool
    rows = right.stack(run=["network", "seed"]).transpose("run", "image").values
    assert len(np.unique(rows, axis=0)) == len(rows)
    accuracy = right.mean(("image", "seed"))
    assert accuracy.argmin("network") == 0 and accuracy.min() > {"mnist": 0.9, "mnist1d": 0.3}[task]
    assert {"title", "task", "made_by", "versions", "license", "learning_rate"} <= set(runs.attrs)
    assert all(values.attrs["long_name"] for values in (right, right.network, right.seed))


@pytest.mark.slow
def test_a_network_trained_again_lies_within_the_spread_of_its_seeds():
    length = predictions.LENGTHS["mnist1d"]
    keras.utils.set_random_seed(0)
    model = build_mlp((16,), learning_rate=predictions.LEARNING_RATE, input_shape=(40,))
    data = batches(*load_mnist1d("train"), batch_size=length["batch_size"])
    model.fit(data, epochs=length["epochs"], shuffle=False, verbose=0)
    recorded = load_predictions(task="mnist1d")["right"].sel(network="16 units").mean("image").values
    assert distance(accuracy_of(model, *load_mnist1d("valid")), recorded) < 4


def test_a_finished_network_is_not_trained_again(tmp_path, monkeypatch):
    paths = {task: predictions.blocks_of(task, tmp_path / "parts" / "predictions") for task in TASKS}
    for path in [path for of_task in paths.values() for path in of_task]:
        predictions.save(path, {"right": np.zeros((5, 10), bool)})
    made = list(predictions.record(folder=tmp_path, processes=1))
    assert [path.name for path in made] == ["predictions_mnist.nc", "predictions_mnist1d.nc"]
    assert load_predictions(task="mnist", folder=tmp_path)["right"].shape == (7, 5, 10)
    monkeypatch.setattr(predictions, "VERSION", 0)
    assert not set(predictions.blocks_of("mnist", tmp_path / "parts" / "predictions")) & set(paths["mnist"])
