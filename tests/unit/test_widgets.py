import base64
import functools
import io
import re

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from nbhelpers.data import load_runs
from nbhelpers.widgets import explore
from nbhelpers.widgets.base import script

RUNS = xr.Dataset(coords={"units": [8, 16, 32], "activation": ["relu", "tanh"], "batch_norm": [False, True]})


def plot_line(runs, *, units=16, activation="relu", batch_norm=False, ax=None):
    if units == 32 and activation == "tanh":
        raise ValueError("nothing was recorded here")
    ax.plot([0, units], [0, 2 * (activation == "tanh") + batch_norm])


def make(**controls):
    return explore(plot_line, RUNS, **controls)


@pytest.fixture
def widget():
    return make(units=RUNS.units, activation=RUNS.activation, batch_norm=RUNS.batch_norm)


@pytest.fixture
def answers(widget, monkeypatch):
    sent = []
    monkeypatch.setattr(type(widget), "send", lambda self, content, buffers=(): sent.append((content, buffers)))
    return sent


def test_controls_hold_the_coordinates_and_start_at_the_defaults(widget):
    assert widget.values == {"units": 16, "activation": "relu", "batch_norm": False}
    assert all(type(value) in (int, str, bool) for value in widget.values.values())
    assert [c["slider"] for c in widget.controls] == [True, False, False]
    assert [c["options"] for c in widget.controls] == [["8", "16", "32"], ["relu", "tanh"], ["False", "True"]]
    assert [c["label"] for c in widget.controls] == ["units", "activation", "batch norm"]


def test_a_default_that_is_no_option_gives_way_to_the_first_one():
    assert make(units=[8, 32]).values == {"units": 8}


def show(widget, *index, number="1"):
    """What the page sends when a control is moved."""
    widget._answer(widget, {"do": "show", "index": list(index), "number": number}, [])


def test_every_combination_gives_its_own_picture_or_its_own_problem(widget, answers):
    pictures, problems = set(), []
    for index in np.ndindex(3, 2, 2):
        show(widget, *index)
        assert widget.index == list(index)
        if widget.problem:
            problems.append(widget.problem)
            assert (widget.picture, widget.alt) == (b"", "")
            continue
        pictures.add(widget.picture)
        units, activation, batch_norm = widget.values.values()
        assert widget.alt == f"plot line for units {units}, activation {activation}, batch norm {batch_norm}"
    assert (len(pictures), len(problems)) == (10, 2)
    assert all("ValueError: nothing was recorded here" in p and "units=32" in p for p in problems)
    assert [content for content, _ in answers] == [{"answered": "1", "problem": ""}] * 12


def test_a_picture_drawn_ahead_is_sent_and_changes_nothing(widget, answers):
    before = widget.picture
    widget._answer(widget, {"do": "ahead", "index": [0, 0, 0], "number": "1"}, [])
    (content, (png,)), (answer, _) = answers
    assert content == {"ahead": [0, 0, 0], "alt": "plot line for units 8, activation relu, batch norm False"}
    assert answer == {"answered": "1", "problem": ""}
    assert (widget.picture, widget.index) == (before, [1, 0, 0])
    show(widget, 0, 0, 0)
    assert widget.picture == png
    widget._answer(widget, {"do": "ahead", "index": [2, 1, 0], "number": "2"}, [])
    assert "nothing was recorded here" in answers[-1][0]["problem"] and widget.problem == ""


def test_after_a_problem_the_next_picture_is_whole(widget):
    before = widget.picture
    show(widget, 2, 1, 0)
    show(widget, 1, 0, 0)
    assert (widget.picture, widget.problem) == (before, "")


def test_a_picture_drawn_again_is_the_same_to_the_byte(widget):
    before = widget.drawn((0, 1, 0))
    widget.drawn((2, 0, 1))
    widget.drawn.cache_clear()
    assert widget.drawn((0, 1, 0)) == before


def test_the_saved_notebook_keeps_a_picture_and_a_sentence(widget):
    show(widget, 0, 0, 0)
    data, _ = widget._repr_mimebundle_()
    stored, shown = (Image.open(io.BytesIO(png)) for png in (base64.b64decode(data["image/png"]), widget.picture))
    assert stored.width == shown.width > 300
    assert np.array_equal(np.asarray(stored)[: shown.height], np.asarray(shown))
    assert np.asarray(stored)[shown.height :].std() > 5, "the sentence stands below the picture"
    assert (
        data["text/plain"]
        == widget.sentence
        == ("Run the cell to change: units = 8, activation = relu, batch norm = False")
    )
    assert "application/vnd.jupyter.widget-view+json" in data


def test_two_explorers_do_not_share_a_figure():
    a, b = make(units=[8]), make(units=[32])
    assert a.picture != b.picture
    assert a.drawn((0,)) == a.picture


def plot_names(*, names, ax):
    ax.barh(range(len(names)), range(len(names)))
    ax.set_yticks(range(len(names)), names)


