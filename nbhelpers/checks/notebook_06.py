"""Checks of the exercises of notebook 06."""

import numpy as np

from nbhelpers.checks.common import close, report
from nbhelpers.compare import ruler


def forgetting_steps(steps, *, momentum=0.99, left=0.01):
    """06, exercise 1: the fewest steps after which the starting value has at most this weight."""
    if not hasattr(steps, "__float__") or not float(steps).is_integer() or steps < 1:
        return report(f"The number of steps is a whole number above zero, got {steps!r}.", "")
    steps = int(steps)
    problem, weight = None, momentum**steps
    if weight > left:
        problem = f"After {steps} steps the start still has a weight of {weight:.3f}. Each step multiplies it again."
    elif momentum ** (steps - 1) <= left:
        problem = f"{steps} steps are more than are needed: one fewer would do. Take logarithms."
    return report(problem, f"After {steps} steps the start has a weight of {weight:.4f}.")


def folded_batch_norm(fold):
    """06, exercise 2: `fold(kernel, gamma, beta, mean, variance, epsilon)` is one dense layer, kernel and bias."""
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=(20, 7)), rng.normal(size=(7, 4))
    gamma, beta, mean, variance = rng.uniform(0.5, 2, (4, 4))
    right = gamma * (x @ kernel - mean) / np.sqrt(variance + 1e-3) + beta
    answer = fold(kernel, gamma, beta, mean, variance, 1e-3)
    if not isinstance(answer, tuple) or len(answer) != 2:
        return report("Return two arrays, the kernel and the bias of the one layer that does the work of two.", "")
    if np.shape(answer[0]) != (7, 4) or np.shape(answer[1]) != (4,):
        shapes = f"{np.shape(answer[0])} and {np.shape(answer[1])}"
        return report(f"The shapes are {shapes}; the kernel keeps its shape, and each unit has one bias.", "")
    if not close(x @ np.asarray(answer[0]) + np.asarray(answer[1]), right):
        hint = "Write out what happens to a sum, and collect what multiplies the inputs and what does not."
        return report(f"The one layer gives other numbers than the two. {hint}", "")
    return report(None, "One dense layer does the work of two.")


def as_good_as(reference, mine):
    """06, exercise 3: accuracies `mine` are not worse than the reference by more than the ruler's margin."""
    try:
        difference, margin = ruler(reference, mine)
    except ValueError as problem:
        return report(f"{problem}", "")
    text = f"Yours differ by {difference:+.4f}, margin {margin:.4f}."
    problem = None
    if difference <= -margin:
        problem = f"{text} They are worse than the reference by more than noise."
    elif margin > 0.04:
        problem = f"{text} The seeds differ too much to tell; make the training steadier, or take more seeds."
    return report(problem, f"{text} They hold their own.")
