"""Each check says ✓ to a right answer and ✗ to several wrong ones, and never crashes on them."""

import itertools

import numpy as np
import pytest
import xarray as xr

from nbhelpers import checks


def right_count(units):
    sizes = [784, *units, 10]
    return sum((a + 1) * b for a, b in itertools.pairwise(sizes))


def right_width(budget, hidden_layers):
    return max(u for u in range(1, 200) if right_count([u] * hidden_layers) <= budget)


def recorded(**coords):
    """Made-up runs: accuracy 0.9, a little more with tanh and four layers, and a little seed noise."""
    names = {"units": [8, 512], "hidden_layers": [1, 4], "activation": ["relu", "tanh"], "learning_rate": [0.1, 1.0]}
    coords = {**names, "seed": [0, 1, 2], "epoch": [15], **coords}
    shape = [len(values) for values in coords.values()]
    accuracy = xr.DataArray(np.full(shape, 0.9), dims=list(coords), coords=coords)
    accuracy = (
        accuracy + 0.0005 * accuracy.seed + 0.05 * ((accuracy.activation == "tanh") & (accuracy.hidden_layers == 4))
    )
    return xr.Dataset({"val_accuracy": accuracy + 0.02 * (accuracy.units >= 256)})


ATLAS = recorded()
WIDTHS = recorded(units=[64, 128, 256, 512]).isel(activation=0, drop=True)


def right_multiplications(units):
    return sum(a * b for a, b in itertools.pairwise([784, *units, 10]))


def right_deviation(scheme, inputs, outputs):
    return {"lecun": 1 / inputs, "glorot": 2 / (inputs + outputs), "he": 2 / inputs}[scheme] ** 0.5


def right_leaky_relu(z, negative_slope):
    return np.where(z > 0, z, negative_slope * z)


def right_slope(z, negative_slope):
    return np.where(z > 0, 1, negative_slope)


RATES = [0.001, 0.01]
BY_ACTIVATION = xr.DataArray(
    [[[[0.93, 0.931]], [[0.95, 0.951]]], [[[0.95, 0.951]], [[0.93, 0.931]]]],
    dims=["activation", "learning_rate", "epoch", "seed"],
    coords={"activation": ["sigmoid", "relu"], "learning_rate": RATES, "epoch": [15], "seed": [0, 1]},
)
ACTIVATIONS = xr.Dataset({"val_accuracy": BY_ACTIVATION.expand_dims(hidden_layers=[2])})


def few_images():
    """Made-up runs: weight decay helps at the large rate alone, dropout at every rate."""
    names = {"penalty": ["none", "l2=1"], "dropout": [0.0, 0.2], "learning_rate": RATES, "epoch": [60], "seed": [0, 1]}
    accuracy = xr.DataArray(np.full([len(v) for v in names.values()], 0.9), dims=list(names), coords=names)
    large, l2, dropped = accuracy.learning_rate == 0.01, accuracy.penalty == "l2=1", accuracy.dropout == 0.2
    accuracy = accuracy - 0.05 * (large & ~l2) + 0.02 * dropped + 0.001 * accuracy.seed
    return xr.Dataset({"val_accuracy": accuracy})


FEW = few_images()


def right_dropout(outputs, rate, rng):
    return np.where(rng.random(outputs.shape) < rate, 0, outputs / (1 - rate))


def right_penalty(kernels, l1, l2):
    return sum(l1 * np.abs(k).sum() + l2 * (k**2).sum() for k in kernels)


def right_fold(kernel, gamma, beta, mean, variance, epsilon):
    scale = gamma / np.sqrt(variance + epsilon)
    return kernel * scale, beta - mean * scale


def right_cosine(step, steps, largest):
    return largest * (1 + np.cos(np.pi * step / steps)) / 2


