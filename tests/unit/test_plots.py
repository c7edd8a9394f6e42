import matplotlib.pyplot as plt
import numpy as np
import optuna
import pandas as pd
import pytest
import xarray as xr
from matplotlib.colors import to_rgba

from nbhelpers.compare import tuned
from nbhelpers.plots import (
    plot_digits,
    plot_history,
    plot_reliability,
    plot_spread,
    plot_sweep,
    plot_trials,
    reliability,
)

plt.switch_backend("agg")
HISTORY = {"loss": [3.0, 2.0, 1.5], "val_loss": [2.5, 2.2, 2.1], "accuracy": [0.1, 0.2, 0.3]}


@pytest.fixture
def ax():
    with plt.style.context("nbhelpers.course"):
        figure, ax = plt.subplots()
        yield ax
    plt.close(figure)


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: plot_digits(np.zeros((3, 28, 28)), ax=ax),
        lambda ax: plot_history(HISTORY, ax=ax),
        lambda ax: plot_spread({"a": [1, 2]}, ax=ax),
    ],
)
def test_each_function_draws_on_the_given_axes_and_returns_it(ax, draw):
    other = plt.figure().gca()
    assert draw(ax) is ax
    assert ax.has_data() and not other.has_data()


def test_digits_stand_in_rows_with_their_labels(ax):
    images = np.arange(5)[:, None, None] * np.ones((5, 6, 4))
    plot_digits(images, labels=list("abcde"), columns=3, ax=ax)
    (picture,) = ax.get_images()
    array = np.asarray(picture.get_array())
    assert array.shape == (2 * (6 + 5), 3 * 4)
    assert (array[:6, 4:8] == 1).all() and (array[11:17, :4] == 3).all()
    assert [t.get_text() for t in ax.texts] == list("abcde")
    assert [t.get_position()[0] for t in ax.texts] == [2, 6, 10, 2, 6]


@pytest.mark.parametrize("shape", [(28, 28), (0, 28, 28), (2, 28, 28, 1)])
def test_digits_of_a_wrong_shape_are_refused(ax, shape):
    with pytest.raises(ValueError, match="shape"):
        plot_digits(np.zeros(shape), ax=ax)


def test_digits_need_one_label_each(ax):
    with pytest.raises(ValueError, match="3 images and 2 labels"):
        plot_digits(np.zeros((3, 2, 2)), labels="ab", ax=ax)


def test_history_draws_training_dashed_and_validation_solid(ax):
    plot_history(HISTORY, ax=ax)
    lines = {line.get_label(): line for line in ax.lines}
    assert list(lines["training"].get_ydata()) == HISTORY["loss"]
    assert list(lines["validation"].get_ydata()) == HISTORY["val_loss"]
    assert list(lines["training"].get_xdata()) == [1, 2, 3]
    assert (lines["training"].get_linestyle(), lines["validation"].get_linestyle()) == ("--", "-")


def test_history_without_validation_draws_training_alone(ax):
    plot_history(HISTORY, metric="accuracy", ax=ax)
    assert [line.get_label() for line in ax.lines] == ["training"]


@pytest.mark.parametrize(("history", "message"), [(HISTORY, "'mse'.*loss, accuracy"), ({}, "no epoch")])
def test_history_names_a_missing_metric(ax, history, message):
    with pytest.raises(ValueError, match=message):
        plot_history(history, metric="mse", ax=ax)


def test_spread_draws_each_seed_and_mean_with_deviation(ax):
    plot_spread({"a": [1.0, 2.0, 6.0], "b": [4.0, 4.0]}, ax=ax)
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert [list(d.get_xdata()) for d in dots] == [[1, 2, 6], [4, 4]]
    (bar, _) = ax.containers
    (low, _), (high, _) = bar.lines[2][0].get_segments()[0]
    assert (low, high) == pytest.approx((3 - 7**0.5, 3 + 7**0.5))
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b"]


def test_one_score_has_no_spread(ax):
    with pytest.raises(ValueError, match="'a' has 1 score"):
        plot_spread({"a": [1.0]}, ax=ax)


def scores():
    values = np.array([[[1.0, 3.0], [2.0, 2.0], [5.0, 9.0]], [[0.0, 0.0], [1.0, 1.0], [2.0, 4.0]]])
    coords = {"units": [8, 16], "learning_rate": [0.0001, 0.01, 1.0], "seed": [0, 1]}
    array = xr.DataArray(values, dims=list(coords), coords=coords, attrs={"long_name": "accuracy"})
    array["units"].attrs["long_name"] = "units of each hidden layer"
    return array


def test_sweep_draws_mean_and_one_deviation_for_each_hue(ax):
    plot_sweep(scores(), x="learning_rate", hue="units", ax=ax)
    assert [list(line.get_ydata()) for line in ax.lines] == [[2, 2, 7], [0, 1, 3]]
    band = ax.collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(7 + 8**0.5)
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1e-4", "0.01", "1"]
    assert ax.get_ylabel() == "accuracy"
    legend = ax.get_legend()
    assert legend.get_title().get_text() == "units of each hidden layer"
    assert [t.get_text() for t in legend.get_texts()] == ["8", "16"]


