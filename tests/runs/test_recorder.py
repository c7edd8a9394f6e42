"""The recorder resumes wherever it was killed, and loses at most the blocks under way."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from nbhelpers.data import SUMS, load_runs, read_sums
from tests.runs.fake_recorder import SWEEP, make_runs

SCRIPT = Path(__file__).with_name("fake_recorder.py")
N_BLOCKS = 12


def start(folder):
    environment = os.environ | {"STARTS": str(folder / "starts")}
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), str(folder)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def finished(folder):
    return {p.name for p in (folder / "parts" / "fake").glob("*.npz")}


def test_killed_again_and_again_it_ends_with_every_run_in_its_place(tmp_path):
    random.seed(0)
    kills = 0
    while not (tmp_path / "runs_fake.nc").exists():
        before, process = len(finished(tmp_path)), start(tmp_path)
        while process.poll() is None and len(finished(tmp_path)) < before + 2:
            time.sleep(0.01)
        time.sleep(random.uniform(0, 0.2))
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)  # the recorder alone, so that its workers are left behind
            kills += 1
        process.wait()
        time.sleep(1)  # by now they have noticed
        for path in (tmp_path / "parts" / "fake").glob("*.npz"):
            np.load(path)["loss"]  # never half written
    assert kills > 1, "it was hardly killed, so little was tested"
    runs = xr.load_dataset(tmp_path / "runs_fake.nc", engine="h5netcdf")
    for at in np.ndindex(*runs["loss"].shape):
        run = runs["loss"][at]
        name = 100 * run.units + 10 * run.hidden_layers + run.seed + run.learning_rate / 10 + run.dropout / 100
        assert float(run) == pytest.approx(float(name + run.epoch / 1000), abs=1e-3)
    starts = Counter((tmp_path / "starts").read_text(encoding="utf-8").split())
    trained_again = sum(count - 1 for count in starts.values())
    assert trained_again <= kills * 2 * SWEEP.seeds, "more was lost than the two blocks under way"


def test_a_finished_block_is_not_trained_again(tmp_path):
    start(tmp_path).wait()
    before = (tmp_path / "starts").read_text(encoding="utf-8")
    (tmp_path / "parts" / "fake" / "5-2.npz").unlink()
    assert len(finished(tmp_path)) == N_BLOCKS - 1
    start(tmp_path).wait()
    again = (tmp_path / "starts").read_text(encoding="utf-8").removeprefix(before).split()
    assert sorted(again) == ["5-2-0", "5-2-1"]


def test_what_is_recorded_is_listed_with_its_sum_beside_the_others(tmp_path):
    (tmp_path / SUMS).write_text("0123  runs_other.nc\n4567  runs_fake.nc\n")
    start(tmp_path).wait()
    sums = read_sums(tmp_path / SUMS)
    assert list(sums) == ["runs_fake.nc", "runs_other.nc"] and sums["runs_other.nc"] == "0123"
    assert load_runs("fake", folder=tmp_path)["loss"].size  # which holds the file against its sum


def test_a_missing_block_is_an_error_and_not_a_gap(tmp_path):
    start(tmp_path).wait()
    (tmp_path / "parts" / "fake" / "5-2.npz").unlink()
    with pytest.raises(FileNotFoundError, match="5-2.npz"):
        make_runs.join(SWEEP, tmp_path / "parts" / "fake")


def test_a_diverged_run_is_kept_and_marked(tmp_path):
    start(tmp_path).wait()
    path = tmp_path / "parts" / "fake" / "2-1.npz"
    block = dict(np.load(path))
    block["loss"][1, 0, 1, -1] = np.inf
    np.savez(path, **block)
    runs = make_runs.join(SWEEP, tmp_path / "parts" / "fake")
    assert int(runs["diverged"].sum()) == 1
    where = {"units": 2, "hidden_layers": 1, "learning_rate": 0.1, "dropout": 0.5, "seed": 1}
    assert bool(runs["diverged"].sel(where))
    assert np.isfinite(runs["val_accuracy"].sel(where)).all()
