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
