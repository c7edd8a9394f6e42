"""Each check says ✓ to a right answer and ✗ to several wrong ones, and never crashes on them."""

import itertools
import math
import time
from functools import partial

import keras
import numpy as np
import pytest
import xarray as xr
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.neighbors import KNeighborsClassifier

from nbhelpers import checks
from nbhelpers.search import bracket


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


def right_networks(grid, folds):
    return math.prod(len(values) for values in grid.values()) * folds + 1


GRID = {
    "units": [8, 16, 32, 64],
    "optimizer": ["sgd", "adam"],
    "learning_rate": [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3],
    "dropout": [0, 0.1, 0.2, 0.3, 0.4, 0.5],
}


def made_up_runs():
    """Good only with SGD at the two largest rates and 32 or 64 units; less dropout and more epochs are better."""
    coords = {**GRID, "seed": [0, 1, 2], "epoch": np.arange(1, 16)}
    zero = xr.DataArray(0.0, dims=[]) + sum(
        xr.DataArray(np.zeros(len(v)), dims=[k], coords={k: v}) for k, v in coords.items()
    )
    good = (zero.optimizer == "sgd") & (zero.learning_rate >= 0.1) & (zero.units >= 32)
    noise = xr.zeros_like(zero) + np.random.default_rng(0).normal(0, 0.01, zero.shape)
    accuracy = 0.5 + 0.4 * good + 0.002 * zero.epoch - 0.2 * zero.dropout + noise
    return xr.Dataset({"val_accuracy": accuracy.transpose(*coords)})


BOX_RUNS = made_up_runs()
GOOD_BOX = {**GRID, "units": [32, 64], "optimizer": ["sgd"], "learning_rate": [0.1, 0.3]}


