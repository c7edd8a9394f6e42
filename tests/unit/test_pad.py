"""The digit pad: drawings become images like MNIST's, and what networks return is checked."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from sklearn.linear_model import LogisticRegression

from nbhelpers.data import load_mnist
from nbhelpers.widgets import digit_pad
from nbhelpers.widgets.pad import as_mnist
from tests.drawings import DIGITS, raster


def sure_of(digit):
    return lambda images: np.eye(10)[[digit] * len(images)]


@pytest.fixture(scope="module")
def classifier():
    images, labels = load_mnist("train", n=4000)
    return LogisticRegression(C=0.01, max_iter=300).fit(images.reshape(-1, 784), labels)


@pytest.mark.parametrize("digit", DIGITS)
@pytest.mark.parametrize(("scale", "shift"), [(1, 0), (0.5, 0), (0.5, 0.45)])
def test_a_drawing_of_any_size_at_any_place_is_read(classifier, digit, scale, shift):
    strokes = [[(scale * x + shift, scale * y + shift) for x, y in stroke] for stroke in DIGITS[digit]]
    image = as_mnist(raster(strokes, pen=round(22 * scale)))
    assert classifier.predict(image.reshape(1, -1))[0] == digit


def test_images_of_mnist_that_were_enlarged_come_back():
    images, _ = load_mnist("valid", n=200)
    large = [np.asarray(Image.fromarray((i * 255).astype("uint8")).resize((280, 280), 0)) for i in images]
    again = np.array([as_mnist(i) for i in large])
    assert np.abs(again - images).mean() < 0.03
    shifted = np.abs(np.roll(images, 1, axis=1) - images).mean()
    assert shifted > 0.05, "so that an image moved by one pixel would be noticed"


def test_box_and_centre_of_mass_are_those_of_mnist():
    for strokes in DIGITS.values():
        image = as_mnist(raster(strokes))
        rows, columns = np.nonzero(image)
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
        assert ndimage.center_of_mass(image) == pytest.approx((14, 14), abs=0.51)
        assert image.min() >= 0 and 0.9 < image.max() <= 1


def test_a_dot_and_a_line_stay_within_the_image():
    for drawing in (np.zeros((280, 280)), np.zeros((9, 9))):
        drawing[4, 4] = 255
        assert as_mnist(drawing).sum() > 0
    line = np.zeros((280, 280))
    line[:, 3] = 255
    line[270:, :60] = 255
    assert as_mnist(line).shape == (28, 28)


@pytest.mark.parametrize("shape", [(173, 134), (155, 191), (66, 93), (42, 74)])
def test_ink_that_balances_is_placed_alike_on_every_machine(shape):
    """Where the middle lies between two pixels, no rounding error decides: it is the lower, the right one."""
    ink = np.random.default_rng(0).integers(1, 256, shape)
    ink = np.maximum(ink, ink[::-1])
    image = as_mnist(np.maximum(ink, ink[:, ::-1]))
    for used in (image.any(axis=1), image.any(axis=0)):
        assert used.argmax() == (30 - used.sum()) // 2


@pytest.mark.parametrize(
    ("drawing", "message"),
    [
        (np.zeros((280, 280)), "no ink"),
        (np.zeros(784), "height, width"),
        (np.full((28, 28), 0.5), "gray levels from 0 to 1: multiply them by 255"),
        (np.ones((28, 28), bool), "gray levels from 0 to 1"),
        (np.full((28, 28), 300), "other values: scale them"),
        (np.full((28, 28), -1), "other values"),
        (np.full((28, 28), np.nan), "other values"),
        (np.zeros((0, 0)), "no ink"),
    ],
)
def test_what_is_no_drawing_is_refused(drawing, message):
    with pytest.raises(ValueError, match=message):
        as_mnist(drawing)


def read(pad, drawing):
    """What the page sends when the pen is lifted."""
    message = {"do": "read", "height": 280, "width": 280, "number": "1"}
    pad._answer(pad, message, [drawing.astype("uint8").tobytes()])


def test_a_drawing_is_read_by_every_network_and_wiped():
    pad = digit_pad({"three": sure_of(3), "eight": sure_of(8)})
    assert pad.probabilities == []
    read(pad, raster(DIGITS[3]))
    assert [np.argmax(p) for p in pad.probabilities] == [3, 8]
    assert len(pad.seen) == 784
    assert np.frombuffer(pad.seen, np.uint8).reshape(28, 28) == pytest.approx(pad.image * 255, abs=0.51)
    pad._answer(pad, {"do": "clear", "number": "2"}, [])
    assert pad.probabilities == [] and pad.problem == ""


def test_a_problem_is_shown_and_passes():
    pad = digit_pad({"three": sure_of(3)})
    read(pad, np.zeros((280, 280)))
    assert "no ink" in pad.problem
    read(pad, raster(DIGITS[1]))
    assert pad.problem == ""


def test_a_network_that_fails_is_named_and_the_others_answer():
    def raises(images):
        raise RuntimeError("out of memory") if images.any() else FloatingPointError

    broken = {"three": sure_of(3), "not a number": lambda images: np.full((1, 10), np.nan), "raises": raises}
    pad = digit_pad(broken)
    read(pad, raster(DIGITS[3]))
    assert [len(p) for p in pad.probabilities] == [10, 0, 0]
    first, second = pad.problem.splitlines()
    assert first == "The network 'not a number' returns numbers that are not finite: did its training diverge?"
    assert second == "The network 'raises': RuntimeError: out of memory"
    assert pad.fallback()[0]


@pytest.mark.parametrize(
    ("models", "example", "message"),
    [
        ({}, None, "at least one network"),
        ({"bad": lambda images: np.zeros((1, 3))}, None, "'bad' returned 3 numbers"),
        ({"good": sure_of(1)}, np.ones((8, 8)), r"got \(8, 8\)"),
    ],
)
def test_bad_arguments_are_named(models, example, message):
    with pytest.raises(ValueError, match=message):
        digit_pad(models, example=example)


def test_the_saved_notebook_keeps_a_picture_with_the_example():
    example = load_mnist("valid", n=1)[0][0]
    data, metadata = digit_pad({"three": sure_of(3)}, example=example)._repr_mimebundle_()
    assert "Run the cell to draw" in data["text/plain"] == metadata["image/png"]["alt"]
    assert (
        digit_pad({"three": sure_of(3)}).fallback()[0]
        != digit_pad({"three": sure_of(3)}, example=example).fallback()[0]
    )
    assert Image.open(io.BytesIO(digit_pad({"three": sure_of(3)}).fallback()[0])).width > 600
