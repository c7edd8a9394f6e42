"""Checks of the exercises of notebook 11."""

import itertools
import math

import numpy as np

from nbhelpers.checks.common import report
from nbhelpers.compare import ruler


def moved_parameters(count, *, units=(100, 100, 100), classes=5, frozen=2):
    """11, exercise 1: how many weights and biases training moves when so many of the lowest layers are frozen."""
    sizes = (784, *units, classes)
    each = [(n_in + 1) * n_out for n_in, n_out in itertools.pairwise(sizes)]
    weights_alone = sum(a * b for a, b in itertools.pairwise(sizes[frozen:]))
    hints = {
        sum(each[:frozen]): "These are the frozen ones.",
        sum(each): "These are all of them, frozen or not.",
        each[-1]: "The output layer is not the only one that learns.",
        weights_alone: "Each unit has a bias, too.",
    }
    problem = None
    if count != sum(each[frozen:]):
        problem = f"{count!r} is not it. {hints.get(count, 'Which layers learn, and how large is each of them?')}"
    return report(problem, f"Of {sum(each):,} parameters training moves {sum(each[frozen:]):,}.")


def thawed(thaw):
    """11, exercise 2: `thaw(model, learning_rate)` lets all layers learn again, but for batch normalization."""
    import keras

    from nbhelpers.models import build_mlp

    model = build_mlp((6, 5), batch_norm=True, input_shape=(4,), classes=3)
    for layer in model.layers[:-1]:
        layer.trainable = False
    model.compile("adam", loss="sparse_categorical_crossentropy")
    x, y = np.random.default_rng(0).random((12, 4), "float32"), np.arange(12) % 3
    model.fit(x, y, verbose=0)
    answer = thaw(model, 0.004)
    model = model if answer is None else answer
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    normal = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    before = [[np.array(w) for w in layer.get_weights()] for layer in (dense[0], normal[0])]
    try:
        model.fit(x, y, verbose=0)
    except Exception as error:
        return report(f"After your thaw, training raised {type(error).__name__}: {str(error)[:80]}", "")
    after = [layer.get_weights() for layer in (dense[0], normal[0])]
    moved = [
        any(not np.array_equal(a, b) for a, b in zip(*pair, strict=True)) for pair in zip(before, after, strict=True)
    ]
    problem = None
    if not moved[0]:
        problem = "The lowest layer did not move in the training after your thaw. Which call makes a change count?"
    elif moved[1]:
        problem = "The averages of batch normalization moved. Which layers must stay as they were?"
    elif not math.isclose(float(model.optimizer.learning_rate), 0.004, rel_tol=1e-5):
        problem = f"The learning rate is {float(model.optimizer.learning_rate):g}, and 0.004 was asked for."
    return report(problem, "The dense layers learn, the normalization stays, at the rate that was asked for.")


def better_start(yours, scratch):
    """11, exercise 3: accuracies from your start, one a seed, beat those from scratch, seed by seed."""
    # Notebook 01 found 0.002 for methods that differ in kind, on 10,000 images; here are a quarter as many.
    try:
        difference, margin = ruler(scratch, yours, image_error=0.004, paired=True)
    except ValueError as problem:
        return report(f"{problem}", "")
    text = f"The difference is {difference:+.3f} and the margin {margin:.3f}"
    problem = f"{text}. Few labels vary much: more seeds, or a better base." if difference <= margin else None
    return report(problem, f"{text}: what your base knows is worth something here.")