def right_ratio(values, scores, options):
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    parts = order[: len(order) // 3], order[len(order) // 3 :]
    shares = []
    for part in parts:
        counts = [1 + sum(values[i] == option for i in part) for option in options]
        shares.append([count / sum(counts) for count in counts])
    return [good / rest for good, rest in zip(*shares, strict=True)]


def halving_player(space, rng):
    while True:
        candidates = [tuple(int(rng.integers(len(v))) for v in space.values()) for _ in range(9)]
        yield from bracket(candidates)


def random_player(space, rng):
    while True:
        yield tuple(int(rng.integers(len(v))) for v in space.values()), 15


def lost(before, after):
    return sorted(number for number, trial in before.items() if after.get(number) != trial)


KEPT = {}


def keeping(storage, trials):
    """A search that goes on where it was; its storage is a dictionary."""
    there = KEPT.setdefault(storage, [])
    while len(there) < trials:
        there.append(({"x": len(there)}, 0.0))
    return list(there)


def adding(storage, trials):
    there = KEPT.setdefault(storage, [])
    there += [({"x": len(there) + i}, 0.0) for i in range(trials)]
    return list(there)


def right_thaw(model, learning_rate):
    for layer in model.layers:
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    model.compile(keras.optimizers.Adam(learning_rate), loss="sparse_categorical_crossentropy")


def half_thaw(model, learning_rate):
    for layer in model.layers:
        layer.trainable = True


def thaw_everything(model, learning_rate):
    half_thaw(model, learning_rate)
    model.compile(keras.optimizers.Adam(learning_rate), loss="sparse_categorical_crossentropy")


def nearest(images, labels, seed, *, pixels=60):
    """Nearest neighbours on some pixels: the score on the last half, and the predictions of new images."""
    chosen, half = np.random.default_rng(seed).permutation(784)[:pixels], len(images) // 2
    network = KNeighborsClassifier(1).fit(images[:half, chosen], labels[:half])
    return network.score(images[half:, chosen], labels[half:]), lambda new: network.predict(new[:, chosen])


def luckiest(images, labels, seed):
    return max((nearest(images[:250], labels[:250], 100 * seed + i) for i in range(20)), key=lambda pair: pair[0])


def plain_score(images, labels, seed):
    return nearest(images, labels, seed)


def honest_and_useless(images, labels, seed):
    return nearest(images, labels, seed, pixels=1)


def half_scaled(images, labels, seed, *, scale=255):
    half = len(images) // 2
    regression = LogisticRegression().fit(images[:half], labels[:half])
    return log_loss(labels[half:], regression.predict_proba(images[half:] * scale)), regression.predict_proba


def plain_loss(images, labels, seed):
    return half_scaled(images, labels, seed, scale=1)


def unequal(train):
    sigmoid = train("logistic", epochs=2)
    return max(train("relu", learning_rate=rate, epochs=10) for rate in (0.001, 0.01)) - sigmoid


def equal(train, *, seeds=3, epochs=20):
    best = {}
    for activation in ("logistic", "relu"):
        rates = (0.001, 0.003, 0.01)
        best[activation] = max(
            np.mean([train(activation, learning_rate=rate, epochs=epochs, seed=seed) for seed in range(seeds)])
            for rate in rates
        )
    return best["relu"] - best["logistic"]


ANGLES = np.random.default_rng(0).uniform(-45, 45, 2000)
TURNED = (ANGLES + np.random.default_rng(1).normal(0, 10, 2000))[:, None] * np.ones(784), ANGLES
REPORT = {"val_mse": [95.0, 102.0, 99.0], "test_mse": 101.0}


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
    (partial(checks.typical_error, score=-144), (12,)),
    (checks.networks_of_a_grid, (right_networks,)),
    (checks.small_box, (GOOD_BOX, BOX_RUNS)),
    (partial(checks.epochs_of_a_bracket, candidates=9, rungs=(2, 5, 15)), (37,)),
    (checks.parzen_ratio, (right_ratio,)),
    (checks.better_player, (halving_player, BOX_RUNS)),
    (partial(checks.break_even, start=300, training=10, workers=4), (42,)),
    (checks.lost_trials, (lost,)),
    (checks.resumed, (keeping,)),
    (checks.moved_parameters, (10_605,)),
    (checks.thawed, (right_thaw,)),
    (checks.better_start, ([0.8, 0.81, 0.8], [0.7, 0.71, 0.7])),
    (partial(checks.flaw, 5, name="the luckiest seed", draws=8), (luckiest, plain_score)),
    (partial(checks.flaw, 4, name="one side scaled", loss=True, draws=8, images=200), (half_scaled, plain_loss)),
    (partial(checks.budgets, name="unequal budgets"), (unequal, equal)),
    (partial(checks.procedure, baseline=500), ({**REPORT, "predict": lambda x: x[:, 0]}, *TURNED)),
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
    (partial(checks.typical_error, score=-144), (-12,)),
    (partial(checks.typical_error, score=-144), (144,)),
    (partial(checks.typical_error, score=-144), ("12 degrees",)),
    (checks.networks_of_a_grid, (lambda grid, folds: right_networks(grid, folds) - 1,)),
    (checks.networks_of_a_grid, (lambda grid, folds: sum(map(len, grid.values())) * folds + 1,)),
    (checks.networks_of_a_grid, (lambda grid, folds: None,)),
    (checks.small_box, ({**GRID, "optimizer": ["sgd"]}, BOX_RUNS)),
    (checks.small_box, (GRID, BOX_RUNS)),
    (checks.small_box, ({**GOOD_BOX, "learning_rate": [0.1], "units": [64]}, BOX_RUNS)),
    (checks.small_box, ({**GOOD_BOX, "units": [48]}, BOX_RUNS)),
    (checks.small_box, ({**GOOD_BOX, "units": []}, BOX_RUNS)),
    (checks.small_box, ({"units": [64]}, BOX_RUNS)),
    (partial(checks.epochs_of_a_bracket, candidates=9, rungs=(2, 5, 15)), (48,)),
    (partial(checks.epochs_of_a_bracket, candidates=9, rungs=(2, 5, 15)), (135,)),
    (partial(checks.epochs_of_a_bracket, candidates=9, rungs=(2, 5, 15)), (None,)),
    (checks.parzen_ratio, (lambda values, scores, options: [1 / x for x in right_ratio(values, scores, options)],)),
    (checks.parzen_ratio, (lambda values, scores, options: right_ratio(values, [-s for s in scores], options),)),
    (checks.parzen_ratio, (lambda values, scores, options: None,)),
    (checks.better_player, (random_player, BOX_RUNS)),
    (checks.better_player, (lambda space, rng: iter(()), BOX_RUNS)),
    (checks.better_player, (lambda space, rng: (((0,), 15) for _ in range(9)), BOX_RUNS)),
    (partial(checks.break_even, start=300, training=10, workers=4), (41,)),
    (partial(checks.break_even, start=300, training=10, workers=4), (43,)),
    (partial(checks.break_even, start=300, training=10, workers=4), (42.0,)),
    (checks.lost_trials, (lambda before, after: sorted(before.keys() - after.keys()),)),
    (checks.lost_trials, (lambda before, after: [n for n in before if after.get(n) != before[n]],)),
    (checks.lost_trials, (lambda before, after: None,)),
    (checks.resumed, (adding,)),
    (checks.resumed, (lambda storage, trials: [({"x": time.time_ns() + i}, 0) for i in range(trials)],)),
    (checks.resumed, (lambda storage, trials: [],)),
    (checks.moved_parameters, (505,)),
    (checks.moved_parameters, (10_500,)),
    (checks.moved_parameters, ("some",)),
    (checks.thawed, (lambda model, rate: None,)),
    (checks.thawed, (half_thaw,)),
    (checks.thawed, (thaw_everything,)),
    (checks.thawed, (lambda model, rate: right_thaw(model, rate / 10),)),
    (checks.better_start, ([0.8, 0.7, 0.9], [0.79, 0.71, 0.8])),
    (checks.better_start, ([0.8], [0.7, 0.71, 0.7])),
    (partial(checks.flaw, 5, name="the luckiest seed", draws=8), (luckiest, luckiest)),
    (partial(checks.flaw, 5, name="too few epochs", draws=2), (luckiest, plain_score)),
    (partial(checks.flaw, 5, name="?", draws=2), (luckiest, plain_score)),
    (partial(checks.flaw, 5, name="the luckiest seed", draws=8), (luckiest, honest_and_useless)),
    (partial(checks.flaw, 4, name="one side scaled", loss=True, draws=8, images=200), (half_scaled, half_scaled)),
    (partial(checks.budgets, name="unequal budgets"), (unequal, unequal)),
    (partial(checks.budgets, name="unequal budgets"), (unequal, lambda train: train("relu") - train("relu"))),
    (partial(checks.budgets, name="unequal budgets"), (unequal, lambda train: train("relu") - train("tanh"))),
    (partial(checks.budgets, name="unequal budgets"), (unequal, partial(equal, seeds=1))),
    (partial(checks.budgets, name="unequal budgets"), (unequal, partial(equal, epochs=2))),
    (partial(checks.budgets, name="unequal budgets"), (unequal, lambda train: equal(train) + 0.1)),
    (partial(checks.budgets, name="copies on both sides"), (unequal, equal)),
    (partial(checks.procedure, baseline=500), ({}, *TURNED)),
    (partial(checks.procedure, baseline=500), ({**REPORT, "val_mse": [90.0], "predict": lambda x: x[:, 0]}, *TURNED)),
    (
        partial(checks.procedure, baseline=500),
        ({**REPORT, "val_mse": [0.0] * 3, "predict": lambda x: x[:, 0]}, *TURNED),
    ),
    (partial(checks.procedure, baseline=500), ({**REPORT, "test_mse": 9.0, "predict": lambda x: x[:, 0]}, *TURNED)),
    (partial(checks.procedure, baseline=110), ({**REPORT, "predict": lambda x: x[:, 0]}, *TURNED)),
    (partial(checks.procedure, baseline=500), ({**REPORT, "predict": lambda x: x}, *TURNED)),
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
