"""What the recorder records today, on both tasks, is what plain Keras trains."""

import pytest

from nbhelpers.data import TASKS, load_runs
from tests.runs import with_jax
from tests.runs.again import distance, train_again
from tests.runs.record_small_sweeps import SWEEPS

pytestmark = [with_jax.needed, pytest.mark.slow]
ROWS = SWEEPS["small_mnist"].variants()


@pytest.mark.parametrize("task", TASKS)
def test_networks_recorded_today_agree_with_plain_keras_row_by_row(tmp_path, task):
    with_jax.run("record_small_sweeps.py", tmp_path, f"small_{task}")
    runs, sweep = load_runs("small", task=task, folder=tmp_path), SWEEPS[f"small_{task}"]
    assert runs["diverged"].size == sweep.trainings() and not runs["diverged"].any()
    last = runs["val_accuracy"].isel(activation=0, epoch=-1)
    for row in ROWS:
        recorded, again = last.sel(row).values, train_again(sweep, {"activation": "relu", **row}, sweep.epochs)
        assert distance(again, recorded) < 4, f"{row}: {again:.4f} against {recorded}"
    low, high = (last.sel(learning_rate=rate) for rate in last.learning_rate.values)
    for dropout in last.dropout.values:
        others = high.sel(dropout=dropout).values
        assert min(distance(other, low.sel(dropout=dropout).values) for other in others) > 4, "no rate was noticed"
