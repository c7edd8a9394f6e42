"""Checks of the exercises of notebook 04."""

import numpy as np

from nbhelpers.checks.common import AnswerError, call, check, fresh_seeds, numbers, position, same, scores_of, shown
from nbhelpers.compare import ruler


@check
def unfair_rate(learning_rate, runs):
    """04, exercise 1: a recorded rate at which two sigmoid layers beat two ReLU layers by more than the margin."""
    accuracy = runs["val_accuracy"].isel(epoch=-1).sel(hidden_layers=2)
    at_rate = accuracy.isel(
        learning_rate=position(learning_rate, accuracy.learning_rate.values.tolist(), "learning_rate")
    )
    difference, margin = ruler(at_rate.sel(activation="relu"), at_rate.sel(activation="sigmoid"))
    text = f"At {at_rate.learning_rate:g} the sigmoid differs from ReLU by {difference:+.4f}, margin {margin:.4f}."
    if difference <= margin:
        raise AnswerError(f"{text} Which of the two wants larger steps?")
    return f"{text} Nobody who sees this figure alone could tell."


@check
def leaky_relu(function, slope):
    """04, exercise 2: leaky ReLU of an array and its slope, for any slope on the left."""
    sums = np.array([-3.0, -1.0, -0.1, 0.1, 1.0, 3.0])
    for left in (0.01, 0.2, 0.5):
        if not same(call(function, sums, left, name="leaky_relu"), np.where(sums > 0, sums, left * sums)):
            raise AnswerError(f"leaky_relu is wrong with negative_slope={left}: on the right z itself, on the left?")
        above, below = (call(function, sums + step, left, name="leaky_relu") for step in (1e-6, -1e-6))
        difference = (numbers(above, "leaky_relu") - numbers(below, "leaky_relu")) / 2e-6
        if not same(call(slope, sums, left, name="slope_of_leaky_relu"), difference, tolerance=1e-3):
            raise AnswerError(f"The slope does not fit the function with negative_slope={left}. Mind both sides.")
    return "Function and slope fit each other."


@check
def every_seed_above(train, threshold, *, seeds=3, epochs=5, rng=None):
    """04, exercise 3: from each of the check's seeds, `train(seed)` returns a network that reads more than this share.

    The network has ten hidden layers of 100 sigmoid units.
    """
    options, scores = {"name": "Your function", "epochs": epochs, "look": _is_a_deep_sigmoid}, []
    for score in scores_of(train, fresh_seeds(rng, seeds), **options):
        scores.append(score)
        if score <= threshold:
            raise AnswerError(f"Seed {len(scores)} of {seeds} reads {score:.3f}, not above {threshold:g}.")
    return f"Even the worst of {seeds} seeds reads {min(scores):.3f}, above {threshold:g}."


def _is_a_deep_sigmoid(model):
    import keras

    layers = getattr(model, "layers", [])
    units = [layer.units for layer in layers if isinstance(layer, keras.layers.Dense)]
    if units != [100] * 10 + [10]:
        raise AnswerError(
            f"The dense layers have {shown(units)} units; ten hidden layers of 100 and ten outputs are wanted."
        )
    # In front of an activation of its own a dense layer is linear.
    used = {layer.activation.__name__ for layer in layers[:-1] if hasattr(layer, "activation")} - {"linear"}
    if used != {"sigmoid"}:
        raise AnswerError(
            f"The hidden layers have the activations {', '.join(sorted(used)) or 'none'}; all are sigmoids."
        )
