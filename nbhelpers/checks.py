"""Check the answers to the exercises: say what is wrong and where to look, never the answer."""

import itertools
import math

from nbhelpers.compare import ruler, tuned


def report(problem, praise):
    """Print ✗ and the problem, or ✓ and the praise where there is no problem."""
    print(f"✗ Not yet. {problem}" if problem else f"✓ {praise}")


def enough_images(images, *, accuracy=0.95, error=0.001):
    """01, exercise 1: the smallest number of images whose binomial error is at most `error`."""
    if not isinstance(images, int) or images < 1:
        return report(f"The number of images is a whole number above zero, got {images!r}.", "")
    found = math.sqrt(accuracy * (1 - accuracy) / images)
    one_less = math.sqrt(accuracy * (1 - accuracy) / max(1, images - 50))
    problem = None
    if found > error * (1 + 1e-9):
        problem = f"With {images:,} images the error is {found:.4f}, above {error:g}. Solve the formula for the images."
    elif one_less <= error:
        problem = f"{images:,} images are more than are needed. Solve the formula for the images."
    return report(problem, f"{images:,} images bring the error down to {found:.4f}.")


def parameter_count(count):
    """01, exercise 2: `count(units)` is the number of parameters of a network on MNIST with these hidden units."""
    hints = {
        (): "No hidden layer: every pixel is joined to every output, and each output has a bias.",
        (1,): "One hidden unit: count what goes in, what goes out, and do not forget the biases.",
        (100,): "One hidden layer of 100 units: each unit has one weight a pixel and one bias.",
        (300, 100): "Two hidden layers: the second one reads the first one, not the pixels.",
        (5, 6, 7): "Three hidden layers: each layer reads the one before it.",
    }
    for units, hint in hints.items():
        sizes = (784, *units, 10)
        right = sum((n_in + 1) * n_out for n_in, n_out in itertools.pairwise(sizes))
        answer = count(units)
        if answer != right:
            return report(f"count_parameters({units}) gave {answer!r}. {hint}", "")
    return report(None, f"All {len(hints)} networks are counted right.")


def real_improvement(before, after):
    """01, exercise 3: accuracies `after`, one a seed, beat those `before` by more than the ruler's margin."""
    try:
        difference, margin = ruler(before, after)
    except ValueError as problem:
        return report(f"{problem}", "")
    problem = None
    if difference < -margin:
        problem = f"It is worse, by {-difference:.4f}, which exceeds the margin of {margin:.4f}."
    elif difference <= margin:
        problem = f"The difference is {difference:+.4f} and the margin {margin:.4f}: noise could have made it."
    return report(problem, f"The difference of {difference:+.4f} exceeds the margin of {margin:.4f}.")


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
