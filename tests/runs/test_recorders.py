"""The recorder resumes wherever it was killed, takes no block of another sweep, and trains as plain Keras does."""

import json
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from nbhelpers.data import SUMS, load_runs, read_sums
from recorders import runs, store, sweeps
from tests.runs import fake_engine, with_jax
from tests.runs.fake_engine import SWEEP, fake_block

HERE = Path(__file__).parent
N_BLOCKS = 12


def start(folder, **environment):
    return subprocess.Popen(
        [sys.executable, str(HERE / "fake_engine.py"), str(folder)],
        env=os.environ | {"STARTS": str(folder / "starts")} | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def finished(folder):
    return {path.name for path in (folder / "parts" / "fake_mnist").glob("*.npz")}


def starts(folder):
    return (folder / "starts").read_text(encoding="utf-8").split()


def check_each_number(file):
    recorded = xr.load_dataset(file, engine="h5netcdf")
    scores = recorded["val_accuracy"]
    for at in np.ndindex(*scores.shape):
        run = {name: values[at[i]].item() for i, (name, values) in enumerate(scores.coords.items())}
        setting = {name: run[name] for name in SWEEP.blocks}
        wanted = fake_engine.accuracy(setting, run["learning_rate"], run["dropout"], run["seed"], run["epoch"])
        assert float(scores[at]) == pytest.approx(wanted, abs=3e-5)
        assert float(recorded["loss"][at]) == pytest.approx(wanted, rel=2**-12)


@pytest.mark.skipif(sys.platform == "win32", reason="its workers do not hold the pipe that tells when they have ended")
def test_killed_again_and_again_it_ends_with_every_run_in_its_place(tmp_path):
    random.seed(0)
    kills = 0
    while not (tmp_path / "runs_fake_mnist.nc").exists():
        before, process = len(finished(tmp_path)), start(tmp_path, SECONDS_EACH="0.3")
        while process.poll() is None and len(finished(tmp_path)) < before + 2:
            time.sleep(0.01)
        time.sleep(random.uniform(0, 0.2))
        if process.poll() is None:
            process.kill()  # the recorder alone, so that its workers are left behind
            kills += 1
        process.communicate()  # which waits for the workers, too: they hold the other end
        for path in (tmp_path / "parts" / "fake_mnist").glob("*.npz"):
            np.load(path)["loss"]  # never half written
    assert kills > 1, "it was hardly killed, so little was tested"
    check_each_number(tmp_path / "runs_fake_mnist.nc")
    again = sum(count - 1 for count in Counter(starts(tmp_path)).values())
    assert again <= kills * 2, "more was lost than the two blocks under way"


def test_a_finished_block_is_not_trained_again_and_another_sweep_takes_none_of_them(tmp_path):
    start(tmp_path).communicate()
    assert len(finished(tmp_path)) == N_BLOCKS
    next((tmp_path / "parts" / "fake_mnist").glob("5-2-*.npz")).unlink()
    start(tmp_path).communicate()
    assert len(starts(tmp_path)) == N_BLOCKS + 1
    start(tmp_path, JAX_VERSION="2").communicate()
    assert len(starts(tmp_path)) == 2 * N_BLOCKS + 1


def test_a_bar_says_how_much_is_done_how_long_it_took_and_what_is_left(tmp_path):
    lines = [line for line in start(tmp_path, SECONDS_EACH="0.3").communicate()[1].splitlines() if line]
    assert lines[0].startswith("  0 % |") and lines[0].endswith("? left")
    assert lines[-1].startswith("100 % |") and re.search(r"00:\d\d so far, 00:00 left", lines[-1])


def test_a_failing_block_stops_the_others_and_is_named(tmp_path):
    """The others would take half an hour."""
    process = start(tmp_path, FAILS="13-1", SECONDS_EACH="1800")
    message = process.communicate()[1]
    assert (
        process.returncode
        and "('fake_mnist', {'units': 13, 'hidden_layers': 1}) failed" in message
        and "no luck" in message
    )
    assert not finished(tmp_path) and not (tmp_path / "runs_fake_mnist.nc").exists()


CHANGES = [
    {"task": "mnist1d"},
    {"beside": {**SWEEP.beside, "dropout": (0.0, 0.4)}},
    {"fixed": {"optimizer": "sgd"}},
    {"seeds": 3},
    {"images": 5000},
    {"batch_size": 50},
    {"epochs": 4},
    {"steps": 480, "scores": 3},
]


def marks(sweep):
    return {runs.mark_of(sweep, setting) for setting in sweep.settings()}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_a_changed_sweep_takes_no_old_block(change):
    changed = sweeps.Sweep(**{**vars(SWEEP), **change})
    assert not marks(SWEEP) & marks(changed)


def test_more_blocks_leave_the_old_ones_what_they_are(monkeypatch):
    more = sweeps.Sweep(**{**vars(SWEEP), "blocks": {**SWEEP.blocks, "hidden_layers": (1, 2, 4)}})
    before = marks(SWEEP)
    assert before < marks(more)
    monkeypatch.setattr(runs.engine, "VERSION", 0)
    assert not before & marks(SWEEP)


def record_here(folder, monkeypatch):
    """The blocks of the small sweep, in this process."""
    monkeypatch.setenv("STARTS", str(folder / "starts"))
    paths = runs.blocks_of(SWEEP, folder)
    for path, setting in paths.items():
        runs.record_block({"fake_mnist": SWEEP}, fake_block, path, "fake_mnist", setting)
    return paths


def test_a_missing_block_is_an_error_and_not_a_gap(tmp_path, monkeypatch):
    paths = record_here(tmp_path, monkeypatch)
    next(iter(paths)).unlink()
    with pytest.raises(FileNotFoundError, match=next(iter(paths)).name):
        runs.join(SWEEP, paths)


def test_a_diverged_run_is_kept_and_marked(tmp_path, monkeypatch):
    paths = record_here(tmp_path, monkeypatch)
    path = next(path for path, setting in paths.items() if setting == {"units": 2, "hidden_layers": 1})
    block = dict(np.load(path))
    block["loss"][1, 0, 1, -1], block["val_loss"][1, 0, 1, -1] = np.inf, np.nan
    store.save(path, block)
    store.write_runs(tmp_path / "runs.nc", runs.join(SWEEP, paths))
    recorded = xr.load_dataset(tmp_path / "runs.nc", engine="h5netcdf")
    assert int(recorded["diverged"].sum()) == 1
    run = recorded.sel(units=2, hidden_layers=1, learning_rate=0.01, dropout=0.0, seed=1)
    assert bool(run["diverged"]) and np.isinf(run["loss"][-1]) and np.isnan(run["val_loss"][-1])
    assert np.isfinite(run["val_accuracy"]).all()
    assert recorded.attrs["task"] == "mnist" and recorded.attrs["process_seconds"] == 3 * N_BLOCKS


def test_what_is_recorded_is_listed_with_its_sum_beside_the_others(tmp_path):
    (tmp_path / SUMS).write_text("0123  runs_other.nc\n4567  runs_fake_mnist.nc\n", encoding="utf-8")
    start(tmp_path).communicate()
    sums = read_sums(tmp_path / SUMS)
    assert list(sums) == ["runs_fake_mnist.nc", "runs_other.nc"] and sums["runs_other.nc"] == "0123"
    assert load_runs("fake", task="mnist", folder=tmp_path)["loss"].size  # which holds the file against its sum


def test_losses_keep_twelve_bits_and_stay_finite():
    losses = np.array([1 / 3, 2.5, 1e-20, 0, np.finfo("float32").max / 2, np.inf], "float32")
    rounded = store.round_loss(losses)
    assert np.allclose(rounded, losses, rtol=2**-12, atol=0)
    assert not (rounded.view("uint32") & 0x7FF).any()
    assert np.isnan(store.round_loss(np.array([np.nan], "float32"))).all()


@pytest.mark.parametrize("name", sweeps.SWEEPS)
def test_a_sweep_is_a_grid_that_fits_its_images(name):
    sweep = sweeps.SWEEPS[name]
    for setting in sweep.settings():
        images, batch_size, epochs, every = sweep.duration(setting)
        assert batch_size <= images and epochs % every == 0
        points = next(iter(sweep.points.values()))
        assert len(points) == epochs // every
        assert not sweep.steps or epochs * (images // batch_size) == sweep.steps == points[-1]
    assert all(len(set(values)) == len(values) for values in sweep.axes.values())


def small_blocks(name):
    return json.loads(with_jax.run("train_small_blocks.py", name).splitlines()[-1])


@with_jax.needed
@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["optimizers", "schedules", "penalties", "initializations", "normalizations", "scaling", "batches"]
)
def test_networks_side_by_side_learn_as_each_does_alone_in_keras(name):
    (loss, accuracy), networks = small_blocks(name)
    assert networks and loss < 1e-4 and accuracy < 1e-6


@with_jax.needed
def test_a_gain_sets_the_deviation_of_the_hidden_weights_alone():
    (small, large) = small_blocks("deviations")
    assert small[:2] == pytest.approx([0.5, 0.5], rel=0.02) and large[:2] == pytest.approx([4, 4], rel=0.02)
    assert small[2] == large[2]


@with_jax.needed
def test_dropout_makes_the_training_loss_larger():
    without, dropped = small_blocks("dropped")
    assert dropped > without + 0.05
