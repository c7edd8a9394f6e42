"""The search that notebook 10 teaches, killed at twenty random moments, loses no finished trial."""

import multiprocessing
import random
import time
from pathlib import Path

import nbformat
import optuna
import pytest

from tests.runs.search_program import run_program

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "10_search_on_many_machines.ipynb"
KILLS = 20
# Each process is forked from one that has loaded Optuna: it starts in milliseconds.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.runs.search_program"])
# In place of a training: it takes a moment, and its score follows from its parameters.
STUB = """
import time


def prepare():
    pass


def suggest(trial):
    return {"x": trial.suggest_float("x", 0, 1), "n": trial.suggest_int("n", 1, 9)}


def train(x, n):
    time.sleep(0.3)
    return x + n
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with the notebook's own program, and the stub in place of its training."""
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    (program,) = [c.source for c in cells if c.source.startswith("%%writefile search.py")]
    (tmp_path / "search.py").write_text(program.split("\n", 1)[1], encoding="utf-8")
    (tmp_path / "digits.py").write_text(STUB, encoding="utf-8")
    return tmp_path


def start(folder, trials):
    process = CONTEXT.Process(target=run_program, args=(folder, "search.py", "sqlite:///study.db", str(trials)))
    process.start()
    return process


def complete(study):
    return {t.number: (t.params, t.value) for t in study.trials if t.state.name == "COMPLETE"}


def test_killed_at_twenty_random_moments_it_loses_nothing(folder):
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(study_name="digits", storage=f"sqlite:///{folder / 'study.db'}", direction="maximize")
    rng, kept = random.Random(0), {}
    for _ in range(KILLS):
        process = start(folder, 1000)
        started = len(study.trials)
        while len(study.trials) == started:  # until it has begun with a trial
            assert process.is_alive()
            time.sleep(0.02)
        time.sleep(rng.uniform(0, 1))
        process.kill()
        process.join()
        now = complete(study)
        assert kept.items() <= now.items(), "a finished trial was lost or changed"
        kept = now
    time.sleep(6)  # the grace period of the last one
    wanted = len(kept) + KILLS  # more than enough to retry what was interrupted
    last = start(folder, wanted)
    last.join()
    assert last.exitcode == 0
    now = complete(study)
    assert kept.items() <= now.items() and len(now) >= wanted
    assert all(value == params["x"] + params["n"] for params, value in now.values())
    unfinished = [t.params for t in study.trials if t.state.name in ("FAIL", "RUNNING")]
    interrupted = [params for params in unfinished if params]  # else it was killed before it had suggested anything
    assert len(interrupted) > KILLS // 2, "it was hardly killed during a training, so little was tested"
    lost = [p for p in interrupted if not any(p.items() <= again.items() for again, _ in now.values())]
    # The notebook says so: a kill before the first heartbeat, or while a restart puts a trial back, loses the retry.
    assert len(lost) <= 3, "interrupted trials were not trained again"
