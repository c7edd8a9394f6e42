import base64
import io

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from nbhelpers.widgets import explore

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


def test_every_combination_gives_its_own_picture_or_its_own_problem(widget, answers):
    for index in np.ndindex(3, 2, 2):
        widget._answer(widget, {"index": list(index)}, [])
    pictures = {buffers[0] for _, buffers in answers if buffers}
    problems = [content["problem"] for content, buffers in answers if not buffers]
    assert len(answers) == 12
    assert len(pictures) == 10
    assert len(problems) == 2
    assert all("ValueError: nothing was recorded here" in p and "units=32" in p for p in problems)


def test_after_a_problem_the_next_picture_is_whole(widget, answers):
    widget._answer(widget, {"index": [2, 1, 0]}, [])
    widget._answer(widget, {"index": [1, 0, 0]}, [])
    assert answers[1][1][0] == widget.first


def test_a_picture_drawn_again_is_the_same_to_the_byte(widget):
    before = widget.picture((0, 1, 0))
    widget.picture((2, 0, 1))
    widget.picture.cache_clear()
    assert widget.picture((0, 1, 0)) == before


def test_the_saved_notebook_keeps_a_picture_and_a_sentence(widget):
    data, _ = widget._repr_mimebundle_()
    stored, shown = (Image.open(io.BytesIO(png)) for png in (base64.b64decode(data["image/png"]), widget.first))
    assert stored.width == shown.width > 300
    assert np.array_equal(np.asarray(stored)[: shown.height], np.asarray(shown))
    assert np.asarray(stored)[shown.height :].std() > 5, "the sentence stands below the picture"
    assert "units = 16" in data["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in data


def test_two_explorers_do_not_share_a_figure():
    a, b = make(units=[8]), make(units=[32])
    assert a.first != b.first
    assert a.picture((0,)) == a.first


@pytest.mark.parametrize(
    ("controls", "error", "message"),
    [
        ({}, ValueError, "name an argument of plot_line"),
        ({"width": [1, 2]}, TypeError, "no argument 'width'. It takes: runs, units, activation"),
        ({"units": []}, ValueError, "'units' has no options"),
        ({"units": 16}, ValueError, "'units' needs a list"),
        ({"activation": "relu"}, ValueError, "'activation' needs a list"),
        ({"units": np.zeros((2, 2))}, ValueError, "'units' needs a list"),
        ({"units": [32], "activation": ["tanh"]}, ValueError, "nothing was recorded here"),
    ],
)
def test_bad_controls_are_named(controls, error, message):
    with pytest.raises(error, match=message):
        make(**controls)


def test_a_plot_without_axes_is_refused():
    with pytest.raises(TypeError, match="no argument 'ax'"):
        explore(lambda units: None, units=[1, 2])
