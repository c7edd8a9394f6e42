"""The recorder of transfers with a training that takes no time and needs no JAX: python fake_transfers.py FOLDER."""

import os
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from recorders import engine, transfers
from tests.runs import fake_engine

engine.versions = fake_engine.versions


def fake_scores(task, source, seed):
    """Numbers that tell which transfer they belong to; missing where none is to be recorded."""
    axes = [transfers.axes_of(task)[name] for name in ("layers_kept", "treatment", "labels", "learning_rate")]
    kept, treatment, labels, rate = np.meshgrid(*(range(len(axis)) for axis in axes), indexing="ij")
    listed = np.isin(np.array(transfers.TREATMENTS)[treatment], transfers.TREATMENTS_OF[source])
    return np.where(listed, kept / 10 + treatment / 50 + labels / 500 + rate / 5000 + seed / 10, np.nan)


def fake_transfer(task, network, source, seed):
    """The start is noted in a file."""
    with Path(os.environ["STARTS"]).open("a", encoding="utf-8") as file:
        file.write(f"{task}-{network}-{source}-{seed}\n")
    scores = fake_scores(task, source, seed)
    return {"tuning_accuracy": scores, "val_accuracy": scores / 2, "source_accuracy": seed / 10}


if __name__ == "__main__":
    list(transfers.record(folder=sys.argv[1], train=fake_transfer, processes=2))
