"""The live lab without a browser: what happens to trainings, and what is refused."""

import io
import re
import threading
import time
import types

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nbhelpers.data import load_mnist, load_runs
from nbhelpers.widgets import live_lab
from nbhelpers.widgets.lab import DEFAULTS, curves, training

CONTROLS = ["hidden_layers", "units", "learning_rate", "batch_norm", "epochs", "training_images"]


@pytest.fixture(scope="module")
def images():
    return load_mnist("train", n=1000), load_mnist("valid", n=500)


@pytest.fixture
def lab(images):
    made = live_lab(*images, controls=[*CONTROLS, "schedule"], units=16, epochs=2)
    yield made
    made.stop()


def finish(lab, *, guess=None, **settings):
    lab.set(**settings)
    lab.train(guess)
    lab.wait()
    return lab.runs[-1]


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def test_a_training_has_a_history_a_model_and_a_row(lab, images):
    run = finish(lab, guess=0.5)
    assert run.status == "finished"
    history = run.history
    assert history["epoch"][0] == 0 and history["epoch"][-1] == 2
    assert history["epoch"] == sorted(history["epoch"])
    accuracy = (lab.model(images[1][0]).numpy().argmax(axis=1) == images[1][1]).mean()
    assert (run.train, run.valid) == (None, None), "a run keeps no images"
    row = lab.table().iloc[-1]
    assert row["val_accuracy"] == pytest.approx(accuracy) == history["val_accuracy"][-1]
    assert row["off_by"] == pytest.approx(0.5 - accuracy)
    loss, scored = lab.model.evaluate(*images[1], verbose=0)
    assert (loss, scored) == pytest.approx((history["val_loss"][-1], history["val_accuracy"][-1]), abs=1e-5)
    assert "You guessed 0.5" in lab.note and not lab.training


def test_the_same_settings_and_seed_give_the_same_network_also_beside_another_training(lab, images):
    first = finish(lab)
    other = live_lab(*images, controls=CONTROLS, units=64, seed=3)
    other.train()
    second = finish(lab)
    other.stop()
    assert (first.history["loss"][-1], first.history["val_loss"][-1]) == (
        second.history["loss"][-1],
        second.history["val_loss"][-1],
    )
    lab.set(seed=1)
    assert finish(lab).history["val_loss"][-1] != first.history["val_loss"][-1]


def test_a_guess_is_compared_with_the_last_epoch_only(lab):
    lab.set(epochs=30, units=256)
    lab.train(0.9)
    wait_until(lambda: lab.runs[0].history["epoch"])
    lab.stop()
    assert "guessed" not in lab.note
    assert lab.table()["off_by"].isna().all() and lab.table()["guess"].tolist() == [0.9]


def test_stop_is_answered_at_once_and_the_run_stays(lab):
    # Preparing so deep a network takes seconds, which TensorFlow does not interrupt.
    lab.set(hidden_layers=8, units=512, batch_norm="before", epochs=30)
    for place, pause in enumerate((0, 0.4, 0.8)):
        lab.train()
        time.sleep(pause)
        start = time.monotonic()
        lab.stop()
        assert time.monotonic() - start < 5, "far above the half second that is wanted, since tests share the cores"
        assert lab.runs[place].status == "stopped"
        assert not lab.training
    run = finish(lab, hidden_layers=1, units=8, epochs=1, batch_norm="none")
    assert [r.status for r in lab.runs] == ["stopped"] * 3 + ["finished"]
    assert run.model is lab.model


