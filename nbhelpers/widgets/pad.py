"""The digit pad: draw a digit, and see at once what two networks make of it."""

from contextlib import suppress

import numpy as np
import traitlets
from PIL import Image
from scipy import ndimage

from nbhelpers.widgets.base import CourseWidget, describe_error, new_figure, script, to_png

SIDE, BOX = 28, 20
HOW = "Run the cell to draw a digit here, and see what each network makes of it."


def digit_pad(models, *, example=None):
    """Draw a digit by hand, and see the probabilities that networks give to each digit.

    Parameters
    ----------
    models : dict of str to callable
        Name to a network that takes images of shape (1, 28, 28), gray levels from 0 to 1, and returns
        probabilities of shape (1, 10). Two of them stand well side by side.
    example : array of shape (28, 28), optional
        An image that is shown first, and in the stored page.

    Returns
    -------
    DigitPad
        A widget; `image` is the drawing as the networks saw it.

    Raises
    ------
    ValueError
        If there is no network, one does not return ten probabilities, or the example has another shape.
    """
    if not models:
        raise ValueError("The pad needs at least one network, as in digit_pad({'mine': model}).")
    return DigitPad(models, np.zeros((SIDE, SIDE)) if example is None else np.asarray(example))


def as_mnist(drawing):
    """Bring a drawing into the form of MNIST's images (LeCun et al., 1998).

    The ink is scaled, with anti-aliasing and its proportions kept, to fit a box of 20 × 20 pixels, and the
    box laid into 28 × 28 pixels with the centre of mass of the ink in the middle.

    Parameters
    ----------
    drawing : array of shape (height, width)
        Ink, from 0 (paper) to 255.

    Returns
    -------
    ndarray of float32, shape (28, 28)
        Gray levels from 0 to 1.

    Raises
    ------
    ValueError
        If the drawing has not two dimensions, holds no ink, or has other values.
    """
    drawing = np.asarray(drawing) + 0  # a mask of truth values becomes numbers
    if drawing.ndim != 2:
        raise ValueError(f"A drawing must have shape (height, width), got {drawing.shape}.")
    if not np.isfinite(drawing).all() or drawing.min(initial=0) < 0 or drawing.max(initial=0) > 255:
        raise ValueError("Ink runs from 0 (paper) to 255, and the drawing has other values: scale them first.")
    if 0 < drawing.max(initial=0) <= 1:
        raise ValueError(
            "Ink runs from 0 (paper) to 255; these look like gray levels from 0 to 1: multiply them by 255."
        )
    rows, columns = (np.flatnonzero((drawing > 0).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        raise ValueError("There is no ink in the drawing: draw a digit first.")
    ink = drawing[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = (max(1, round(n * BOX / max(ink.shape))) for n in ink.shape)
    small = Image.fromarray(ink.astype("uint8"))
    # Rows first: in one step, which comes first depends on the form of the ink and on the version of Pillow.
    for size in ((width, ink.shape[0]), (width, height)):
        small = small.resize(size, Image.Resampling.BILINEAR)
    # The centre of mass at pixel 14, counted from 0, as in MNIST's files, but no ink beyond the edge. Sums of whole
    # numbers are exact, so that no rounding error decides where ink is laid whose centre is half a pixel off.
    small = np.asarray(small, float)
    corner = np.floor(SIDE / 2 - np.array(ndimage.center_of_mass(small)) + 0.5)
    top, left = np.clip(corner, 0, SIDE - np.array(small.shape)).astype(int)
    image = np.zeros((SIDE, SIDE), "float32")
    image[top : top + height, left : left + width] = small.astype("float32") / 255
    return image


def probabilities_of(name, model, image):
    """Return the ten probabilities that a network gives for an image of shape (28, 28), a list of float."""
    answer = np.asarray(model(image[np.newaxis]), float).ravel()
    if answer.shape != (10,):
        raise ValueError(f"The network {name!r} returned {answer.size} numbers; ten probabilities are needed.")
    if not np.isfinite(answer).all():
        raise FloatingPointError(f"The network {name!r} returns numbers that are not finite: did its training diverge?")
    return answer.tolist()


class DigitPad(CourseWidget):
    """The widget that `digit_pad` returns; `models` are its networks, by name."""

    _esm = script("pad.js")
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    seen = traitlets.Bytes().tag(sync=True)
    probabilities = traitlets.List().tag(sync=True)
    problem = traitlets.Unicode().tag(sync=True)

    def __init__(self, models, example):
        super().__init__(names=list(models), sentence=HOW)
        self.models = models
        self._read(example)
        for name, model in models.items():
            with suppress(FloatingPointError):  # such a network is shown as one that failed
                probabilities_of(name, model, self.image)
        if not example.any():
            self.seen, self.probabilities = b"", []

    def receive(self, message, buffers):
        """Take a drawing from the page, as bytes of ink, or wipe what was drawn."""
        if message["do"] == "clear":
            self.problem, self.seen, self.probabilities = "", b"", []
            return
        try:
            ink = np.frombuffer(buffers[0], np.uint8).reshape(message["height"], message["width"])
            self._read(as_mnist(ink))
        except Exception as error:
            self.problem = describe_error(error)

    def _read(self, image):
        """Let each network read the image; one that fails does not keep the others from answering."""
        image = np.asarray(image, "float32")
        if image.shape != (SIDE, SIDE):
            raise ValueError(f"The networks see images of shape (28, 28), got {image.shape}.")
        answers, problems = [], []
        for name, model in self.models.items():
            try:
                answers.append(probabilities_of(name, model, image))
            except Exception as error:  # whatever it was, the others still answer
                answers.append([])
                problems.append(str(error) if name in str(error) else f"The network {name!r}: {describe_error(error)}")
        self.image = image
        with self.hold_sync():
            self.problem = "\n".join(problems)
            self.seen = (image * 255).round().astype("uint8").tobytes()
            self.probabilities = answers

    def fallback(self):
        figure = new_figure(figsize=(7.6, 2.2))
        axes = figure.subplots(1, 1 + len(self.names))
        axes[0].imshow(self.image, cmap="gray_r", vmin=0, vmax=1)
        axes[0].set_axis_off()
        axes[0].set_title("what they see", fontsize="small")
        for i, (ax, name) in enumerate(zip(axes[1:], self.names, strict=True)):
            ax.bar(range(10), (self.probabilities and self.probabilities[i]) or np.zeros(10), color=f"C{i}")
            ax.set(xticks=range(10), ylim=(0, 1), xlabel="digit")
            ax.set_title(name, fontsize="small")
        return to_png(figure), HOW