def test_sweep_gives_line_and_band_the_same_colour(ax):
    plot_sweep(scores().sel(units=8), x="learning_rate", ax=ax, color="C3", linestyle="--", label="tuned")
    (line,), (band,) = ax.lines, ax.collections
    assert (line.get_linestyle(), line.get_label()) == ("--", "tuned")
    assert to_rgba(line.get_color())[:3] == pytest.approx(band.get_facecolor()[0][:3])


def test_sweep_styles_differ_without_colour(ax):
    plot_sweep(scores(), x="learning_rate", hue="units", ax=ax)
    assert len({str(line.get_linestyle()) for line in ax.lines}) == 2


@pytest.mark.parametrize("hue", [None, "seed"])
def test_sweep_names_a_dimension_too_many(ax, hue):
    with pytest.raises(ValueError, match=r"must have the dimensions.*got units"):
        plot_sweep(scores(), x="learning_rate", hue=hue, ax=ax)


@pytest.mark.parametrize("hue", ["units", None])
def test_sweep_rings_what_was_tuned_to_the_edge(ax, hue):
    depths = xr.concat([scores(), 0.5 * scores()], pd.Index([1, 2], name="hidden_layers"))
    depths.loc[{"units": 8, "hidden_layers": 2, "learning_rate": 0.01}] = 20
    best = tuned(depths)
    assert best.at_edge.values.tolist() == [[True, True], [False, True]]
    plot_sweep(best if hue else best.sel(units=8), x="hidden_layers", hue=hue, ax=ax)
    rings = [line for line in ax.lines if line.get_fillstyle() == "none"]
    drawn = [(x, y) for line in rings for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)]
    assert drawn == ([(0, 7), (0, 3), (1, 1.5)] if hue else [(0, 7)])
    entries = [t.get_text() for t in ax.get_legend().get_texts()]
    assert entries.index("best at the edge") == len(entries) - 1, "once, below the lines"


def test_sweep_of_what_is_not_tuned_has_no_rings(ax):
    plot_sweep(scores(), x="learning_rate", hue="units", ax=ax)
    assert all(line.get_fillstyle() == "full" for line in ax.lines)


def test_sweep_of_one_seed_says_that_it_has_no_spread(ax):
    with pytest.raises(ValueError, match="scores of two seeds or more, got 1"):
        plot_sweep(scores().isel(seed=[0]), x="learning_rate", hue="units", ax=ax)
    with pytest.raises(ValueError, match="must have the dimensions learning_rate, seed, units"):
        plot_sweep(scores().isel(seed=0), x="learning_rate", hue="units", ax=ax)


def outputs_of(sure, count, *, classes=4):
    """So many predictions of class 0 that are this sure."""
    return np.tile([sure, *[(1 - sure) / (classes - 1)] * (classes - 1)], (count, 1))


def test_reliability_sorts_by_confidence():
    probabilities = np.concatenate([outputs_of(0.95, 10), outputs_of(0.55, 30)])
    labels = np.array([0] * 9 + [1] + [0] * 12 + [2] * 18)
    confidence, accuracy, share = reliability(probabilities, labels)
    assert np.allclose(confidence[[5, 9]], [0.55, 0.95])
    assert np.allclose(accuracy[[5, 9]], [0.4, 0.9])
    assert np.allclose(share[[5, 9]], [0.75, 0.25])
    assert np.isnan(accuracy[:5]).all() and share.sum() == 1


@pytest.mark.parametrize(("labels", "apart"), [([0, 1, 2], "0.000"), ([1, 2, 0], "1.000"), ([0, 2, 1], "0.667")])
def test_who_is_always_sure_is_apart_by_the_share_of_errors(labels, apart):
    ax = plot_reliability(np.eye(3), np.array(labels), ax=plt.figure().subplots())
    assert ax.get_title().endswith(f"apart {apart}")


def test_labels_for_other_examples_are_refused():
    with pytest.raises(ValueError, match=r"\(3, 3\) and \(2,\)"):
        reliability(np.eye(3), np.arange(2))


def test_a_reliability_diagram_says_how_sure_and_how_right():
    ax = plot_reliability(outputs_of(0.75, 10), np.array([0] * 6 + [1] * 4), ax=plt.figure().subplots())
    assert ax.get_title() == "sure 0.75, right 0.60, apart 0.150"


def test_trials_again_and_the_reported_score_are_drawn():
    study = optuna.create_study(direction="maximize")
    with pytest.raises(ValueError, match="search first"):
        plot_trials(study)
    study.add_trials([optuna.trial.create_trial(value=value) for value in (0.5, 0.7, 0.6)])
    study.add_trial(optuna.trial.create_trial(state=optuna.trial.TrialState.PRUNED))
    ax = plot_trials(study, again={1: [0.6, 0.65], 2: [0.5, 0.55]}, final=0.61, ax=plt.figure().subplots())
    assert list(ax.lines[0].get_ydata()) == [0.5, 0.7, 0.6]
    assert list(ax.lines[1].get_xdata()) == [1, 1]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["search", "again", "reported"]
