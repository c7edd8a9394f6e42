"""The live lab without a browser: what happens to trainings, and what is refused."""

import gc
import io
import re
import threading
import time
import types

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from PIL import Image

from nbhelpers.data import load_mnist, load_mnist1d, load_runs
from nbhelpers.widgets import live_lab
from nbhelpers.widgets.lab import DEFAULTS, curves, training
from nbhelpers.widgets.lab.tasks import TASKS

LOADERS = {"mnist": load_mnist, "mnist1d": load_mnist1d}
TASK = {task.name: task for task in TASKS}
CONTROLS = ["hidden_layers", "units", "learning_rate", "batch_norm", "epochs", "training_images"]


@pytest.fixture(scope="module")
def images():
    return load_mnist("train", n=1000), load_mnist("valid", n=500)


@pytest.fixture(scope="module")
def signals():
    return load_mnist1d("train", n=1000), load_mnist1d("valid", n=500)


@pytest.fixture(scope="module")
def atlas():
    """The atlas of each task."""
    return {task: load_runs("atlas", task=task) for task in LOADERS}


@pytest.fixture
def lab(images):
    made = live_lab(*images, controls=[*CONTROLS, "schedule"], units=16, epochs=2)
    yield made
    made.stop()


def test_without_a_choice_everything_can_be_set(images):
    assert len(live_lab(*images).controls) == len(DEFAULTS)


def finish(lab, *, guess=None, **settings):
    lab.set(**settings)
    lab.train(guess)
    lab.wait()
    return lab.runs[-1]


def wait_until(condition, seconds=120):
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


def test_a_training_on_signals_has_a_network_of_signals_and_a_row(signals):
    lab = live_lab(*signals, controls=CONTROLS, units=16, epochs=2)
    run = finish(lab, guess=0.5)
    assert (run.status, lab.model.input_shape, lab.problem) == ("finished", (None, 40), "")
    accuracy = (lab.model(signals[1][0]).numpy().argmax(axis=1) == signals[1][1]).mean()
    assert lab.table()["val_accuracy"].tolist() == pytest.approx([accuracy])
    assert lab.table()["training_images"].tolist() == [1000]
    labels = [control["label"] for control in lab.controls]
    assert "training signals" in labels and "training signals" in lab.columns and "training signals" in lab.sentence
    assert not any("image" in text for text in (*labels, *lab.columns, lab.sentence))


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


@pytest.mark.parametrize(
    ("owner", "name"), [(training, "build_mlp"), (training.Training, "score"), (keras.Sequential, "fit")]
)
def test_stop_is_answered_while_the_thread_is_busy_and_the_thread_then_trains_no_further(lab, monkeypatch, owner, name):
    busy, release, original = threading.Event(), threading.Event(), getattr(owner, name)

    def slow(*args, **kwargs):
        busy.set()
        assert release.wait(120)
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, slow)
    lab.train()
    assert busy.wait(120)
    lab.stop()
    (run,) = lab.runs
    assert run.is_alive(), "the stop did not wait for the thread"
    assert (run.status, lab.training) == ("stopped", False)
    release.set()
    run.join(120)
    assert not run.is_alive() and run.epoch < run.settings["epochs"]
    monkeypatch.undo()
    assert finish(lab, epochs=1).model is lab.model
    assert [r.status for r in lab.runs] == ["stopped", "finished"]


def test_a_closed_lab_stops_its_training(images):
    lab = live_lab(*images, controls=["units"], epochs=30)
    lab.train()
    lab.close()
    lab.runs[0].join(120)
    assert lab.runs[0].status == "stopped" and not lab.runs[0].is_alive()


