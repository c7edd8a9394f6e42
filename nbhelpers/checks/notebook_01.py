"""Checks of the exercises of notebook 01; that of the third one, `real_improvement`, is shared."""

import math

from nbhelpers.checks.common import AnswerError, call, check, same, shown, whole_number
from nbhelpers.numbers import count_parameters


@check
def enough_images(images, *, accuracy=0.95, error=0.001):
    """01, exercise 1: the smallest number of images whose binomial error is at most `error`."""
    images = whole_number(images, "The number of images")
    found = math.sqrt(accuracy * (1 - accuracy) / images)
    fifty_less = math.sqrt(accuracy * (1 - accuracy) / max(1, images - 50))
    if found > error * (1 + 1e-9):
        text = f"With {images:,} images the error is {found:.4f}, above {error:g}"
        raise AnswerError(f"{text}. Solve the formula for the images.")
    if fifty_less <= error:
        raise AnswerError(f"{images:,} images are more than are needed. Solve the formula for the images.")
    return f"{images:,} images bring the error down to {found:.4f}."


@check
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
        answer = call(count, units, name="count_parameters")
        if not same(answer, count_parameters(units)):
            raise AnswerError(f"count_parameters({units}) gave {shown(answer)}. {hint}")
    return f"All {len(hints)} networks are counted right."
