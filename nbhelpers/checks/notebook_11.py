"""Checks of the exercises of notebook 11."""

import itertools
import math

import numpy as np

from nbhelpers.checks.common import (
    AnswerError,
    accuracy_of,
    beats,
    call,
    callable_answer,
    check,
    counted_training,
    cut,
    fresh_seeds,
    mnist,
    shown,
    tuned_scores,
    whole_number,
)


@check
def moved_parameters(count, *, units=(100, 100, 100), classes=5, frozen=2):
    """11, exercise 1: how many weights and biases training moves when so many of the lowest layers are frozen."""
    count = whole_number(count, "The number of weights and biases", least=0)
    sizes = (784, *units, classes)
    each = [(n_in + 1) * n_out for n_in, n_out in itertools.pairwise(sizes)]
    hints = {
        sum(each[:frozen]): "These are the frozen ones.",
        sum(each): "These are all of them, frozen or not.",
        each[-1]: "The output layer is not the only one that learns.",
        sum(a * b for a, b in itertools.pairwise(sizes[frozen:])): "Each unit has a bias, too.",
    }
    if count != sum(each[frozen:]):
        raise AnswerError(
            f"{count} is not it. {hints.get(count, 'Which layers learn, and how large is each of them?')}"
        )
    return f"Of {sum(each):,} parameters training moves {count:,}."


@check
def thawed(thaw):
    """11, exercise 2: `thaw(model, learning_rate)` lets all layers learn again, but for batch normalization."""
    import keras

    from nbhelpers.models import build_mlp

    callable_answer(thaw, name="thaw")
    model = build_mlp((6, 5), batch_norm=True, input_shape=(4,), classes=3)
    for layer in model.layers[:-1]:
        layer.trainable = False
    model.compile("adam", loss="sparse_categorical_crossentropy")
    x, y = np.random.default_rng(0).random((12, 4), "float32"), np.arange(12) % 3
    # From here on a change of `trainable` alone changes nothing.
    model.fit(x, y, verbose=0)
    learned = [np.array(weights) for weights in model.get_weights()]
    answer = call(thaw, model, 0.004, name="thaw")
    model = model if answer is None else answer
    of_kind = {kind: _layers(model, getattr(keras.layers, kind)) for kind in ("Dense", "BatchNormalization")}
    if not all(map(np.array_equal, learned, model.get_weights())):
        raise AnswerError("After your thaw the network has other weights: what it had learned is lost.")
    before = {kind: [_weights(layer) for layer in layers] for kind, layers in of_kind.items()}
    try:
        model.fit(x, y, verbose=0)
        rate = float(model.optimizer.learning_rate)
    except Exception as error:
        problem = f"{type(error).__name__}: {cut(str(error), 80)}"
        raise AnswerError(f"After your thaw, training raised {problem}") from None
    moved = {
        kind: [not np.array_equal(old, _weights(layer)) for old, layer in zip(before[kind], layers, strict=True)]
        for kind, layers in of_kind.items()
    }
    if not moved["Dense"][0]:
        raise AnswerError(
            "The lowest layer did not move in the training after your thaw. Which call makes a change count?"
        )
    if not all(moved["Dense"]):
        raise AnswerError("A dense layer did not move in the training after your thaw: all of them shall learn.")
    if any(moved["BatchNormalization"]):
        raise AnswerError("The averages of batch normalization moved. Which layers must stay as they were?")
    if not math.isclose(rate, 0.004, rel_tol=1e-5):
        raise AnswerError(f"The learning rate is {rate:g}, and 0.004 was asked for.")
    return "The dense layers learn, the normalization stays, at the rate that was asked for."


def _layers(model, kind):
    found = [layer for layer in getattr(model, "layers", []) if isinstance(layer, kind)]
    if not found:
        raise AnswerError(
            f"thaw should return the network, or nothing to change the one that is given; got {shown(model)}."
        )
    return found


def _weights(layer):
    return np.concatenate([np.ravel(weights) for weights in layer.get_weights()])


@check
def better_start(reused, scratch, *, labels=10, rates=(0.001, 0.003, 0.01), seeds=5, rng=None):
    """11, exercise 3: networks with a start of your own beat those from scratch, seed by seed, on equal terms.

    Both are functions ``train(images, labels, learning_rate, seed)`` that return a trained network. The check draws
    so many images of each digit from 5 to 9, other ones for each seed. It tries the rates for both from the first
    two seeds, and trains them from the others at the best. One half of the validation images chooses the rate, the
    other compares.
    """
    rng = np.random.default_rng(rng)
    chosen = fresh_seeds(rng, seeds)
    drawn = {seed: _few_labels(rng, labels) for seed in chosen}
    images, digits = mnist("valid")
    halves = np.array_split(rng.permutation(np.flatnonzero(digits >= 5)), 2)

    def score(rates, seed):
        pairs = zip((reused, scratch), rates, strict=True)
        models, steps = zip(*(_trained(train, *drawn[seed], rate, seed) for train, rate in pairs), strict=True)
        _of_a_kind(models, steps)
        return [
            [accuracy_of(model, images[half], digits[half] - 5, name="Your function") for half in halves]
            for model in models
        ]

    yours, from_scratch = tuned_scores(score, rates, chosen)
    # Notebook 01 found 0.002 for methods that differ in kind, on 10,000 images; here are a quarter as many.
    return f"{beats(from_scratch, yours, image_error=0.004, paired=True)} What your base knows is worth something here."


def _few_labels(rng, labels):
    """Draw so many training images of each digit from 5 to 9, and their labels from 0."""
    images, digits = mnist("train")
    each = [rng.choice(np.flatnonzero(digits == digit), labels, replace=False) for digit in range(5, 10)]
    return images[np.concatenate(each)], digits[np.concatenate(each)] - 5


def _trained(train, *given):
    """Return the Keras network that the reader's function trains, and the number of steps of all its trainings."""
    import keras

    with counted_training() as taken:
        model = call(train, *given, name="Your function")
    if not isinstance(model, keras.Model) or model.optimizer is None:
        raise AnswerError(f"Your function should return a trained Keras network, got {shown(model)}.")
    # Steps that were taken without `fit` are known to the optimizer alone.
    return model, max(taken.steps, int(model.optimizer.iterations))


def _of_a_kind(models, steps):
    """Hold two Keras networks, reused and from scratch, to the same size and number of steps."""
    sizes = [model.count_params() for model in models]
    if sizes[0] != sizes[1]:
        raise AnswerError(
            f"Yours has {sizes[0]:,} parameters, the one from scratch {sizes[1]:,}: compare like with like."
        )
    if steps[0] > steps[1]:
        raise AnswerError(f"Yours was trained for {steps[0]:,} steps, the one from scratch for {steps[1]:,}.")
