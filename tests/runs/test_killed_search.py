"""The search that notebook 10 teaches, killed twenty times, loses no finished trial and trains interrupted ones again.

When it is killed follows from what it has written, never from the time, so that a busy machine changes nothing.
"""

import contextlib
import multiprocessing
import random
import sqlite3
import time
import uuid
from pathlib import Path

import nbformat
import optuna
import pytest

from tests.runs.search_program import run_program

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "10_search_on_many_machines.ipynb"
KILLS_IN_TRAINING, KILLS_AT_ANY_MOMENT = 15, 5
# Each process is forked from one that has loaded Optuna: it starts in milliseconds.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.runs.search_program"])
# In place of a training: it takes a ticket, waits until there is one, and its score follows from its parameters.
STUB = """
import os
import time


def prepare():
    pass


def suggest(trial):
    return {"x": trial.suggest_float("x", 0, 1), "n": trial.suggest_int("n", 1, 9)}


def train(x, n):
    while not os.listdir("tickets"):
        time.sleep(0.01)
    os.unlink(os.path.join("tickets", os.listdir("tickets")[0]))
    return x + n
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with the notebook's own program, and the stub in place of its training."""
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    (program,) = [c.source for c in cells if c.source.startswith("%%writefile search.py")]
    (tmp_path / "search.py").write_text(program.split("\n", 1)[1], encoding="utf-8")
    (tmp_path / "digits.py").write_text(STUB, encoding="utf-8")
    (tmp_path / "tickets").mkdir()
    return tmp_path


def start(folder, trials):
    process = CONTEXT.Process(target=run_program, args=(folder, "search.py", "sqlite:///study.db", str(trials)))
    process.start()
    return process


def complete(study):
    return {t.number: (t.params, t.value) for t in study.trials if t.state.name == "COMPLETE"}


def hand_out(folder, tickets):
    """Leave so many tickets, whatever the last process has left."""
    for left in (folder / "tickets").iterdir():
        left.unlink()
    for _ in range(tickets):
        (folder / "tickets" / uuid.uuid4().hex).touch()


def wait_until(condition, process):
    while not condition():
        assert process.is_alive(), "the search ended by itself"
        time.sleep(0.02)


def in_training(study, folder):
    """The numbers of the trials that have their configuration and a heartbeat."""
    with contextlib.closing(sqlite3.connect(folder / "study.db", timeout=60)) as database:
        query = "SELECT number FROM trials JOIN trial_heartbeats USING (trial_id) WHERE state = 'RUNNING'"
        beating = {number for (number,) in database.execute(query)}
    return {t.number for t in study.trials if t.state.name == "RUNNING" and len(t.params) == 2} & beating


@pytest.fixture
def study(folder):
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna.create_study(study_name="digits", storage=f"sqlite:///{folder / 'study.db'}", direction="maximize")


def kill(process, study, kept):
    """Kill the search; return what is finished now, in which all that was finished before must be."""
    process.kill()
    process.join()
    now = complete(study)
    assert kept.items() <= now.items(), "a finished trial was lost or changed"
    return now


def finish(folder, study, trials):
    """Let the search go on until so many trials are complete; return them."""
    time.sleep(6)  # the grace period of the last one that was killed
    hand_out(folder, trials)
    last = start(folder, trials)
    last.join()
    assert last.exitcode == 0
    now = complete(study)
    assert len(now) >= trials
    assert all(value == params["x"] + params["n"] for params, value in now.values())
    return now


def test_killed_in_a_training_it_loses_nothing_and_trains_it_again(folder, study):
    rng, kept, interrupted = random.Random(0), {}, []
    for _ in range(KILLS_IN_TRAINING):
        tickets, before = rng.randint(0, 2), in_training(study, folder)
        hand_out(folder, tickets)
        process, wanted = start(folder, 1000), len(kept) + tickets
        wait_until(lambda n=wanted, b=before: len(complete(study)) == n and in_training(study, folder) - b, process)
        (number,) = in_training(study, folder) - before
        interrupted.append(study.trials[number].params)
        kept = kill(process, study, kept)
    now = finish(folder, study, len(kept) + 2 * KILLS_IN_TRAINING)
    assert kept.items() <= now.items()
    again = [params for params, _ in now.values()]
    assert all(params in again for params in interrupted), "an interrupted trial was not trained again"


def test_killed_at_any_moment_it_loses_nothing_that_was_finished(folder, study):
    # A kill while a restart puts a trial back may lose that one, which the notebook says.
    rng, kept = random.Random(0), {}
    for _ in range(KILLS_AT_ANY_MOMENT):
        hand_out(folder, rng.randint(1, 3))
        process, started = start(folder, 1000), len(study.trials)
        wait_until(lambda n=started: len(study.trials) > n, process)
        time.sleep(rng.uniform(0, 0.3))
        kept = kill(process, study, kept)
    assert kept.items() <= finish(folder, study, len(kept) + 5).items()
