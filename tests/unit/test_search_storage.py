"""Two workers that share a search in a journal are handed each of its queued trials once."""

import multiprocessing
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

TRIALS, WORKERS = 120, 2
NAME = "shared"


def journal(folder):
    path = str(folder / "search.log")
    return JournalStorage(JournalFileBackend(path, lock_obj=JournalFileOpenLock(path)))


def take(storage, folder, worker):
    """Wait for the other worker, then ask for half of the queue; return the numbers that were handed out."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.load_study(study_name=NAME, storage=storage(folder))
    (folder / f"ready {worker}").touch()
    while len(list(folder.glob("ready *"))) < WORKERS:
        time.sleep(0.001)
    return [ask(study) for _ in range(TRIALS // WORKERS)]


def ask(study):
    """Ask, and leave the other worker time to do so."""
    number = study.ask().number
    time.sleep(0.002)
    return number


def hand_out(storage, folder):
    """Let the workers empty the queue, half of it each; return how often each trial was handed out."""
    study = optuna.create_study(study_name=NAME, storage=storage(folder))
    for x in range(TRIALS):
        study.enqueue_trial({"x": x})
    context = multiprocessing.get_context("spawn")  # as on Windows and macOS
    with ProcessPoolExecutor(WORKERS, mp_context=context) as pool:
        taken = pool.map(partial(take, storage, folder), range(WORKERS))
        return Counter(number for numbers in taken for number in numbers)


def test_two_workers_are_handed_each_queued_trial_once(tmp_path):
    """With SQLite in place of the journal, four to ten of the 120 come twice, and as many never."""
    assert hand_out(journal, tmp_path) == dict.fromkeys(range(TRIALS), 1)
