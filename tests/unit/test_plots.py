import matplotlib.pyplot as plt
import numpy as np
import pytest

from nbhelpers.plots import plot_digits, plot_history, plot_spread

plt.switch_backend("agg")
HISTORY = {"loss": [3.0, 2.0, 1.5], "val_loss": [2.5, 2.2, 2.1], "accuracy": [0.1, 0.2, 0.3]}


@pytest.fixture
def ax():
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
