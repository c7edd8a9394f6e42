"""Checks of the exercises of notebook 02."""

import itertools

from nbhelpers.checks.common import report
from nbhelpers.compare import ruler, tuned


def layers_for_pieces(hidden_layers, *, pieces=1000):
    """02, exercise 1: the fewest folding layers that draw at least so many straight pieces."""
    if not isinstance(hidden_layers, int) or hidden_layers < 1:
        return report(f"The number of hidden layers is a whole number above zero, got {hidden_layers!r}.", "")
    problem = None
    if 2**hidden_layers < pieces:
        problem = f"{hidden_layers} layers draw {2**hidden_layers:,} pieces, fewer than {pieces:,}. See the table."
    elif 2 ** (hidden_layers - 1) >= pieces:
        problem = f"{hidden_layers} layers draw {2**hidden_layers:,} pieces; fewer layers would do. See the table."
    return report(problem, f"{hidden_layers} layers draw {2**hidden_layers:,} pieces.")


def width_for_budget(width):
    """02, exercise 2: `width(budget, hidden_layers)` is the largest constant width within the budget."""

    def parameters(units, hidden_layers):
        return sum((a + 1) * b for a, b in itertools.pairwise((784, *[units] * hidden_layers, 10)))

    for budget, hidden_layers in [(10_000, 1), (10_000, 2), (40_000, 4), (100_000, 8), (7_960, 1)]:
        answer = width(budget, hidden_layers)
        case = f"width_for_budget({budget:,}, {hidden_layers}) gave {answer!r}."
        if not hasattr(answer, "__index__") or answer < 1:
            return report(f"{case} A width is a whole number of units, at least 1.", "")
        if parameters(answer, hidden_layers) > budget:
            return report(
                f"{case} That needs {parameters(answer, hidden_layers):,} parameters. Count the biases too.", ""
            )
        if parameters(answer + 1, hidden_layers) <= budget:
            return report(f"{case} One unit more would still fit. Layers after the first cost little.", "")
    return report(None, "Five budgets are spent to the last unit that fits.")


def deeper_is_better(runs, setting, *, deep=4, shallow=1):
    """02, exercise 3: in this setting the deep network beats the shallow one by more than the ruler's margin."""
    free = [
        name for name in runs["val_accuracy"].dims if name not in ("hidden_layers", "learning_rate", "seed", "epoch")
    ]
    if sorted(setting) != sorted(free):
        return report(
            f"A setting names {', '.join(free)}, each once; yours names {', '.join(setting) or 'nothing'}.", ""
        )
    for name, value in setting.items():
        if value not in runs[name].values:
            known = ", ".join(map(str, runs[name].values))
            return report(f"{name}={value!r} was not recorded. Choose one of: {known}.", "")
    accuracy = tuned(runs["val_accuracy"].sel(epoch=15).sel(setting))
    difference, margin = ruler(accuracy.sel(hidden_layers=shallow), accuracy.sel(hidden_layers=deep))
    problem = None
    if difference <= margin:
        problem = (
            f"{deep} layers against {shallow}: {difference:+.4f}, margin {margin:.4f}. Try what slows a network down."
        )
    return report(problem, f"{deep} layers against {shallow}: {difference:+.4f}, more than the margin of {margin:.4f}.")
