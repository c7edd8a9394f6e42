"""Checks of the exercises of notebook 03."""

import itertools

from nbhelpers.checks.common import real_improvement, report
from nbhelpers.compare import ruler, tuned


def smallest_width(units, runs, *, accepted=0.005):
    """03, exercise 1: the smallest width whose loss against 512 units, margin included, is at most `accepted`."""
    accuracy = tuned(runs["val_accuracy"].sel(epoch=15, hidden_layers=1))
    widths = accuracy.units.values.tolist()
    if units not in widths:
        return report(f"{units!r} is not among the recorded widths: {', '.join(map(str, widths))}.", "")

    def worst_loss(width):
        difference, margin = ruler(accuracy.sel(units=512), accuracy.sel(units=width))
        return 0.0 if width == 512 else margin - difference

    narrower = [width for width in widths if width < units]
    problem = None
    if worst_loss(units) > accepted:
        problem = f"{units} units may lose {worst_loss(units):.4f}, margin included. Compare each width with 512."
    elif narrower and worst_loss(narrower[-1]) <= accepted:
        problem = f"{units} units qualify, and so does a smaller width. Compare the next smaller one with 512."
    return report(problem, f"{units} units are the fewest; they lose {worst_loss(units):.4f} at worst.")


def multiplications(count):
    """03, exercise 2: `count(units)` is the number of multiplications for one image of MNIST."""
    hints = {
        (): "Without a hidden layer each of 784 pixels is multiplied once for each output.",
        (100,): "Two layers of weights: pixels to hidden, hidden to outputs.",
        (300, 100): "The second hidden layer reads the first one. Biases are not multiplied.",
    }
    for units, hint in hints.items():
        right = sum(a * b for a, b in itertools.pairwise((784, *units, 10)))
        answer = count(units)
        if answer != right:
            return report(f"multiplications({units}) gave {answer!r}. {hint}", "")
    return report(None, f"All {len(hints)} networks are counted right.")


def small_network(parameters, before, after, *, budget=10_000):
    """03, exercise 3: within the budget, accuracies `after` beat `before` by more than the ruler's margin."""
    if parameters > budget:
        return report(f"The network has {parameters:,} parameters, more than {budget:,}. Narrow it.", "")
    return real_improvement(before, after)
