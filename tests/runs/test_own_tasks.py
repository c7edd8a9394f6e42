"""What notebook 13 finds on other data sets: the recorder runs the notebook's own cells."""

import numpy as np
import pytest

from nbhelpers.data import load_own_tasks
from recorders import own_tasks


def fake_run(task, cut, *, trials=20):
    row = np.arange(4.0) + cut + 10 * own_tasks.TASKS.index(task)
    whole = {"in_search": np.array(0.9), "again": np.array(0.8), "locked": np.array(30)}
    return {**dict.fromkeys(("score", "deviation", "difference", "margin"), row), **whole}


def test_the_cells_are_the_notebooks_with_another_source_and_cut(tmp_path):
    code = "\n".join(own_tasks.cells("mine.csv", "outcome", folder=tmp_path, cut=3))
    assert "SOURCE, TARGET, KIND = 'mine.csv', 'outcome', None" in code
    assert "task.cut(share=0.2, seed=3)" in code
    assert "def fit(settings, fit_on, rows" in code and "measured = {" in code
    assert "load_breast_cancer" not in code and "guesses.ask" not in code and "write_page" not in code


@pytest.mark.parametrize("task", own_tasks.TASKS)
def test_each_source_passes_the_door(task, tmp_path):
    from nbhelpers.task import open_task

    source, target = own_tasks.write_source(task, tmp_path)
    opened = open_task(source, target=target)
    assert (opened.classes is None) == (task == "diabetes")


def test_runs_are_joined_by_task_and_cut(tmp_path, monkeypatch):
    monkeypatch.setattr(
        own_tasks,
        "fill",
        lambda blocks, record, processes: map(
            lambda pair: record(*pair), [(path, *block) for path, block in blocks.items()]
        ),
    )
    monkeypatch.setattr(own_tasks, "run", fake_run)
    (tmp_path / "parts" / "own_tasks").mkdir(parents=True)
    (path,) = own_tasks.record(folder=tmp_path)
    runs = load_own_tasks(folder=tmp_path)
    assert path.name == "own_tasks.nc"
    assert runs.score.dims == ("task", "cut", "model")
    assert runs.score.sel(task="wine", cut=2).values.tolist() == [12, 13, 14, 15]
    assert runs.locked.sel(task="mnist1d", cut=4) == 30


def test_the_recorded_file_is_whole():
    runs = load_own_tasks()
    assert list(runs.task.values) == list(own_tasks.TASKS)
    assert list(runs.model.values) == list(own_tasks.MODELS)
    assert all(np.isfinite(values).all() for values in runs.data_vars.values())
    assert (runs.difference.sel(model="network") == 0).all()
    floors = runs.score.sel(model="floor").mean("cut")
    assert abs(floors.sel(task="diabetes")) < 0.1 and abs(floors.sel(task="mnist1d") - 0.1) < 0.02


def test_the_notebook_runs_as_it_stands_on_a_quantity():
    """Classes are what the notebook itself runs on."""
    found = own_tasks.run("diabetes", 0, trials=1)
    network, *_, floor = found["score"]
    assert network > 0.1 > abs(floor) and found["locked"] == 89
