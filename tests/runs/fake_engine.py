"""The recorder with a training that takes milliseconds and needs no JAX: python fake_engine.py FOLDER [FAILS]."""

import os
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from recorders import engine, runs
from recorders.sweeps import Sweep

SWEEP = Sweep(
    task="mnist",
    blocks={"units": (2, 3, 5, 7, 11, 13), "hidden_layers": (1, 2)},
    beside={"learning_rate": (0.001, 0.01), "dropout": (0.0, 0.5)},
    fixed={"optimizer": "adam"},
    seeds=2,
    epochs=3,
)


def versions():
    """JAX need not be there."""
    return {"keras": "1", "jax": os.environ.get("JAX_VERSION", "1")}


engine.versions = versions


def accuracy(setting, rate, dropout, seed, epoch):
    """A number that tells which training it belongs to."""
    return (
        setting["units"] / 20 + setting["hidden_layers"] / 100 + 10 * rate + dropout / 100 + seed / 1000 + epoch / 1e4
    )


def fake_block(sweep, setting):
    """Numbers that tell which training they belong to; the start is noted in a file."""
    with Path(os.environ["STARTS"]).open("a", encoding="utf-8") as file:
        file.write(f"{setting['units']}-{setting['hidden_layers']}\n")
    if f"{setting['units']}-{setting['hidden_layers']}" == os.environ.get("FAILS"):
        raise ArithmeticError("no luck")
    time.sleep(float(os.environ.get("SECONDS_EACH", 0.05)))
    grid = np.meshgrid(*sweep.beside.values(), range(sweep.seeds), range(1, sweep.epochs + 1), indexing="ij")
    history = accuracy(setting, *grid)
    results = dict.fromkeys(engine.HISTORY, history) | {"test_accuracy": history[..., -1]}
    return {**results, "compile_seconds": 1.0, "train_seconds": 2.0, "device": "a fake"}


if __name__ == "__main__":
    list(runs.record(["fake_mnist"], folder=sys.argv[1], sweeps={"fake_mnist": SWEEP}, train=fake_block, processes=2))