def test_longer_labels_get_the_room_that_they_need():
    short, long = ("a", "b"), ("a name that takes far more room", "b")
    one, other = explore(plot_names, names=[short, long]), explore(plot_names, names=[long, short])
    show(one, 1)
    show(other, 1)
    left_edge = np.asarray(Image.open(io.BytesIO(one.picture)))[:, :2]
    assert np.ptp(left_edge) == 0, "nothing is cut off"
    first_layout = one.drawn((0,))
    one.drawn.cache_clear()
    assert one.drawn((0,)) == first_layout, "the layout of the others stays"


PAIR = np.arange(2)


def plot_arrays(*, array=PAIR, ax):
    ax.plot(array)


def test_a_combination_that_cannot_be_drawn_leaves_its_problem_as_a_picture(widget):
    show(widget, 2, 1, 0)
    data, _ = widget._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width > 600


def test_options_may_be_of_any_kind_and_controls_of_any_name():
    shown = []

    def draw(ax, plot=None, self=None, args=None):
        shown.append((plot, self, args))

    arrays = [np.zeros(2), np.ones(3)]
    widget = explore(draw, plot=[(8,), (8, 16), None], self=arrays, args={"a": 1, "b": 2})
    show(widget, 1, 1, 1)
    assert widget.problem == "" and shown[-1][0] == (8, 16) and shown[-1][1] is arrays[1] and shown[-1][2] == "b"
    assert widget.controls[0]["options"] == ["(8,)", "(8, 16)", "None"]
    assert explore(plot_line, RUNS, units=(n for n in (8, 16))).values == {"units": 16}
    assert explore(plot_line, RUNS, units=[8.0, 16.0]).values == {"units": 16.0}
    assert explore(plot_arrays, array=[np.ones(3), np.arange(2)]).values["array"].tolist() == [0, 1]
    assert explore(plot_line, RUNS, units=[np.int64(8), np.float64(16)]).controls[0]["slider"]


def test_a_partial_function_and_a_callable_object_are_explored_by_their_names():
    class Draw:
        def __call__(self, *, units, ax):
            pass

    wrapped = functools.partial(functools.partial(plot_line, RUNS), activation="tanh", units=8)
    assert explore(wrapped, units=[16, 8]).alt == "plot line for units 8"
    assert explore(Draw(), units=[1]).alt == "Draw for units 1"


def plot_depth(runs, *, learning_rate=31.6, activation="relu", batch_norm=False, epoch=54, ax):
    chosen = runs.sel(learning_rate=learning_rate, activation=activation, batch_norm=batch_norm, epoch=epoch)
    for optimizer in runs.optimizer.values:
        scores = chosen.sel(optimizer=optimizer, units=64, dropout=0.0)["val_accuracy"]
        ax.errorbar(runs.hidden_layers, scores.mean("seed"), scores.std("seed"), label=optimizer)


@pytest.mark.parametrize(
    ("task", "epochs", "start"),
    [("mnist", range(1, 28), 1), ("mnist1d", range(2, 55, 2), 54)],
)
def test_the_atlas_of_either_task_is_explored(task, epochs, start):
    runs = load_runs(task=task)
    names = ("learning_rate", "activation", "batch_norm", "epoch")
    widget = explore(plot_depth, runs, **{name: runs[name] for name in names})
    rates, *_, shown_epochs = widget.controls
    assert shown_epochs["options"] == [str(epoch) for epoch in epochs] and shown_epochs["slider"]
    assert rates["options"][-1] == f"{runs.learning_rate.values[-1]:g}" and rates["slider"]
    assert widget.values == {"learning_rate": 31.6, "activation": "relu", "batch_norm": False, "epoch": start}
    pictures = set()
    for rate, epoch in [(3, 0), (3, len(epochs) - 1), (4, len(epochs) - 1)]:
        show(widget, rate, 2, 1, epoch)
        assert widget.problem == "" and widget.alt.endswith(f"batch norm True, epoch {epochs[epoch]}")
        pictures.add(widget.picture)
    assert len(pictures) == 3


@pytest.mark.parametrize(
    ("controls", "error", "message"),
    [
        ({}, ValueError, "name an argument of plot_line"),
        ({"width": [1, 2]}, TypeError, "no argument 'width'. It takes: runs, units, activation"),
        ({"units": []}, ValueError, "'units' has no options"),
        ({"units": 16}, ValueError, "'units' needs a list"),
        ({"activation": "relu"}, ValueError, "'activation' needs a list"),
        ({"units": np.zeros((2, 2))}, ValueError, "'units' needs a list"),
        ({"ax": [1, 2]}, ValueError, "'ax' cannot be a control"),
        ({"units": [32], "activation": ["tanh"]}, ValueError, "nothing was recorded here"),
    ],
)
def test_bad_controls_are_named(controls, error, message):
    with pytest.raises(error, match=message):
        make(**controls)


def test_a_plot_without_axes_is_refused():
    with pytest.raises(TypeError, match="no argument 'ax'"):
        explore(lambda units: None, units=[1, 2])


def test_the_page_says_within_four_seconds_that_no_answer_came():
    (seconds,) = re.findall(r"const PATIENCE = (\d+); // milliseconds", script("explorer.js"))
    assert 1000 <= int(seconds) < 4000
