"""Each check says ✓ to a right answer and ✗ to several wrong ones, and never crashes on them."""

import itertools

import pytest

from nbhelpers import checks


def right_count(units):
    sizes = [784, *units, 10]
    return sum((a + 1) * b for a, b in itertools.pairwise(sizes))


def right_width(budget, hidden_layers):
    return max(u for u in range(1, 200) if right_count([u] * hidden_layers) <= budget)


RIGHT = [
    (checks.enough_images, (47_500,)),
    (checks.enough_images, (47_550,)),
    (checks.parameter_count, (right_count,)),
    (checks.real_improvement, ([0.94, 0.942, 0.941], [0.96, 0.961, 0.962])),
    (checks.layers_for_pieces, (10,)),
    (checks.width_for_budget, (right_width,)),
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
