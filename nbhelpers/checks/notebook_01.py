"""Checks of the exercises of notebook 01."""

import itertools
import math

from nbhelpers.checks.common import report


def enough_images(images, *, accuracy=0.95, error=0.001):
    """01, exercise 1: the smallest number of images whose binomial error is at most `error`."""
    if not isinstance(images, int) or images < 1:
        return report(f"The number of images is a whole number above zero, got {images!r}.", "")
    found = math.sqrt(accuracy * (1 - accuracy) / images)
    one_less = math.sqrt(accuracy * (1 - accuracy) / max(1, images - 50))
    problem = None
    if found > error * (1 + 1e-9):
        problem = f"With {images:,} images the error is {found:.4f}, above {error:g}. Solve the formula for the images."
    elif one_less <= error:
        problem = f"{images:,} images are more than are needed. Solve the formula for the images."
    return report(problem, f"{images:,} images bring the error down to {found:.4f}.")


def parameter_count(count):
    """01, exercise 2: `count(units)` is the number of parameters of a network on MNIST with these hidden units."""
    hints = {
        (): "No hidden layer: every pixel is joined to every output, and each output has a bias.",
        (1,): "One hidden unit: count what goes in, what goes out, and do not forget the biases.",
        (100,): "One hidden layer of 100 units: each unit has one weight a pixel and one bias.",
        (300, 100): "Two hidden layers: the second one reads the first one, not the pixels.",
        (5, 6, 7): "Three hidden layers: each layer reads the one before it.",
    }
    for units, hint in hints.items():
        sizes = (784, *units, 10)
        right = sum((n_in + 1) * n_out for n_in, n_out in itertools.pairwise(sizes))
        answer = count(units)
        if answer != right:
            return report(f"count_parameters({units}) gave {answer!r}. {hint}", "")
    return report(None, f"All {len(hints)} networks are counted right.")
