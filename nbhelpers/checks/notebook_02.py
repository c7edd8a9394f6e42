"""Checks of the exercises of notebook 02."""

import math

from nbhelpers.checks.common import AnswerError, call, check, named, position, shown, whole_number
from nbhelpers.compare import ruler, tuned
from nbhelpers.numbers import count_parameters


@check
def layers_for_pieces(hidden_layers, *, pieces=1000):
    """02, exercise 1: the fewest folding layers that draw at least so many straight pieces."""
    hidden_layers, fewest = whole_number(hidden_layers, "The number of hidden layers"), math.ceil(math.log2(pieces))
    if hidden_layers > fewest:
        raise AnswerError(f"{hidden_layers} layers draw {pieces:,} pieces; fewer layers would do. See the table.")
    text = f"{hidden_layers} layers draw {2**hidden_layers:,} pieces"
    if hidden_layers < fewest:
        raise AnswerError(f"{text}, fewer than {pieces:,}. See the table.")
    return f"{text}."


@check
def width_for_budget(width):
    """02, exercise 2: `width(budget, hidden_layers)` is the largest constant width within the budget."""
    for budget, hidden_layers in [(10_000, 1), (10_000, 2), (40_000, 4), (100_000, 8), (7_960, 1)]:
        answer = call(width, budget, hidden_layers, name="width_for_budget")
        case = f"width_for_budget({budget:,}, {hidden_layers}) gave {shown(answer)}."
        units = whole_number(answer, f"{case} A width")
        needed = count_parameters([units] * hidden_layers)
        if needed > budget:
            raise AnswerError(f"{case} That needs {needed:,} parameters. Count the biases too.")
        if count_parameters([units + 1] * hidden_layers) <= budget:
            raise AnswerError(f"{case} One unit more would still fit. Layers after the first cost little.")
    return "Five budgets are spent to the last unit that fits."


@check
def deeper_is_better(runs, setting, *, deep=4, shallow=1):
    """02, exercise 3: in this setting the deep network beats the shallow one by more than the ruler's margin."""
    scores = runs["val_accuracy"].sel(epoch=15)
    free = [name for name in scores.dims if name not in ("hidden_layers", "learning_rate", "seed")]
    setting = named(setting, free, "A setting")
    chosen = {name: position(value, runs[name].values.tolist(), name) for name, value in setting.items()}
    accuracy = tuned(scores.isel(chosen))
    difference, margin = ruler(accuracy.sel(hidden_layers=shallow), accuracy.sel(hidden_layers=deep))
    text = f"{deep} layers against {shallow}: {difference:+.4f}"
    if difference <= margin:
        raise AnswerError(
            f"{text}, margin {margin:.4f}. What keeps the training of a deep network going, and what holds it back?"
        )
    return f"{text}, more than the margin of {margin:.4f}."