RIGHT = [
    (checks.enough_images, (47_500,)),
    (checks.enough_images, (47_550,)),
    (checks.parameter_count, (right_count,)),
    (checks.real_improvement, ([0.94, 0.942, 0.941], [0.96, 0.961, 0.962])),
    (checks.layers_for_pieces, (10,)),
    (checks.width_for_budget, (right_width,)),
    (checks.deeper_is_better, (ATLAS, {"units": 8, "activation": "tanh"})),
    (checks.smallest_width, (256, WIDTHS)),
    (checks.multiplications, (right_multiplications,)),
    (checks.small_network, (10_000, [0.90, 0.902], [0.92, 0.921])),
    (checks.unfair_rate, (0.01, ACTIVATIONS)),
    (checks.initial_deviation, (right_deviation,)),
    (checks.leaky_relu, (right_leaky_relu, right_slope)),
    (checks.every_seed_above, ([0.6, 0.7, 0.51], 0.5)),
    (checks.flattered_by_the_rate, ({"penalty": "l2=1", "dropout": 0.0, "learning_rate": 0.01}, FEW)),
    (checks.hand_dropout, (right_dropout,)),
    (checks.penalty, (right_penalty,)),
    (checks.forgetting_steps, (459,)),
    (checks.forgetting_steps, (np.ceil(458.2),)),
    (checks.folded_batch_norm, (right_fold,)),
    (checks.as_good_as, ([0.94, 0.942], [0.94, 0.941])),
    (checks.as_good_as, ([0.94, 0.942], [0.96, 0.961])),
    (checks.log_spaced, (np.geomspace(1e-4, 1, 9),)),
    (checks.log_spaced, ([0.0001, 0.000316, 0.001, 0.00316, 0.01, 0.0316, 0.1, 0.316, 1],)),
    (checks.cosine_schedule, (right_cosine,)),
]
WRONG = [
    (checks.enough_images, (10_000,)),
    (checks.enough_images, (47_499,)),
    (checks.enough_images, (60_000,)),
    (checks.enough_images, (None,)),
    (checks.parameter_count, (lambda units: 7850,)),
    (checks.parameter_count, (lambda units: right_count(units) - sum(units),)),
    (checks.real_improvement, ([0.94, 0.942], [0.94, 0.942])),
    (checks.real_improvement, ([0.96, 0.961], [0.94, 0.942])),
    (checks.real_improvement, ([0.94, 0.942], [0.96])),
    (checks.layers_for_pieces, (9,)),
    (checks.layers_for_pieces, (11,)),
    (checks.layers_for_pieces, (1000.0,)),
    (checks.width_for_budget, (lambda budget, hidden_layers: budget // 784,)),
    (checks.width_for_budget, (lambda budget, hidden_layers: right_width(budget, hidden_layers) - 1,)),
    (checks.width_for_budget, (lambda budget, hidden_layers: None,)),
    (checks.deeper_is_better, (ATLAS, {"units": 8, "activation": "relu"})),
    (checks.deeper_is_better, (ATLAS, {"units": 9, "activation": "tanh"})),
    (checks.deeper_is_better, (ATLAS, {"units": 8})),
    (checks.smallest_width, (128, WIDTHS)),
    (checks.smallest_width, (512, WIDTHS)),
    (checks.smallest_width, (100, WIDTHS)),
    (checks.multiplications, (right_count,)),
    (checks.small_network, (10_001, [0.90, 0.902], [0.92, 0.921])),
    (checks.small_network, (10_000, [0.90, 0.902], [0.90, 0.902])),
    (checks.unfair_rate, (0.001, ACTIVATIONS)),
    (checks.unfair_rate, (0.5, ACTIVATIONS)),
    (checks.initial_deviation, (lambda scheme, inputs, outputs: right_deviation(scheme, inputs, outputs) ** 2,)),
    (checks.initial_deviation, (lambda scheme, inputs, outputs: None,)),
    (checks.leaky_relu, (right_leaky_relu, right_leaky_relu)),
    (checks.leaky_relu, (lambda z, negative_slope: z, right_slope)),
    (checks.leaky_relu, (lambda z, negative_slope: right_leaky_relu(z, 0.2), right_slope)),
    (checks.every_seed_above, ([0.6, 0.7, 0.5], 0.5)),
    (checks.every_seed_above, ([0.6, 0.7], 0.5)),
    (checks.every_seed_above, ([0.6, 0.7, float("nan")], 0.5)),
    (checks.flattered_by_the_rate, ({"penalty": "l2=1", "dropout": 0.0, "learning_rate": 0.001}, FEW)),
    (checks.flattered_by_the_rate, ({"penalty": "none", "dropout": 0.2, "learning_rate": 0.01}, FEW)),
    (checks.flattered_by_the_rate, ({"penalty": "l2=1", "dropout": 0.5, "learning_rate": 0.01}, FEW)),
    (checks.flattered_by_the_rate, ({"penalty": "l2=1"}, FEW)),
    (checks.hand_dropout, (lambda outputs, rate, rng: outputs,)),
    (checks.hand_dropout, (lambda outputs, rate, rng: right_dropout(outputs, rate, rng) * (1 - rate),)),
    (checks.hand_dropout, (lambda outputs, rate, rng: outputs * (rng.random(500) >= rate) / (1 - rate),)),
    (checks.hand_dropout, (lambda outputs, rate, rng: outputs[0],)),
    (checks.hand_dropout, (lambda outputs, rate, rng: right_dropout(outputs, rate, np.random.default_rng(0)),)),
    (checks.hand_dropout, (lambda o, rate, rng: np.where(o < np.quantile(o, rate), 0, o / (1 - rate)),)),
    (checks.penalty, (lambda kernels, l1, l2: right_penalty(kernels[:1], l1, l2),)),
    (checks.penalty, (lambda kernels, l1, l2: None,)),
    (checks.forgetting_steps, (458,)),
    (checks.forgetting_steps, (1000,)),
    (checks.forgetting_steps, (458.2,)),
    (checks.folded_batch_norm, (lambda kernel, *others: (kernel, others[1]),)),
    (checks.folded_batch_norm, (lambda kernel, *others: kernel,)),
    (checks.folded_batch_norm, (lambda kernel, *others: (kernel.T, others[1]),)),
    (checks.as_good_as, ([0.94, 0.942], [0.92, 0.921])),
    (checks.as_good_as, ([0.94, 0.942], [0.92])),
    (checks.as_good_as, ([0.88, 0.86, 0.89], [0.94, 0.4, 0.1])),
    (checks.log_spaced, (np.linspace(1e-4, 1, 9),)),
    (checks.log_spaced, (np.geomspace(1e-4, 1, 5),)),
    (checks.log_spaced, (np.geomspace(1e-3, 1, 9),)),
    (checks.log_spaced, ("fast",)),
    (checks.cosine_schedule, (lambda step, steps, largest: largest * (1 - step / steps),)),
    (checks.cosine_schedule, (lambda step, steps, largest: right_cosine(step, steps, 1.0),)),
    (checks.cosine_schedule, (lambda step, steps, largest: None,)),
    (checks.cosine_schedule, (lambda step, steps, largest: right_cosine(step, 1000, largest),)),
]


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_a_right_answer_passes(check, answer, capsys):
    check(*answer)
    assert capsys.readouterr().out.startswith("✓")


@pytest.mark.parametrize(("check", "answer"), WRONG)
def test_a_wrong_answer_gets_a_sentence(check, answer, capsys):
    check(*answer)
    out = capsys.readouterr().out
    assert out.startswith("✗ Not yet. ") and len(out.split()) > 8
