"""The search that notebook 10 teaches, killed twenty times, loses no finished trial and trains interrupted ones again.

When it is killed follows from what it has written, never from the time, so that a busy machine changes nothing.
"""

import importlib
import multiprocessing
import os
import random
import subprocess
import sys
import time
import uuid
from collections import Counter
from pathlib import Path

import nbformat
import optuna
import pytest

from tests import forked_kernels
from tests.runs.search_program import run_program

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "10_search_on_many_machines.ipynb"
KILLS_IN_TRAINING, KILLS_AT_ANY_MOMENT = 15, 5
# Each process is forked from one that has loaded Optuna: it starts in milliseconds. Windows has no fork.
FORKS = "forkserver" in multiprocessing.get_all_start_methods()
CONTEXT = multiprocessing.get_context("forkserver" if FORKS else "spawn")
if FORKS:
    forked_kernels.preload("tests.runs.search_program")
# In place of a training: it takes a ticket, waits until there is one, and its score follows from its parameters.
STUB = """
import os
import time

from optuna.distributions import FloatDistribution, IntDistribution

SPACE = {"x": FloatDistribution(0, 1), "n": IntDistribution(1, 9)}


def train(x, n):
    if x == 0.5:
        os._exit(1)
    while not os.listdir("tickets"):
        time.sleep(0.01)
    os.unlink(os.path.join("tickets", os.listdir("tickets")[0]))
    return x + n
"""


class Search:
    """The notebook's own programs in a folder, with the stub in place of its training."""

    def __init__(self, cells):
        for name in ("search.py", "restart.py"):
            (program,) = [cell for cell in cells if cell.startswith(f"%%writefile {name}\n")]
            Path(name).write_text(program.split("\n", 1)[1], encoding="utf-8")
        Path("digits.py").write_text(STUB, encoding="utf-8")
        Path("tickets").mkdir()
        (start,) = [cell for cell in cells if "def start(" in cell]
        names = {"Path": Path, "os": os}
        exec(start, names)
        self.start, self.study = names["start"], importlib.import_module("search").open_study()

    def in_state(self, state):
        return {t.number: (t.params, t.value) for t in self.study.trials if t.state.name == state}

    def in_training(self):
        return {number: params for number, (params, _) in self.in_state("RUNNING").items() if len(params) == 2}

    def kill(self, process, kept):
        """Kill the search; return what is finished now, in which all that was finished before must be."""
        process.kill()
        process.join()
        now = self.in_state("COMPLETE")
        assert kept.items() <= now.items(), "a finished trial was lost or changed"
        return now

    def finish(self, trials):
        """Let the search go on until so many trials are complete; return them."""
        hand_out(trials)
        (last,) = self.start(trials)
        last.join()
        assert last.exitcode == 0
        now = self.in_state("COMPLETE")
        assert len(now) >= trials
        assert all(value == params["x"] + params["n"] for params, value in now.values())
        return now


@pytest.fixture
def search(tmp_path, monkeypatch):
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(subprocess, "Popen", lambda command, **_: forked(tmp_path, command[1:]))
    yield Search([cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells])
    for name in ("search", "restart", "digits"):
        sys.modules.pop(name, None)


def forked(folder, arguments):
    process = CONTEXT.Process(target=run_program, args=(folder, *arguments))
    process.start()
    return process


def hand_out(tickets):
    """Leave so many tickets, whatever the last process has left."""
    for left in Path("tickets").iterdir():
        left.unlink()
    for _ in range(tickets):
        (Path("tickets") / uuid.uuid4().hex).touch()


def wait_until(condition, process):
    while not condition():
        assert process.is_alive(), "the search ended by itself"
        time.sleep(0.02)


def test_killed_in_a_training_it_loses_nothing_and_trains_it_again(search):
    rng, kept, interrupted = random.Random(0), {}, []
    for _ in range(KILLS_IN_TRAINING):
        tickets = rng.randint(0, 2)
        hand_out(tickets)
        (process,), wanted = search.start(1000), len(kept) + tickets
        wait_until(lambda n=wanted: len(search.in_state("COMPLETE")) == n and search.in_training(), process)
        interrupted.append(str(*search.in_training().values()))
        kept = search.kill(process, kept)
    now = search.finish(len(kept) + KILLS_IN_TRAINING)
    assert kept.items() <= now.items()
    left_out = set(interrupted) - {str(params) for params, _ in now.values()}
    # A configuration is put back twice: who is killed three times in it does not see it again.
    assert left_out == {params for params, times in Counter(interrupted).items() if times == 3}
    assert len(left_out) < 5


def test_killed_at_any_moment_it_loses_nothing_that_was_finished(search):
    rng, kept = random.Random(0), {}
    for _ in range(KILLS_AT_ANY_MOMENT):
        hand_out(rng.randint(1, 3))
        (process,), started = search.start(1000), len(search.study.trials)
        wait_until(lambda n=started: len(search.study.trials) > n, process)
        time.sleep(rng.uniform(0, 0.3))
        kept = search.kill(process, kept)
    assert kept.items() <= search.finish(len(kept) + 5).items()


def test_a_configuration_that_kills_its_process_comes_three_times_and_no_more(search):
    search.study.enqueue_trial({"x": 0.5, "n": 1})
    for _ in range(3):
        (process,) = search.start(4)
        process.join()
        assert process.exitcode == 1
    assert len(search.finish(4)) == 4
    states = [trial.state.name for trial in search.study.trials if trial.params["x"] == 0.5]
    assert states == ["FAIL"] * 3


def test_a_line_that_was_not_written_to_its_end_is_removed(search):
    kept = search.finish(3)
    with Path("search.log").open("ab") as journal:
        journal.write(b'{"op_code": 4, "worker_id": "1')
    assert kept.items() <= search.finish(5).items()


def test_another_space_in_the_same_folder_is_refused_in_a_sentence(search):
    kept = search.finish(2)
    program, digits = (importlib.import_module(name) for name in ("search", "digits"))
    program.SPACE = digits.SPACE | {"n": optuna.distributions.IntDistribution(1, 5)}
    with pytest.raises(SystemExit, match="holds a search of another space. Choose another folder"):
        program.open_study()
    assert search.in_state("COMPLETE") == kept