def in_time(call):
    """Call in a thread of its own, so that a test of what must not freeze fails rather than freezes."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(120)
    assert not thread.is_alive(), "it froze"


def test_who_observes_the_end_of_a_training_may_start_the_next(lab):
    def train_next(change):
        if not change.new and len(lab.runs) < 3:
            lab.set(units=[16, 8, 4][len(lab.runs)])
            lab.train()

    lab.observe(train_next, "training")
    lab.set(epochs=1)
    in_time(lambda: (lab.train(), lab.wait()))
    assert [(run.status, run.settings["units"]) for run in lab.runs] == [("finished", n) for n in (16, 8, 4)]
    assert not lab.training and "Run 3 finished" in lab.note and len(lab.rows) == 3 and "run 3" in lab.alt


@pytest.mark.parametrize("trait", ["progress", "reached", "note", "rows", "csv", "picture", "alt", "problem"])
def test_who_observes_a_trait_may_call_any_method(lab, trait):
    def call_all(change):
        lab.refresh()
        lab.stop()
        lab.set(seed=1)
        if len(lab.runs) < 2:
            lab.train()
        lab.wait()

    lab.observe(call_all, trait)
    lab.set(epochs=1)
    in_time(lambda: (lab.train(), lab._report_problem("as after a failure"), lab.wait()))
    assert not lab.training and len(lab.rows) == len(lab.runs) == 2


def test_an_observer_that_fails_is_named_and_harms_no_training(lab):
    def fail(change):
        raise KeyError("mine")

    for trait in ("training", "progress", "picture"):
        lab.observe(fail, trait)
    run = finish(lab, epochs=1)
    assert run.status == "finished" and not lab.training and "Run 1 finished" in lab.note
    assert lab.problem == "KeyError: 'mine'"


def test_a_call_returns_when_the_lab_shows_what_it_did_also_from_many_threads(lab):
    def use():
        for _ in range(3):
            try:
                lab.train()
            except RuntimeError:  # another thread's training is under way
                lab.stop()

    threads = [threading.Thread(target=use) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    lab.stop()
    assert not lab.training and len(lab.rows) == len(lab.runs)
    lab.train()
    assert lab.training and lab.note == f"Run {len(lab.runs)} is in training."


def test_a_run_keeps_its_weights_and_nothing_of_its_optimizer(lab):
    def variables():
        gc.collect()
        kind = type(tf.constant(0))
        return sum(isinstance(o, kind) and o.dtype == tf.resource for o in gc.get_objects())

    finish(lab, epochs=1)
    before = variables()
    finish(lab)
    # Step count and rate of a new optimizer, sum and count of the loss.
    assert variables() - before <= len(lab.model.weights) + 4


def test_the_network_of_a_run_can_be_trained_further_and_saved(lab, images, tmp_path):
    finish(lab, learning_rate=1e-4, schedule="cosine", training_images=1000)
    before = lab.model.get_weights()[0]
    lab.model.save(tmp_path / "network.keras")
    assert np.array_equal(keras.models.load_model(tmp_path / "network.keras").get_weights()[0], before)
    assert lab.model.optimizer.get_config()["learning_rate"]["config"]["initial_learning_rate"] == pytest.approx(1e-4)
    lab.model.fit(*images[0], verbose=0)
    assert not np.array_equal(lab.model.get_weights()[0], before)


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


def test_a_loss_that_is_not_finite_is_seen_after_its_step():
    watch = training._Watch(types.SimpleNamespace(watch=lambda *_: None))
    watch.set_params({"steps": 8})
    watch.on_epoch_begin(0)
    for loss in (np.nan, np.inf):
        for batch in (3, 7):
            with pytest.raises(training.DivergedError):
                watch.on_train_batch_end(batch, {"loss": loss})


def test_a_validation_loss_that_is_not_finite_ends_the_run(lab, monkeypatch):
    monkeypatch.setattr(training.Training, "score", lambda *_: (np.nan, 0.1))
    assert finish(lab, epochs=1).status == "diverged"


@pytest.fixture
def say(lab, monkeypatch):
    """Return a function that says to the lab what the page says, and returns the problem in its answer."""
    answers = []
    monkeypatch.setattr(type(lab), "send", lambda self, content, buffers=None: answers.append(content))

    def say(**message):
        lab._answer(lab, {**message, "number": "1"}, [])
        assert answers[-1]["answered"] == "1"
        return answers[-1]["problem"]

    return say


def test_messages_of_the_page_are_answered_with_settings_or_a_problem(lab, say):
    index = list(lab.index)
    index[1] = 0
    assert say(do="train", index=index, guess=0.3) == ""
    assert lab.settings["units"] == 1
    assert "under way" in say(do="train", index=index, guess=0.3)
    assert say(do="stop") == ""
    assert "from 0 to 1" in say(do="train", index=index, guess=7)
    index[1] = 2
    assert say(do="set", index=index) == "" and lab.settings["units"] == 4
    for wrong in ([99] * len(index), index[1:], [-1] * len(index)):
        assert "position" in say(do="set", index=wrong)
    assert lab.settings["units"] == 4
    assert len(lab.runs) == 1 and not lab.training and lab.problem == ""


def test_the_page_chooses_which_runs_are_drawn(lab, say):
    for _ in range(2):
        finish(lab, epochs=1)
    assert say(do="draw", runs=[1]) == ""
    assert lab.drawn == [1] and "beside it run 1" in lab.alt


@pytest.fixture
def run_cell(monkeypatch, images):
    """Run a cell with so many labs, as JupyterLab would; return them."""
    count = iter(range(1, 99))

    def run(cell, *, labs=1, data=images, **settings):
        parent = {"metadata": {"cellId": cell}}
        shell = types.SimpleNamespace(get_parent=lambda: parent, execution_count=next(count))
        monkeypatch.setattr("IPython.get_ipython", lambda: shell)
        return [live_lab(*data, controls=CONTROLS, **settings) for _ in range(labs)]

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


def test_the_cell_run_again_with_the_other_task_stops_the_training_and_starts_anew(run_cell, signals):
    (old,) = run_cell("a cell", epochs=30)
    old.train()
    wait_until(lambda: old.runs[0].history["epoch"])
    (new,) = run_cell("a cell", data=signals)
    assert (old.runs[0].status, new.runs, new.rows, new.model) == ("stopped", [], [], None)
    assert finish(new, epochs=1).number == 1 and new.model.input_shape == (None, 40)


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
    runs = load_runs(task="mnist")
    band = curves.recorded_history(runs, DEFAULTS | {"hidden_layers": 2, "epochs": 8})
    chosen = {"hidden_layers": 2, "units": 64, "activation": "relu", "batch_norm": False, "optimizer": "adam"}
    expected = runs.sel(chosen | {"learning_rate": 0.001, "dropout": 0.0}).sel(epoch=slice(8))
    assert band.identical(expected)
    for other in ({"units": 512}, {"l2": 0.1}, {"schedule": "step"}, {"batch_norm": "after"}, {"training_images": 500}):
        assert curves.recorded_history(runs, DEFAULTS | other) is None, other
    assert curves.recorded_history(None, DEFAULTS) is None


RECORDED = {  # of each task, epochs of the first, second and last score, and settings that were not recorded
    "mnist": ([1, 2, 27], [{"batch_size": 100}, {"training_images": 5000}]),
    "mnist1d": ([2, 4, 54], [{"batch_size": 125}, {"training_images": 2000}, {"epochs": 1}]),
}


@pytest.mark.parametrize("task", LOADERS)
def test_the_band_of_either_task_has_the_epochs_that_were_recorded(atlas, task):
    (first, second, last), others = RECORDED[task]
    settings = TASK[task].defaults | {"epochs": last, "units": 128, "learning_rate": 31.6, "seed": 7}
    band = curves.recorded_history(atlas[task], settings)
    chosen = {"hidden_layers": 1, "activation": "relu", "batch_norm": False, "optimizer": "adam", "dropout": 0.0}
    assert band.identical(atlas[task].sel(chosen | {"units": 128, "learning_rate": 31.6}))
    assert band.epoch.values[[0, 1, -1]].tolist() == [first, second, last] and band.sizes["epoch"] == 27
    short = curves.recorded_history(atlas[task], settings | {"epochs": second + 1 if first > 1 else second})
    assert short.epoch.values.tolist() == [first, second]
    too_short = {"schedule": "cosine", "epochs": 1, "batch_size": 1000, "training_images": 500}
    for other in (*others, {"l1": 1e-3}, {"initialization": "he_normal"}, {"schedule": "cosine"}, too_short):
        assert curves.recorded_history(atlas[task], settings | other) is None, other


@pytest.mark.parametrize(
    ("said", "settings"),
    [
        ({"batch_size": 50}, {"batch_size": 50}),
        ({"images": 500}, {"training_images": 500}),
        ({"l2": 0.1}, {"l2": 0.1}),
        ({"kernel_initializer": "he_normal"}, {"initialization": "he_normal"}),
    ],
)
def test_what_recorded_runs_say_of_themselves_comes_before_the_defaults(atlas, said, settings):
    runs, defaults = atlas["mnist1d"].assign_attrs(said), TASK["mnist1d"].defaults
    assert curves.recorded_history(runs, defaults) is None
    assert curves.recorded_history(runs, defaults | settings).sizes["epoch"] == 27


def test_a_recorded_schedule_belongs_to_trainings_of_its_length():
    runs, settings = load_runs("optimizers", task="mnist1d"), TASK["mnist1d"].defaults | {"hidden_layers": 2}
    cosine = settings | {"schedule": "cosine"}
    band = curves.recorded_history(runs, cosine)
    assert band.schedule == "cosine" and band.sizes["epoch"] == 27
    assert curves.recorded_history(runs, cosine | {"epochs": 30}) is None
    assert curves.recorded_history(runs, settings | {"epochs": 30}).epoch[-1] == 30


@pytest.mark.parametrize("task", LOADERS)
def test_at_the_defaults_of_its_task_the_lab_has_a_band_and_its_options_hold_what_was_recorded(atlas, task):
    runs, load = atlas[task], LOADERS[task]
    lab = live_lab(load("train"), load("valid"), controls=["units"], recorded=runs)
    attributes = runs.attrs
    assert lab.settings["batch_size"] == attributes["batch_size"]
    assert lab.settings["training_images"] == attributes["images"]
    assert curves.recorded_history(runs, lab.settings).epoch[-1] == lab.settings["epochs"]
    lab.set(units=128)
    without = live_lab(load("train"), load("valid"), controls=["units"])
    assert lab.fallback()[0] != without.fallback()[0] and lab.picture == without.picture
    options = lab._options
    assert attributes["epochs"] in options["epochs"] and max(options["training_images"]) == len(load("train")[0])
    for name in ("units", "hidden_layers", "activation", "optimizer", "learning_rate", "dropout"):
        assert set(runs[name].values.tolist()) <= set(options[name]), name


def drawn(metric, band, *, run=None):
    """The Axes with this band, and a run before it."""
    return curves.plot_runs(run, metric=metric, band=band, ax=plt.figure().subplots())


@pytest.fixture
def figures():
    yield
    plt.close("all")


@pytest.mark.parametrize("loss", [0.2925, 2.3, 9_000.0, 800_000.0, 3e12])
def test_nothing_sticks_out_of_the_picture_whatever_the_loss(lab, loss):
    """Its margins are fixed, and the numbers beside the axes may be long."""
    plt.style.use("nbhelpers.course")
    values = [loss, 0.99 * loss]
    history = {
        name: values if "loss" in name else [0.9875, 0.9925]
        for name in ("loss", "val_loss", "accuracy", "val_accuracy")
    }
    run = types.SimpleNamespace(number=1, history={"epoch": [1.0, 2.0], **history}, guess=0.9, settings=lab.settings)
    lab._draw([run])
    figure = lab._axes[0].figure
    boxes = [ax.get_tightbbox() for ax in lab._axes]
    assert all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1 for box in boxes)
    assert boxes[0].x1 <= boxes[1].x0


def test_a_band_of_recorded_losses_ends_where_one_is_not_finite(atlas, figures):
    lost = {"hidden_layers": 8, "units": 64, "learning_rate": 10.0, "dropout": 0.5}
    band = curves.recorded_history(atlas["mnist1d"], TASK["mnist1d"].defaults | lost)
    finite = np.isfinite(band.val_loss).all("seed").values
    assert 0 < finite.sum() < len(finite), "else these settings test nothing"
    (line,) = drawn("loss", band).lines
    assert np.isfinite(line.get_ydata()).tolist() == finite.tolist()
    assert np.isfinite(drawn("accuracy", band).lines[0].get_ydata()).all()
    drawn("loss", band.isel(epoch=~finite)).figure.canvas.draw()
    losses = {"loss": [np.nan, 900.0, 14.0, 14.0], "val_loss": [99.0, 50.0, 15.0, 15.0], "epoch": [0, 1, 2, 3]}
    run = types.SimpleNamespace(number=1, guess=None, settings=DEFAULTS, history=losses)
    assert drawn("loss", band, run=run).get_ylim()[1] < 16, "the steep way of the first epoch is left out all the same"


def test_a_single_recorded_epoch_is_drawn_as_a_point_and_the_way_to_it_is_shown(atlas, figures):
    settings = TASK["mnist1d"].defaults | {"epochs": 2}
    band = curves.recorded_history(atlas["mnist1d"], settings)
    losses = {"loss": [np.nan, 2.3, 2.1], "val_loss": [2.8, 2.2, 2.0], "epoch": [0, 1, 2]}
    ax = drawn("loss", band, run=types.SimpleNamespace(number=1, guess=None, settings=settings, history=losses))
    (point,) = ax.containers
    assert point.lines[0].get_marker() == "o" and point.get_label() == "recorded, 5 seeds"
    assert ax.get_ylim()[1] > 2.8


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
        live_lab(train, valid, controls=["units"], recorded=r, training_images=500)
        for r in (load_runs(task="mnist"), None)
    )
    assert with_band.picture == without.picture
    assert with_band.fallback()[0] == without.fallback()[0], "five hundred images are not those of the recorded runs"
    train = load_mnist("train", n=10_000)
    assert (
        live_lab(train, valid, controls=["units"], recorded=load_runs(task="mnist")).fallback()[0]
        != without.fallback()[0]
    )


def test_the_picture_in_words_says_how_far_the_recorded_runs_go(atlas):
    data = load_mnist1d("train"), load_mnist1d("valid")
    lab = live_lab(*data, controls=["units", "epochs"], recorded=atlas["mnist1d"], epochs=3)
    finish(lab, units=8)
    assert lab.alt.endswith("; behind it a band of recorded runs with the same settings, up to epoch 2")
    assert lab.problem == ""
    finish(lab, epochs=1)
    assert "up to 1: " in lab.alt and "band" not in lab.alt


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
        ({"controls": ["units"], "train": (np.zeros((5, 41)), np.zeros(5))}, re.escape("(5, 41), (5,)")),
        (
            {"controls": ["units"], "train": (np.zeros((5, 40)), np.zeros(5))},
            "train holds signals of MNIST-1D, and valid images of MNIST: give both of one task",
        ),
        (
            {"controls": ["units"], "valid": (np.zeros((5, 40)), np.zeros(5))},
            "train holds images of MNIST, and valid signals of MNIST-1D: give both of one task",
        ),
    ],
)
def test_bad_arguments_are_named(images, change, message):
    arguments = {"train": images[0], "valid": images[1]} | change
    with pytest.raises(ValueError, match=message):
        live_lab(**arguments)


@pytest.mark.parametrize(
    ("data", "make_runs", "message"),
    [
        (
            "images",
            lambda: load_runs("shapes", task="mnist1d"),
            "got epoch, learning_rate, seed, shape.",
        ),
        ("images", dict, 'as load_runs("atlas", task="mnist") returns; got dict.'),
        (
            "signals",
            lambda: load_runs(task="mnist").mean("seed"),
            'as load_runs("atlas", task="mnist1d") returns; got activation, ',
        ),
        (
            "signals",
            lambda: load_runs(task="mnist"),
            "The recorded runs are of MNIST, and train holds signals of MNIST-1D: "
            'give load_runs("atlas", task="mnist1d"), or none.',
        ),
        ("signals", lambda: load_runs(task="mnist"), "The recorded runs are of MNIST, and train holds signals"),
        (
            "images",
            lambda: load_runs(task="mnist1d"),
            "The recorded runs are of MNIST-1D, and train holds images of MNIST: "
            'give load_runs("atlas", task="mnist"), or none.',
        ),
    ],
)
def test_recorded_runs_that_do_not_belong_to_the_lab_are_refused(request, data, make_runs, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        live_lab(*request.getfixturevalue(data), controls=["units"], recorded=make_runs())


def spoilt(value, *, kind=None, shape=(28, 28)):
    """Inputs and labels, some of the inputs or labels spoilt."""
    inputs, labels = np.zeros((5, *shape)), np.zeros(5)
    if kind == "label":
        labels[[1, 2]] = value
    else:
        inputs[[1, 2], 3] = value
    return inputs, labels


@pytest.mark.parametrize("part", ["train", "valid"])
@pytest.mark.parametrize(
    ("pair", "message"),
    [
        (spoilt(np.nan), "2 of the 5 images of {} have values that are NaN or infinite"),
        (spoilt(np.inf), "2 of the 5 images of {} have values that"),
        (spoilt(255), "images of {} have values from 0 to 255, and the lab takes 0 to 1"),
        (spoilt(-0.5), "images of {} have values from -0.5 to 0"),
        (spoilt(10, kind="label"), "2 of the 5 labels of {} are no digits from 0 to 9; the first is 10"),
        (spoilt(-1, kind="label"), "2 of the 5 labels of {}"),
        (spoilt(2.5, kind="label"), "2 of the 5 labels of {}"),
        (spoilt(np.nan, kind="label"), "2 of the 5 labels of {}"),
        ((np.zeros((0, 28, 28)), np.zeros(0)), "{} has no images"),
        (np.zeros((5, 28, 28)), "{} must be a pair of images"),
        ((np.zeros((5, 28, 28)).astype(str), np.zeros(5)), "images of {} must be numbers"),
    ],
)
def test_images_and_labels_that_no_network_can_learn_are_refused_by_name(images, part, pair, message):
    with pytest.raises(ValueError, match=re.escape(message.format(part))):
        live_lab(**{"train": images[0], "valid": images[1], part: pair}, controls=["units"])


@pytest.mark.parametrize("part", ["train", "valid"])
@pytest.mark.parametrize(
    ("pair", "message"),
    [
        (spoilt(np.nan, shape=(40,)), "2 of the 5 signals of {} have values that are NaN or infinite"),
        (spoilt(-np.inf, shape=(40,)), "2 of the 5 signals of {} have values that are NaN or infinite"),
        (spoilt(255, shape=(40,)), "signals of {} have values from 0 to 255, and the lab takes -10 to 10"),
        (spoilt(10, kind="label", shape=(40,)), "2 of the 5 labels of {} are no digits from 0 to 9"),
        ((np.zeros((0, 40)), np.zeros(0)), "{} has no signals"),
        (np.zeros((5, 40)), "{} must be a pair of images (n, 28, 28) or signals (n, 40), and labels"),
    ],
)
def test_signals_that_no_network_can_learn_are_refused_by_name(signals, part, pair, message):
    with pytest.raises(ValueError, match=re.escape(message.format(part))):
        live_lab(**{"train": signals[0], "valid": signals[1], part: pair}, controls=["units"])


def test_numbers_of_numpy_are_taken(images):
    train = images[0][0].astype("float64"), images[0][1].astype(float)
    lab = live_lab(train, images[1], controls=["units", "learning_rate"], epochs=np.int64(1))
    lab.set(units=np.int64(4), learning_rate=np.float32(0.01))
    for guess in (np.float64(0.5), np.float32(0.5), np.array(0.5), np.int64(1), 0):
        run = finish(lab, guess=guess)
        assert (run.status, run.guess) == ("finished", guess)
    assert {type(value) for value in run.settings.values()} == {int, float, str}


def dense(network):
    return [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)]


def rates(network):
    return [layer.rate for layer in network.layers if isinstance(layer, keras.layers.Dropout)]


# For each setting of the lab: another value, and where it shows in what is trained, and as what.
SHOWS = {
    "hidden_layers": (3, lambda seen: len(dense(seen.network)) - 1, 3),
    "units": (32, lambda seen: dense(seen.network)[0].units, 32),
    "activation": ("tanh", lambda seen: seen.network.get_layer(index=2).activation.__name__, "tanh"),
    "initialization": (
        "lecun_normal",
        lambda seen: type(dense(seen.network)[0].kernel_initializer).__name__,
        "LecunNormal",
    ),
    "l1": (1e-3, lambda seen: float(getattr(dense(seen.network)[0].kernel_regularizer, "l1", 0)), pytest.approx(1e-3)),
    "l2": (1e-3, lambda seen: float(getattr(dense(seen.network)[0].kernel_regularizer, "l2", 0)), pytest.approx(1e-3)),
    "dropout": (0.5, lambda seen: rates(seen.network), [0.5]),
    "batch_norm": ("after", lambda seen: type(seen.network.get_layer(index=3)).__name__, "BatchNormalization"),
    "optimizer": ("rmsprop", lambda seen: type(seen.optimizer).__name__, "RMSprop"),
    "learning_rate": (0.1, lambda seen: float(seen.optimizer.learning_rate), pytest.approx(0.1)),
    "schedule": ("cosine", lambda seen: isinstance(seen.optimizer.get_config()["learning_rate"], dict), True),
    "batch_size": (50, lambda seen: seen.batches[0], 50),
    "epochs": (3, lambda seen: seen.epochs, 3),
    "training_images": (1000, lambda seen: sum(seen.batches), 1000),
    "seed": (1, lambda seen: float(seen.network.get_weights()[0][0, 0]), None),
}


@pytest.fixture
def seen_in_training(images, monkeypatch):
    """What reaches the training of these settings, which is not done."""

    def see(**settings):
        seen = types.SimpleNamespace()

        def fit(model, data, *, epochs, **_):
            sizes = [len(labels) for _, labels in data]
            seen.__dict__.update(network=model, optimizer=model.optimizer, batches=sizes, epochs=epochs)

        monkeypatch.setattr(keras.Sequential, "fit", fit)
        settings = DEFAULTS | {"training_images": 500} | settings
        run = training.Training(settings, *images, report=lambda run: None)
        run.run()
        assert run.status == "finished"
        return seen

    return see


@pytest.mark.parametrize("name", DEFAULTS)
def test_each_setting_changes_the_network_or_its_training(seen_in_training, name):
    value, read, expected = SHOWS[name]
    default, other = read(seen_in_training()), read(seen_in_training(**{name: value}))
    assert other != default
    assert expected is None or other == expected


def test_bad_settings_and_guesses_are_named(lab):
    with pytest.raises(ValueError, match="no control 'dropout'"):
        lab.set(dropout=0.5)
    with pytest.raises(ValueError, match="units cannot be 0"):
        lab.set(units=0)
    for guess in ("much", "0.5", True, np.nan, 1.5, [0.5, 0.6], np.array([0.5])):
        with pytest.raises(ValueError, match="from 0 to 1"):
            lab.train(guess)
    assert lab.model is None and lab.table().empty


def test_the_default_settings_are_those_of_the_recorder():
    """Else the band would belong to other networks than the live ones."""
    attributes = load_runs(task="mnist").attrs
    assert attributes["batch_size"] == DEFAULTS["batch_size"]
    assert attributes["images"] == DEFAULTS["training_images"]


def test_a_stop_waits_half_a_second_at_most_whatever_the_training_does(lab, monkeypatch):
    release, asked = threading.Event(), []
    monkeypatch.setattr(training.Training, "add_point", lambda *_: release.wait(60))
    lab.train()
    run = lab.runs[0]
    monkeypatch.setattr(run, "join", lambda seconds=None: asked.append(seconds))
    lab.stop()
    assert asked == [pytest.approx(0.25, abs=0.25)] and run.status == "stopped"
    release.set()


def test_a_closed_lab_shows_nothing_more_and_keeps_no_thread(lab):
    finish(lab, epochs=1)
    lab.close()
    lab.refresh()
    assert lab._display._shutdown and lab.table()["status"].tolist() == ["finished"]


def test_what_to_do_is_said_from_the_start(lab):
    assert lab.sentence.startswith("Run the cell to set")
