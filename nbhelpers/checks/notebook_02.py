"""Checks of the exercises of notebook 02."""

import math

import numpy as np

from nbhelpers.checks.common import AnswerError, built, call, check, cut, named, position, same, whole_number
from nbhelpers.compare import ruler, tuned


@check
def layers_for_pieces(hidden_layers, *, pieces=1000):
    """02, exercise 1: the fewest folding layers that draw at least so many straight pieces."""
    hidden_layers, fewest = whole_number(hidden_layers, "The number of hidden layers"), math.ceil(math.log2(pieces))
    if hidden_layers > fewest:
        raise AnswerError(f"{hidden_layers} layers draw {pieces:,} pieces; fewer layers would do. Move the slider.")
    text = f"{hidden_layers} layers draw {2**hidden_layers:,} pieces"
    if hidden_layers < fewest:
        raise AnswerError(f"{text}, fewer than {pieces:,}. Move the slider.")
    return f"{text}."


@check
def layers_in_keras(funnel):
    """02, exercise 2: `funnel(units)` is a network on MNIST with these hidden units, ReLU, and a softmax output."""
    import keras

    images = np.random.default_rng(0).random((7, 28, 28), "float32")
    for units in ((64, 32), (5,), (9, 8, 7)):
        model = built(funnel, units, name="funnel")
        layers = [keras.layers.Flatten(), *(keras.layers.Dense(n, "relu") for n in units)]
        right = keras.Sequential([keras.Input((28, 28)), *layers, keras.layers.Dense(10, "softmax")])
        shapes, wanted = ([weights.shape for weights in one.get_weights()] for one in (model, right))
        if shapes != wanted:
            raise AnswerError(
                f"funnel({units}) has weights of the shapes {cut(str(shapes), 120)}. A layer of so many units for each "
                "number, and one of ten for the digits, would have others; layers without weights do no harm."
            )
        right.set_weights(model.get_weights())
        if not same(call(model, images, name="Your network"), np.asarray(right(images)), tolerance=1e-4):
            raise AnswerError(
                f"The layers of funnel({units}) have the right sizes, and compute something else. Is the activation of "
                "each hidden layer ReLU, and that of the output softmax?"
            )
    return "Three networks have the layers that they should have, and compute what they should."


@check
def deeper_is_better(runs, setting, *, deep=4, shallow=1):
    """02, exercise 3: in this setting the deep network beats the shallow one by more than the ruler's margin."""
    scores = runs["val_accuracy"].isel(epoch=-1)
    free = [name for name in scores.dims if name not in ("hidden_layers", "learning_rate", "seed")]
    setting = named(setting, free, "A setting")
    chosen = {name: position(value, runs[name].values.tolist(), name) for name, value in setting.items()}
    accuracy = tuned(scores.isel(chosen))
    settings = math.prod(scores.sizes[name] for name in free)
    pair = (accuracy.sel(hidden_layers=layers) for layers in (shallow, deep))
    difference, margin = ruler(*pair, comparisons=settings)
    text = f"{deep} layers against {shallow}: {difference:+.4f}"
    if difference <= margin:
        raise AnswerError(
            f"{text}, margin {margin:.4f}. What keeps the training of a deep network going, and what holds it back?"
        )
    return f"{text}, more than the margin of {margin:.4f}."
