"""Checks of the exercises of notebook 03."""

import numpy as np

from nbhelpers.checks.common import (
    AnswerError,
    accuracy_of,
    beats,
    built,
    call,
    check,
    cut,
    fresh_seeds,
    mnist,
    position,
    refuse_the_same,
    same,
    shown,
    sizes_of,
    tuned_scores,
)
from nbhelpers.compare import ruler, tuned


@check
def smallest_width(units, runs, *, accepted=0.01):
    """03, exercise 1: the smallest width whose loss against the widest, margin included, is at most `accepted`."""
    accuracy = tuned(runs["val_accuracy"].isel(epoch=-1).sel(hidden_layers=1))
    widths = accuracy.units.values.tolist()
    widest, units = max(widths), widths[position(units, widths, "units")]

    def worst_loss(width):
        difference, margin = ruler(accuracy.sel(units=widest), accuracy.sel(units=width))
        return 0.0 if width == widest else margin - difference

    if worst_loss(units) > accepted:
        raise AnswerError(
            f"{units} units may lose {worst_loss(units):.4f}, margin included. Compare each width with {widest:,}."
        )
    if any(worst_loss(width) <= accepted for width in widths if width < units):
        raise AnswerError(f"{units} units qualify, and so does a smaller width. Compare those with {widest:,}, too.")
    return f"{units} units are the fewest; they lose {worst_loss(units):.4f} at worst."


@check
def multiplications(count):
    """03, exercise 2: `count(units)` is the number of multiplications for one image of MNIST."""
    hints = {
        (): "Without a hidden layer each of 784 pixels is multiplied once for each output.",
        (100,): "Two layers of weights: pixels to hidden, hidden to outputs.",
        (300, 100): "The second hidden layer reads the first one. Biases are not multiplied.",
    }
    for units, hint in hints.items():
        answer = call(count, units, name="multiplications")
        if not same(answer, sum(inputs * outputs for inputs, outputs in sizes_of(units))):
            raise AnswerError(f"multiplications({units}) gave {shown(answer)}. {hint}")
    return f"All {len(hints)} networks are counted right."


@check
def small_network(build, *, budget=10_000, rates=(0.003, 0.01), seeds=4, epochs=5, rng=None):
    """03, exercise 3: the network that `build()` returns is within the budget, and beats one layer of 12 units.

    The check trains both alike: from the same seeds, new ones at each call, on the same 10,000 training images, in
    batches of 125, with Adam, each at the rate that is better for it from the first two seeds. So neither more
    epochs nor a better rate decide. What is trained are copies with new weights, so nothing that the network learned
    before counts.
    """
    from nbhelpers.models import build_mlp

    model = _copy(built(build, name="build"))
    parameters = model.count_params()
    if parameters > budget:
        raise AnswerError(
            f"The network has {parameters:,} parameters, more than {budget:,}. Where do most of them lie?"
        )
    baseline, chosen = build_mlp((12,)), fresh_seeds(rng, seeds)
    if parameters == baseline.count_params():
        refuse_the_same(*(_trained(each, rates[0], seed=chosen[0], epochs=epochs) for each in (model, baseline)))

    def score(rates, seed):
        trained = [_trained(*each, seed=seed, epochs=epochs) for each in zip((model, baseline), rates, strict=True)]
        return [[accuracy_of(network, *mnist("valid"), name="build")] * 2 for network in trained]

    yours, others = tuned_scores(score, rates, chosen)
    return f"{beats(others, yours)} It has {parameters:,} parameters."


def _copy(model):
    """Return a network of the same layers with new weights, drawn from the seed of Keras."""
    import keras

    try:
        copy = keras.models.clone_model(model)
        copy.count_params()
    except Exception as error:
        problem = cut(f"{type(error).__name__}: {error}", 200)
        raise AnswerError(f"The check trains copies of your network, and making one raised {problem}") from None
    return copy


def _trained(model, rate, *, seed, epochs):
    """Return a copy with new weights, trained on 10,000 images; weights and images follow from the seed."""
    import keras

    from nbhelpers.models import batches

    images, labels = mnist("train")
    drawn = np.random.default_rng(seed).choice(len(images), 10_000, replace=False)
    keras.utils.set_random_seed(seed)
    model = _copy(model)
    # Forty steps in one call, no variables made in the first, and no metrics: the same training in half the time.
    model.compile(
        keras.optimizers.Adam(rate), loss="sparse_categorical_crossentropy", metrics=[], steps_per_execution=40
    )
    try:
        model.optimizer.build(model.trainable_variables)
        model.fit(batches(images[drawn], labels[drawn]), epochs=epochs, shuffle=False, verbose=0)
    except Exception as error:
        problem = cut(str(error), 200)
        raise AnswerError(
            f"Training your network on images of 28 × 28 pixels raised {type(error).__name__}: {problem}"
        ) from None
    return model
