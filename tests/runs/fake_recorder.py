"""The recorder with a training that takes milliseconds and needs no JAX: python fake_recorder.py FOLDER."""

import os
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "data"))

import make_runs

SWEEP = make_runs.Sweep(
    blocks={"units": (2, 3, 5, 7, 11, 13), "hidden_layers": (1, 2)},
    learning_rate=(0.1, 1.0),
    dropout=(0.0, 0.5),
    seeds=2,
    epochs=3,
)


def fake_training(sweep, setting, seed):
    """Numbers that tell which training they belong to; the start is noted in a file beside the folder."""
    with Path(os.environ["STARTS"]).open("a", encoding="utf-8") as file:
        file.write(f"{setting['units']}-{setting['hidden_layers']}-{seed}\n")
    time.sleep(0.05)
    rates, dropouts = np.meshgrid(sweep.learning_rate, sweep.dropout, indexing="ij")
    name = 100 * setting["units"] + 10 * setting["hidden_layers"] + seed + rates / 10 + dropouts / 100
    history = name[..., None] + np.arange(1, sweep.epochs + 1) / 1000
    return {key: history for key in make_runs.HISTORY} | {"test_accuracy": name}


if __name__ == "__main__":
    make_runs.record("fake", folder=sys.argv[1], sweep=SWEEP, train=fake_training, processes=2)