def test_a_stopped_thread_that_ends_later_is_not_heard(lab, monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(training.Training, "add_point", lambda *_: release.wait(20))
    lab.train()
    lab.stop()
    monkeypatch.undo()
    run = finish(lab, epochs=1)
    release.set()
    lab.runs[0].join(10)
    assert [r.status for r in lab.runs] == ["stopped", "finished"]
    assert lab.model is run.model and not lab.training and not lab.problem


def test_an_exception_in_the_thread_is_shown_and_kept(lab):
    run = finish(lab, schedule="cosine", epochs=1, training_images=500)
    assert run.status == "failed"
    assert "at least 10" in lab.problem and "ValueError" in lab.table()["problem"].iloc[0]
    assert finish(lab, schedule="constant").status == "finished"
    assert lab.problem == ""


def test_a_loss_that_is_not_finite_ends_the_run(images):
    settings = {"activation": "linear", "optimizer": "momentum", "learning_rate": 10.0, "hidden_layers": 8}
    lab = live_lab(*images, controls=["units"], **settings)
    run = finish(lab)
    assert run.status == "diverged"
    assert "The loss is not finite" in lab.note
    assert all(np.isfinite(run.history["val_loss"]))


def test_messages_of_the_browser_are_answered_with_settings_or_a_problem(lab):
    index = list(lab.index)
    index[1] = 0
    lab._receive(lab, {"do": "train", "index": index, "guess": 0.3}, [])
    assert lab.settings["units"] == 1
    lab._receive(lab, {"do": "train", "index": index, "guess": 0.3}, [])
    assert "under way" in lab.problem
    lab._receive(lab, {"do": "stop"}, [])
    shown = []
    lab.observe(lambda change: shown.append(change.new), "problem")
    for _ in range(2):
        lab._receive(lab, {"do": "train", "index": index, "guess": 7}, [])
        assert "from 0 to 1" in lab.problem
    assert len(shown) == 3, "the second refusal, too, is news to the browser"
    lab._receive(lab, {"do": "train", "index": [99] * len(index), "guess": None}, [])
    assert "IndexError" in lab.problem or "range" in lab.problem
    assert len(lab.runs) == 1 and not lab.training


@pytest.fixture
def run_cell(monkeypatch, images):
    """Run a cell with so many labs, as JupyterLab would; return them."""
    count = iter(range(1, 99))

    def run(cell, *, labs=1, **settings):
        parent = {"metadata": {"cellId": cell}}
        shell = types.SimpleNamespace(get_parent=lambda: parent, execution_count=next(count))
        monkeypatch.setattr("IPython.get_ipython", lambda: shell)
        return [live_lab(*images, controls=CONTROLS, **settings) for _ in range(labs)]

    return run


def test_the_cell_run_again_stops_the_training_and_keeps_the_runs(run_cell):
    (old,) = run_cell("a cell", epochs=30)
    old.train()
    wait_until(lambda: old.runs[0].history["epoch"])
    (new,) = run_cell("a cell")
    assert [run.status for run in new.runs] == ["stopped"]
    assert new.model is old.runs[0].model and "Run 1 stopped" in new.note
    finish(new, epochs=1)
    assert new.table()["run"].tolist() == [1, 2]
    (other,) = run_cell("another cell")
    assert other.runs == []


def test_two_labs_of_one_cell_stay_two(run_cell):
    one, two = run_cell("a cell of two", labs=2, epochs=1, units=1)
    finish(two)
    assert (len(one.runs), len(two.runs)) == (0, 1)
    one, two = run_cell("a cell of two", labs=2)
    assert (len(one.runs), len(two.runs)) == (0, 1)


def test_an_interrupt_while_waiting_stops_the_training_and_keeps_it(lab, monkeypatch):
    lab.set(epochs=30, units=512)
    lab.train()
    run = lab.runs[0]
    wait_until(lambda: run.history["epoch"])
    join = run.join
    monkeypatch.setattr(
        run, "join", lambda seconds=None: monkeypatch.undo() or (_ for _ in ()).throw(KeyboardInterrupt)
    )
    with pytest.raises(KeyboardInterrupt):
        lab.wait()
    join(10)
    assert run.status == "stopped" and not lab.training


def test_the_recorded_band_belongs_to_the_settings():
    runs = load_runs()
    band = curves.recorded_history(runs, DEFAULTS | {"hidden_layers": 2, "epochs": 8})
    chosen = {"hidden_layers": 2, "units": 64, "activation": "relu", "batch_norm": False, "optimizer": "adam"}
    expected = runs.sel(chosen | {"learning_rate": 0.001, "dropout": 0.0}).sel(epoch=slice(8))
    assert band.identical(expected)
    for other in ({"units": 512}, {"l2": 0.1}, {"schedule": "step"}, {"batch_norm": "after"}, {"training_images": 500}):
        assert curves.recorded_history(runs, DEFAULTS | other) is None, other
    assert curves.recorded_history(None, DEFAULTS) is None


def test_pictures_hold_no_pyplot_state_and_redraw_earlier_runs(lab):
    figures = plt.get_fignums()
    for _ in range(2):
        finish(lab, epochs=1)
    before = lab.picture
    lab.drawn = [1]
    assert lab.picture != before
    assert plt.get_fignums() == figures
    data, metadata = lab._repr_mimebundle_()
    assert "Run the cell to set hidden layers, units" in data["text/plain"] == metadata["image/png"]["alt"]
    assert Image.open(io.BytesIO(lab.picture)).width > 600


def test_recorded_runs_are_drawn_into_the_stored_picture_but_not_before_a_training():
    train, valid = load_mnist("train", n=500), load_mnist("valid")
    with_band, without = (
        live_lab(train, valid, controls=["units"], recorded=r, training_images=500) for r in (load_runs(), None)
    )
    assert with_band.picture == without.picture
    assert with_band.stored()[0] == without.stored()[0], "five hundred images are not those of the recorded runs"
    train = load_mnist("train", n=10_000)
    assert live_lab(train, valid, controls=["units"], recorded=load_runs()).stored()[0] != without.stored()[0]


def test_the_table_saved_by_the_browser_is_the_table(lab):
    finish(lab, guess=0.25)
    saved = pd.read_csv(io.StringIO(lab.csv), keep_default_na=False, na_values=[""])
    assert saved["guess"].tolist() == [0.25]
    assert set(DEFAULTS) < set(saved.columns)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"controls": []}, "controls must name"),
        ({"controls": "units"}, "controls must name"),
        ({"controls": ["width"]}, "Unknown hyperparameter 'width'. Choose from: hidden_layers, units"),
        ({"controls": ["units"], "rate": 1}, "Unknown hyperparameter 'rate'"),
        ({"controls": ["units"], "units": 3}, "units cannot be 3 here; its options are: 1, 2, 4"),
        ({"controls": ["units"], "learning_rate": 0.0}, "learning_rate cannot be 0.0"),
        ({"controls": ["units"], "train": (np.zeros((5, 784)), np.zeros(5))}, re.escape("(5, 784)")),
        ({"controls": ["units"], "train": (np.zeros((5, 28, 28)), np.zeros(4))}, "labels"),
    ],
)
def test_bad_arguments_are_named(images, change, message):
    arguments = {"train": images[0], "valid": images[1]} | change
    with pytest.raises(ValueError, match=message):
        live_lab(**arguments)


def test_bad_settings_and_guesses_are_named(lab):
    with pytest.raises(ValueError, match="no control 'dropout'"):
        lab.set(dropout=0.5)
    with pytest.raises(ValueError, match="units cannot be 0"):
        lab.set(units=0)
    with pytest.raises(ValueError, match="from 0 to 1"):
        lab.train("much")
    assert lab.model is None and lab.table().empty


def test_the_default_settings_are_those_of_the_recorder():
    """Else the band would belong to other networks than the live ones."""
    attributes = load_runs().attrs
    assert attributes["batch_size"] == DEFAULTS["batch_size"]
    assert attributes["images"] == DEFAULTS["training_images"]
