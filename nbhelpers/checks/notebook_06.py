"""Checks of the exercises of notebook 06."""

import numpy as np

from nbhelpers.checks.common import (
    AnswerError,
    accuracies,
    call,
    check,
    fresh_seeds,
    numbers,
    same,
    shown,
    whole_number,
)
from nbhelpers.compare import ruler


@check
def forgetting_steps(steps, *, momentum=0.99, left=0.01):
    """06, exercise 1: the fewest steps after which the starting value has at most this weight."""
    steps = whole_number(steps, "The number of steps")
    weight = momentum**steps
    if weight > left:
        raise AnswerError(
            f"After {steps} steps the start still has a weight of {weight:.3f}. Each step multiplies it again."
        )
    if momentum ** (steps - 1) <= left:
        raise AnswerError(f"{steps} steps are more than are needed: one fewer would do. Take logarithms.")
    return f"After {steps} steps the start has a weight of {weight:.4f}."


@check
def folded_batch_norm(fold):
    """06, exercise 2: `fold(kernel, gamma, beta, mean, variance, epsilon)` is one dense layer, kernel and bias."""
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=(20, 7)), rng.normal(size=(7, 4))
    gamma, beta, mean, variance = rng.uniform(0.5, 2, (4, 4))
    right = gamma * (x @ kernel - mean) / np.sqrt(variance + 1e-3) + beta
    answer = call(fold, kernel, gamma, beta, mean, variance, 1e-3, name="fold")
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise AnswerError("Return two arrays, the kernel and the bias of the one layer that does the work of two.")
    kernel, bias = numbers(answer[0], "The kernel"), numbers(answer[1], "The bias")
    if kernel.shape != (7, 4) or bias.shape != (4,):
        shapes = f"{kernel.shape} and {bias.shape}"
        raise AnswerError(f"The shapes are {shapes}; the kernel keeps its shape, and each unit has one bias.")
    if not same(x @ kernel + bias, right):
        hint = "Write out what happens to a sum, and collect what multiplies the inputs and what does not."
        raise AnswerError(f"The one layer gives other numbers than the two. {hint}")
    return "One dense layer does the work of two."


@check
def as_good_as(reference, mine, *, accepted=0.01, seeds=3, epochs=4, rng=None):
    """06, exercise 3: networks of `mine` lose at most `accepted` against the reference, the ruler's margin included.

    Both are functions that take a seed and return a trained network; those of `mine` have no batch normalization.
    Where the first seed is far worse, the others are not trained.
    """
    chosen = fresh_seeds(rng, seeds)
    yours, others = [], []
    for part in (chosen[:1], chosen[1:]):
        yours.extend(accuracies(mine, part, name="Your function", epochs=epochs, look=_is_not_normalized))
        others.extend(accuracies(reference, part, name="The reference's function"))
        if yours[0] < others[0] - 10 * accepted:  # no other seeds make that good
            scores = f"yours reads {yours[0]:.3f} of the images and the reference {others[0]:.3f}"
            raise AnswerError(f"From the first seed {scores}. They may lose {accepted:g}, so no more seeds were tried.")
    difference, margin = ruler(others, yours)
    text = f"Yours differ by {difference:+.4f}, margin {margin:.4f}"
    if difference < -accepted:
        raise AnswerError(f"{text}. They are worse than the reference by more than {accepted:g}.")
    if difference - margin < -accepted:
        raise AnswerError(
            f"{text}, so they may be worse by more than {accepted:g}. Make the training better, or steadier."
        )
    return f"{text}. They hold their own."


def _is_not_normalized(model):
    kinds = {type(layer).__name__ for layer in getattr(model, "layers", [])}
    if any("Normalization" in kind for kind in kinds):
        raise AnswerError(
            f"Your network has the layers {shown(sorted(kinds))}; it should do without any normalization."
        )
