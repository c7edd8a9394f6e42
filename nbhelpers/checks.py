"""Check the answers to the exercises: say what is wrong and where to look, never the answer."""

import itertools
import math
import time
from functools import cache

import numpy as np

from nbhelpers.compare import ruler, tuned
from nbhelpers.search import RUNGS, incumbents, random_search, run_search, space_of, split_by_seed


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


def unfair_rate(learning_rate, runs):
    """04, exercise 1: a recorded rate at which two sigmoid layers beat two ReLU layers by more than the margin."""
    accuracy = runs["val_accuracy"].sel(epoch=15, hidden_layers=2)
    if learning_rate not in accuracy.learning_rate.values:
        known = ", ".join(f"{rate:g}" for rate in accuracy.learning_rate.values)
        return report(f"{learning_rate!r} was not recorded. Choose one of: {known}.", "")
    at_rate = accuracy.sel(learning_rate=learning_rate)
    difference, margin = ruler(at_rate.sel(activation="relu"), at_rate.sel(activation="sigmoid"))
    text = f"At {learning_rate:g} the sigmoid differs from ReLU by {difference:+.4f}, margin {margin:.4f}."
    problem = None if difference > margin else f"{text} Which of the two wants larger steps?"
    return report(problem, f"{text} Nobody who sees this figure alone could tell.")


def initial_deviation(deviation):
    """04, exercise 2: `deviation(scheme, inputs, outputs)` is the standard deviation that the scheme prescribes."""
    hints = {
        "lecun": "LeCun's variance depends on the inputs alone.",
        "glorot": "Glorot's variance is a compromise between inputs and outputs.",
        "he": "He's variance makes up for the half that ReLU zeroes.",
    }
    variances = {"lecun": lambda i, o: 1 / i, "glorot": lambda i, o: 2 / (i + o), "he": lambda i, o: 2 / i}
    for (scheme, hint), (inputs, outputs) in itertools.product(hints.items(), [(784, 100), (100, 10), (50, 50)]):
        answer = deviation(scheme, inputs, outputs)
        if not _close(answer, math.sqrt(variances[scheme](inputs, outputs))):
            case = f"initial_deviation({scheme!r}, {inputs}, {outputs}) gave {answer!r}."
            return report(f"{case} {hint} The deviation is the square root of the variance.", "")
    return report(None, "All three schemes are right.")


def leaky_relu(function, slope):
    """04, exercise 3: leaky ReLU of an array and its slope, for any slope on the left."""
    sums = np.array([-3.0, -1.0, -0.1, 0.1, 1.0, 3.0])
    for left in (0.01, 0.2, 0.5):
        if not _close(function(sums, left), np.where(sums > 0, sums, left * sums)):
            return report(f"leaky_relu is wrong with negative_slope={left}: on the right z itself, on the left?", "")
        difference = (np.asarray(function(sums + 1e-6, left)) - np.asarray(function(sums - 1e-6, left))) / 2e-6
        if not _close(slope(sums, left), difference, tolerance=1e-3):
            return report(f"The slope does not fit the function with negative_slope={left}. Mind both sides.", "")
    return report(None, "Function and slope fit each other.")


def every_seed_above(accuracies, threshold, *, seeds=3):
    """04, exercise 4: so many accuracies, each above the threshold."""
    accuracies = np.ravel(accuracies)
    if len(accuracies) < seeds or not np.isfinite(accuracies).all():
        return report(
            f"The check wants the accuracies of {seeds} seeds, finite numbers; got {accuracies.tolist()}.", ""
        )
    worst = float(accuracies.min())
    problem = None if worst > threshold else f"The worst seed reads {worst:.3f}, not above {threshold:g}."
    return report(problem, f"Even the worst seed reads {worst:.3f}, above {threshold:g}.")


def flattered_by_the_rate(setting, runs):
    """05, exercise 1: at one learning rate this regularizer beats none by more than the margin; tuned, it does not."""
    accuracy = runs["val_accuracy"].sel(epoch=60)
    wanted = ("penalty", "dropout", "learning_rate")
    if sorted(setting) != sorted(wanted):
        return report(f"A setting names {', '.join(wanted)}, each once; yours names {', '.join(setting)}.", "")
    for name, value in setting.items():
        if value not in accuracy[name].values:
            known = ", ".join(f"{v}" for v in accuracy[name].values)
            return report(f"{name}={value!r} was not recorded. Choose one of: {known}.", "")
    regularizer = {name: setting[name] for name in ("penalty", "dropout")}
    plain, regularized = accuracy.sel(penalty="none", dropout=0.0), accuracy.sel(regularizer)
    rate = {"learning_rate": setting["learning_rate"]}
    naive, naive_margin = ruler(plain.sel(rate), regularized.sel(rate))
    fair, fair_margin = ruler(tuned(plain), tuned(regularized))
    text = f"At this rate {naive:+.4f}, margin {naive_margin:.4f}; tuned {fair:+.4f}, margin {fair_margin:.4f}."
    problem = None
    if naive <= naive_margin:
        problem = f"{text} It does not even look better at this rate. Try the rate that people use by default."
    elif fair > fair_margin:
        problem = f"{text} This one is better when tuned, too, so its lead is earned. Look for another."
    return report(problem, text)


def hand_dropout(dropout):
    """05, exercise 2: `dropout(outputs, rate, rng)` zeroes a random share and keeps the mean."""
    outputs = np.random.default_rng(0).uniform(1, 2, (200, 500))
    for rate in (0.0, 0.2, 0.5):
        case = f"With rate={rate}"
        found, again = (dropout(outputs.copy(), rate, np.random.default_rng(seed)) for seed in (1, 2))
        if np.shape(found) != outputs.shape or np.shape(again) != outputs.shape:
            return report(f"{case} the shape is {np.shape(found)} instead of {outputs.shape}.", "")
        zeros = np.asarray(found) == 0
        if abs(zeros.mean() - rate) > 0.01:
            return report(f"{case} a share of {zeros.mean():.2f} is zero. Compare random numbers with the rate.", "")
        if rate and abs((zeros & (np.asarray(again) == 0)).mean() - rate**2) > 0.01:
            return report(f"{case} another generator drops much the same outputs. Draw the numbers from `rng`.", "")
        if rate and (zeros.all(axis=0).any() or zeros.all(axis=1).any()):
            return report(f"{case} whole rows or columns are zero. Each output of each image has its own chance.", "")
        if not _close(np.asarray(found)[~zeros], outputs[~zeros] / (1 - rate)):
            return report(f"{case} the outputs that stay should grow so that the mean over many masks stays.", "")
    return report(None, "The right share is dropped at random, and the mean stays.")


def penalty(function):
    """05, exercise 3: `function(kernels, l1, l2)` is what the two penalties add to the loss."""
    kernels = [np.array([[1.0, -2.0], [0.5, 0.0]]), np.array([[3.0], [-1.0]])]
    right = {(0.0, 0.0): 0.0, (0.1, 0.0): 0.75, (0.0, 0.1): 1.525, (0.1, 0.2): 3.8}
    for (l1, l2), value in right.items():
        answer = function(kernels, l1, l2)
        if not _close(answer, value):
            hint = "L1 sums absolute values, L2 squares, over all kernels."
            return report(f"With l1={l1} and l2={l2} your penalty is {answer!r}. {hint}", "")
    return report(None, "Both penalties are right, alone and together.")


def forgetting_steps(steps, *, momentum=0.99, left=0.01):
    """06, exercise 1: the fewest steps after which the starting value has at most this weight."""
    if not hasattr(steps, "__float__") or not float(steps).is_integer() or steps < 1:
        return report(f"The number of steps is a whole number above zero, got {steps!r}.", "")
    steps = int(steps)
    problem, weight = None, momentum**steps
    if weight > left:
        problem = f"After {steps} steps the start still has a weight of {weight:.3f}. Each step multiplies it again."
    elif momentum ** (steps - 1) <= left:
        problem = f"{steps} steps are more than are needed: one fewer would do. Take logarithms."
    return report(problem, f"After {steps} steps the start has a weight of {weight:.4f}.")


def folded_batch_norm(fold):
    """06, exercise 2: `fold(kernel, gamma, beta, mean, variance, epsilon)` is one dense layer, kernel and bias."""
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=(20, 7)), rng.normal(size=(7, 4))
    gamma, beta, mean, variance = rng.uniform(0.5, 2, (4, 4))
    right = gamma * (x @ kernel - mean) / np.sqrt(variance + 1e-3) + beta
    answer = fold(kernel, gamma, beta, mean, variance, 1e-3)
    if not isinstance(answer, tuple) or len(answer) != 2:
        return report("Return two arrays, the kernel and the bias of the one layer that does the work of two.", "")
    if np.shape(answer[0]) != (7, 4) or np.shape(answer[1]) != (4,):
        shapes = f"{np.shape(answer[0])} and {np.shape(answer[1])}"
        return report(f"The shapes are {shapes}; the kernel keeps its shape, and each unit has one bias.", "")
    if not _close(x @ np.asarray(answer[0]) + np.asarray(answer[1]), right):
        hint = "Write out what happens to a sum, and collect what multiplies the inputs and what does not."
        return report(f"The one layer gives other numbers than the two. {hint}", "")
    return report(None, "One dense layer does the work of two.")


def as_good_as(reference, mine):
    """06, exercise 3: accuracies `mine` are not worse than the reference by more than the ruler's margin."""
    try:
        difference, margin = ruler(reference, mine)
    except ValueError as problem:
        return report(f"{problem}", "")
    text = f"Yours differ by {difference:+.4f}, margin {margin:.4f}."
    problem = None
    if difference <= -margin:
        problem = f"{text} They are worse than the reference by more than noise."
    elif margin > 0.04:
        problem = f"{text} The seeds differ too much to tell; make the training steadier, or take more seeds."
    return report(problem, f"{text} They hold their own.")


def log_spaced(rates, *, low=1e-4, high=1.0, count=9):
    """07, exercise 1: so many rates from `low` to `high`, each the same factor above the one before."""
    try:
        rates = np.asarray(rates, float).ravel()
    except (TypeError, ValueError):
        return report(f"The rates are a list of numbers, got {rates!r}.", "")
    problem = None
    if len(rates) != count:
        problem = f"There are {len(rates)} rates instead of {count}."
    elif not (rates > 0).all() or not _close([rates[0], rates[-1]], [low, high]):
        problem = f"The first should be {low:g} and the last {high:g}, and all above zero."
    elif np.ptp(np.log(rates[1:] / rates[:-1])) > 0.02:
        factors = rates[1:] / rates[:-1]
        problem = (
            f"The factor from one to the next goes from {factors.min():.2f} to {factors.max():.2f}. Make it equal."
        )
    return report(
        problem, f"{count} rates, each {(rates[-1] / rates[0]) ** (1 / (count - 1)):.2f} times the one before."
    )


def cosine_schedule(schedule):
    """07, exercise 2: `schedule(step, steps, largest)` falls along half a cosine from the largest rate to zero."""
    hints = {0: "It starts at the largest rate.", 1: "It ends at zero.", 0.5: "In the middle it is half."}
    for (largest, steps), share in itertools.product([(1.0, 1000), (0.02, 400)], (0, 1, 0.5, 0.25, 0.9)):
        step = round(share * steps)
        answer = schedule(step, steps, largest)
        if not _close(answer, largest * 0.5 * (1 + math.cos(math.pi * step / steps))):
            hint = hints.get(share, "Half a cosine: from cos 0 to cos π.")
            return report(f"At step {step} of {steps}, largest {largest}, it gave {answer!r}. {hint}", "")
    return report(None, "The schedule falls along half a cosine.")


def typical_error(answer, *, score):
    """08, exercise 1: the typical error, in the unit of the target, that a negative mean squared error means."""
    problem = None
    if not isinstance(answer, int | float | np.number):
        problem = f"The typical error is a number, got {answer!r}."
    elif answer < 0:
        problem = f"{answer:g} is below zero. The score is the opposite of the mean squared error."
    elif not _close(answer, math.sqrt(-score), tolerance=0.01):
        problem = f"{answer:g} is not it. Mind the unit: the score is in degrees², the typical error in degrees."
    return report(problem, f"A score of {score:g} means a typical error of {math.sqrt(-score):.3g} degrees.")


def networks_of_a_grid(networks):
    """08, exercise 2: `networks(grid, folds)` counts the trainings of a grid search, the last one included."""
    cases = [
        ({"learning_rate": [0.1, 0.01]}, 2, "Two candidates, each trained once a fold, and the winner once more."),
        ({"units": [10, 20, 40], "dropout": [0.0, 0.5]}, 3, "A grid has the *product* of its lengths as candidates."),
        ({"a": [1], "b": [1, 2], "c": [1, 2, 3, 4]}, 5, "Each candidate is trained once a fold, the winner once more."),
    ]
    for grid, folds, hint in cases:
        answer = networks(grid, folds)
        if not _close(answer, math.prod(map(len, grid.values())) * folds + 1):
            return report(f"networks({grid}, {folds}) gave {answer!r}. {hint}", "")
    return report(None, f"All {len(cases)} grids are counted right.")


def small_box(box, runs, *, few=8, many=64, repetitions=300):
    """08, exercise 3: in this box of runs with SGD, few random trainings find more than many in all of them."""
    space = space_of(runs)
    if sorted(box) != sorted(space):
        return report(f"A box names {', '.join(space)}, each once; yours names {', '.join(box) or 'nothing'}.", "")
    for name, values in box.items():
        unknown = [value for value in values if value not in space[name]]
        if unknown or not len(values):
            recorded = ", ".join(map(str, space[name]))
            return report(f"{name}: {unknown or 'nothing'} was not recorded. Choose from: {recorded}.", "")
    if list(box["optimizer"]) != ["sgd"]:
        return report("This box is for plain SGD alone.", "")
    lengths = [len(set(values)) for values in box.values()]
    if math.prod(lengths) < 24 or sum(length > 1 for length in lengths) < 3:
        return report(
            f"The box has {math.prod(lengths)} configurations, and {sum(length > 1 for length in lengths)} "
            "hyperparameters with more than one value. Leave something to search: 24 and three at least.",
            "",
        )

    def median(part, size):
        parts = [split_by_seed(part, seed) for seed in range(part.sizes["seed"])]
        worth = []
        for repetition in range(repetitions):
            seen, unseen = parts[repetition % len(parts)]
            drawn = np.random.default_rng(repetition).choice(unseen.size, min(size, unseen.size), replace=False)
            worth.append(unseen.ravel()[drawn[seen[..., -1].ravel()[drawn].argmax()]])
        return float(np.median(worth))

    inside = median(runs.sel({name: list(set(values)) for name, values in box.items()}), few)
    outside = median(runs, many)
    text = f"{few} trainings in the box find {inside:.4f}, {many} in the whole atlas {outside:.4f}."
    problem = f"{text} Drop the values that you would not try yourself." if inside <= outside else None
    return report(problem, text)


def epochs_of_a_bracket(epochs, *, candidates, rungs):
    """09, exercise 1: what successive halving spends, if survivors go on where they stopped."""
    right, anew, trained, n = 0, 0, 0, candidates
    for rung in rungs:
        right, anew = right + n * (rung - trained), anew + n * rung
        trained, n = rung, max(1, n // 3)
    problem = None
    if not _close(epochs, right):
        problem = f"{epochs!r} is not it. How many candidates are trained from which epoch to which, at each rung?"
    if _close(epochs, anew):
        problem = f"{epochs} would be spent if each survivor began again; it goes on where it stopped."
    elif _close(epochs, candidates * rungs[-1]):
        problem = f"{epochs} would be spent if all candidates were trained to the end."
    return report(problem, f"{right} epochs, where training all to the end takes {candidates * rungs[-1]}.")


def parzen_ratio(preference):
    """09, exercise 2: `preference(values, scores, options)` is share among the good over share among the rest."""
    rng = np.random.default_rng(0)
    cases = [
        (["relu", "relu", "tanh", "tanh", "tanh", "tanh"], [0.9, 0.8, 0.1, 0.2, 0.3, 0.4], ["relu", "tanh"]),
        (["sgd"] * 2 + ["adam"] * 7, [0.1, 0.2, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3], ["adam", "sgd", "rmsprop"]),
        (rng.integers(3, size=30).tolist(), rng.random(30).tolist(), [0, 1, 2]),
    ]
    for values, scores, options in cases:
        good, rest = np.split(np.argsort(scores)[::-1], [len(scores) // 3])
        counts = [[sum(values[i] == option for i in part) + 1 for option in options] for part in (good, rest)]
        right = np.divide(*(np.array(count) / sum(count) for count in counts))
        answer = preference(list(values), list(scores), list(options))
        if not _close(answer, right):
            hint = "The good are the highest third; a share is a count plus one, over the sum of these counts."
            return report(f"For {len(values)} trials with the options {options} it gave {answer!r}. {hint}", "")
    return report(None, "Frequent among the good and rare among the rest: these are tried.")


def better_player(player, runs, *, trainings=20, repetitions=120):
    """09, exercise 3: this player wins more duels with random search, at the same budget, than chance allows."""
    space = space_of(runs)
    seeds = [split_by_seed(runs, seed) for seed in range(runs.sizes["seed"])]
    worth = {"random": [], "yours": []}
    for repetition in range(repetitions):
        seen, unseen = seeds[repetition % len(seeds)]
        for name, make in (("random", random_search), ("yours", player)):
            budget = trainings * RUNGS[-1]
            try:
                trials, _ = run_search(make(space, np.random.default_rng(repetition)), seen, budget=budget)
            except (AttributeError, TypeError, ValueError) as problem:
                return report(f"{problem} (A player yields a tuple of indices and a number of epochs, 1 to 15.)", "")
            if not trials:
                return report(f"It ended without a trial that fits into {budget} epochs.", "")
            worth[name].append(incumbents(trials, unseen, marks=[budget])[-1])
    random, yours = np.array(worth["random"]), np.array(worth["yours"])
    share = np.mean(yours > random) + np.mean(yours == random) / 2
    chance = 0.5 + 1 / math.sqrt(repetitions)  # two errors above a tie
    text = f"After {trainings} full trainings it wins {share:.0%} of {repetitions} duels with random search"
    if share > chance:
        return report(None, f"{text}, more than the {chance:.0%} that a tie may reach by chance.")
    return report(f"{text}; a tie may reach {chance:.0%}. What did you learn about ending trainings early?", "")


def break_even(trainings, *, start, training, workers):
    """10, exercise 1: the fewest trainings that so many workers finish before one machine that is running."""

    def sooner(n):
        return start + math.ceil(n / workers) * training < n * training

    problem = None
    if not isinstance(trainings, int) or trainings < 1:
        problem = f"The number of trainings is a whole number above zero, got {trainings!r}."
    elif not sooner(trainings):
        there, here = start + math.ceil(trainings / workers) * training, trainings * training
        problem = f"{trainings} trainings take {there} s there and {here} s here: more trainings are needed."
    elif sooner(trainings - 1):
        problem = f"{trainings} trainings are done sooner there, but fewer already are."
    return report(problem, f"From {trainings} trainings on the {workers} workers are done first.")


def lost_trials(lost):
    """10, exercise 2: `lost(before, after)` lists the trials of `before` that are missing or changed in `after`."""
    trials = {3: ({"units": 8}, 0.5), 1: ({"units": 16}, 0.7), 2: ({"units": 16}, 0.6)}
    cases = [
        (trials, {**trials, 9: ({"units": 4}, 0.1)}, [], "Nothing is missing here; a new trial is no loss."),
        (trials, {1: trials[1]}, [2, 3], "Two trials are missing, given in order of their numbers."),
        (trials, {**trials, 1: ({"units": 16}, 0.8)}, [1], "A score has changed: that is a loss, too."),
        (trials, {**trials, 3: ({"units": 9}, 0.5)}, [3], "A parameter has changed: that is a loss, too."),
        ({}, trials, [], "Before the first trial nothing can be lost."),
    ]
    for before, after, right, hint in cases:
        answer = lost(dict(before), dict(after))
        if not isinstance(answer, list | tuple) or list(answer) != right:
            return report(f"From {sorted(before)} to {sorted(after)} it gave {answer!r}. {hint}", "")
    return report(None, f"All {len(cases)} cases are judged right.")


def resumed(search):
    """10, exercise 3: `search(storage, trials)`, called again with its storage, goes on and loses nothing."""
    storage = f"sqlite:///exercise-{time.time_ns()}.db"  # in the current folder
    first, second, third = (search(storage, trials) for trials in (4, 7, 7))
    problem = None
    if len(first) != 4:
        problem = f"Asked for 4 trials, it has {len(first)}."
    elif first != second[:4]:
        problem = "Called again, it has other trials than the first time. Where are they kept?"
    elif len(second) != 7:
        problem = f"4 trials were there and 7 were wanted in all; it has {len(second)}."
    elif third != second:
        problem = "With all 7 trials there, it was called once more, and there are others now."
    return report(problem, "It went on where it was, and stopped when all were there.")


def moved_parameters(count, *, units=(100, 100, 100), classes=5, frozen=2):
    """11, exercise 1: how many weights and biases training moves when so many of the lowest layers are frozen."""
    sizes = (784, *units, classes)
    each = [(n_in + 1) * n_out for n_in, n_out in itertools.pairwise(sizes)]
    weights_alone = sum(a * b for a, b in itertools.pairwise(sizes[frozen:]))
    hints = {
        sum(each[:frozen]): "These are the frozen ones.",
        sum(each): "These are all of them, frozen or not.",
        each[-1]: "The output layer is not the only one that learns.",
        weights_alone: "Each unit has a bias, too.",
    }
    problem = None
    if count != sum(each[frozen:]):
        problem = f"{count!r} is not it. {hints.get(count, 'Which layers learn, and how large is each of them?')}"
    return report(problem, f"Of {sum(each):,} parameters training moves {sum(each[frozen:]):,}.")


def thawed(thaw):
    """11, exercise 2: `thaw(model, learning_rate)` lets all layers learn again, but for batch normalization."""
    import keras

    from nbhelpers.models import build_mlp

    model = build_mlp((6, 5), batch_norm=True, input_shape=(4,), classes=3)
    for layer in model.layers[:-1]:
        layer.trainable = False
    model.compile("adam", loss="sparse_categorical_crossentropy")
    x, y = np.random.default_rng(0).random((12, 4), "float32"), np.arange(12) % 3
    model.fit(x, y, verbose=0)
    answer = thaw(model, 0.004)
    model = model if answer is None else answer
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    normal = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    before = [[np.array(w) for w in layer.get_weights()] for layer in (dense[0], normal[0])]
    try:
        model.fit(x, y, verbose=0)
    except Exception as error:
        return report(f"After your thaw, training raised {type(error).__name__}: {str(error)[:80]}", "")
    after = [layer.get_weights() for layer in (dense[0], normal[0])]
    moved = [
        any(not np.array_equal(a, b) for a, b in zip(*pair, strict=True)) for pair in zip(before, after, strict=True)
    ]
    problem = None
    if not moved[0]:
        problem = "The lowest layer did not move in the training after your thaw. Which call makes a change count?"
    elif moved[1]:
        problem = "The averages of batch normalization moved. Which layers must stay as they were?"
    elif not math.isclose(float(model.optimizer.learning_rate), 0.004, rel_tol=1e-5):
        problem = f"The learning rate is {float(model.optimizer.learning_rate):g}, and 0.004 was asked for."
    return report(problem, "The dense layers learn, the normalization stays, at the rate that was asked for.")


def better_start(yours, scratch):
    """11, exercise 3: accuracies from your start, one a seed, beat those from scratch, seed by seed."""
    # Notebook 01 found 0.002 for methods that differ in kind, on 10,000 images; here are a quarter as many.
    try:
        difference, margin = ruler(scratch, yours, image_error=0.004, paired=True)
    except ValueError as problem:
        return report(f"{problem}", "")
    text = f"The difference is {difference:+.3f} and the margin {margin:.3f}"
    problem = f"{text}. Few labels vary much: more seeds, or a better base." if difference <= margin else None
    return report(problem, f"{text}: what your base knows is worth something here.")


FLAWS = (
    "copies on both sides",
    "one side scaled",
    "chosen on the test images",
    "prepared before the split",
    "the luckiest seed",
    "too few epochs",
    "the wrong loss",
    "unequal budgets",
)
RIGHT_FLAWS = {
    1: "chosen on the test images",
    2: "prepared before the split",
    3: "copies on both sides",
    4: "one side scaled",
    5: "the luckiest seed",
    6: "unequal budgets",
}


def flaw(number, flawed, mended, *, name, images=400, loss=False, draws=8):
    """12, exercises 1 to 5: name the flaw, and report what new images confirm.

    `flawed` and `mended` take images (n, 784), labels and a seed, and return the score that they report and a
    function that predicts the labels of new images (with `loss`, their probabilities).
    """
    from tqdm.auto import tqdm

    problem, (wrong, right) = _misnamed(number, name), ([], [])
    pool, new = _flat_images()
    for draw in tqdm(range(draws), unit="draw", leave=False):
        chosen = np.random.default_rng(draw).permutation(len(pool[0]))[:images]
        for program, errors in ((flawed, wrong), (mended, right)):
            reported, predict = program(pool[0][chosen], pool[1][chosen], draw)
            errors.append((float(reported), _truth(predict(new[0]), new[1], loss=loss)))
    (flattered, _), (yours, error) = _flattery(wrong), _flattery(right)
    kind = "a loss" if loss else "an accuracy"
    text = (
        f"The flawed program reports {kind} of {np.mean(wrong, 0)[0]:.3f} where {len(new[1]):,} new images give "
        f"{np.mean(wrong, 0)[1]:.3f}; yours reports {np.mean(right, 0)[0]:.3f} where they give "
        f"{np.mean(right, 0)[1]:.3f}. Off by {flattered:+.3f}, and by {yours:+.3f}"
    )
    worse = np.mean(right, 0)[1] - np.mean(wrong, 0)[1]
    if problem:
        problem = f"{problem} {text}."
    elif abs(yours) > min(2.5 * error + 0.005, abs(flattered) / 2):
        problem = f"{text}: what yours reports is not what new images confirm."
    elif worse > 0.1 if loss else worse < -0.1:
        problem = f"{text}, but your network is much worse than the flawed one. Mend the report, not the network."
    return report(problem, f"{text} (two standard errors: {2 * error:.3f}).")


def budgets(flawed, mended, *, name):
    """12, exercise 6: name the flaw, and give both candidates the same rates, epochs and seeds.

    `flawed` and `mended` take a function ``train(activation, learning_rate=, epochs=, seed=)`` that returns a
    validation accuracy, and return by how much the second candidate beats the first.
    """
    problem = _misnamed(6, name)
    (claimed, wrong), (gain, spent) = (_with_accounts(program) for program in (flawed, mended))
    text = f"The flawed program claims {claimed:+.3f}; yours says {gain:+.3f}"
    if problem is None and set(spent) != set(wrong):
        problem = f"Compared are {' and '.join(wrong)}; your program trains {' and '.join(spent) or 'none'}."
    if problem:
        return report(f"{problem} {text}.", "")
    (first, second), (one, other) = zip(
        *((sorted(spent[name]), _best_mean(spent[name])) for name in wrong), strict=True
    )
    if first != second:
        problem = "The two candidates were not trained alike. Compare rates, epochs and seeds of all trainings."
    elif len({rate for rate, _, _ in first}) < 3 or len({seed for _, _, seed in first}) < 3:
        problem = "Both have the same budget, but fewer than three rates or three seeds."
    elif min(epochs for _, epochs, _ in first) < 20:
        problem = "Both have the same budget, but one that starves them: give 20 epochs or more."
    elif not _close(gain, other - one):
        problem = f"{text}; that is not the best mean over the seeds of the second minus that of the first."
    return report(problem, f"{text}, on equal terms. The budget made the rest.")


def _best_mean(trainings):
    """The best rate's mean over the seeds; `trainings` maps (rate, epochs, seed) to the score."""
    means = [np.mean([v for (r, e, _), v in trainings.items() if (r, e) == key]) for key in {k[:2] for k in trainings}]
    return max(means)


def procedure(result, images, angles, *, baseline):
    """12, exercise 7: the report of a search on the turned digits holds on new images, turned (n, 784).

    `result` has "val_mse", one a seed for the chosen settings, "test_mse", and "predict", the final network's
    predictions; `baseline` is the error of an untuned network, in degrees².
    """
    missing = {"val_mse", "test_mse", "predict"} - set(result or {})
    if missing:
        return report(f"The report lacks {', '.join(sorted(missing))}.", "")
    if np.size(result["val_mse"]) < 3:
        return report(f"{np.size(result['val_mse'])} seed(s) of the chosen settings; three are the least.", "")
    predicted = np.asarray(result["predict"](images), float)
    if predicted.shape not in {(len(angles),), (len(angles), 1)}:
        return report(f"predict gave an array of shape {predicted.shape} for {len(angles):,} images.", "")
    squared = (predicted.ravel() - angles) ** 2
    found, error = squared.mean(), squared.std() / math.sqrt(len(angles))
    text = f"New images give {found:.0f} degrees², the report says {result['test_mse']:.0f}"
    problem = None
    # Both scores come from images, about as many.
    if abs(result["test_mse"] - found) > 4 * math.sqrt(2) * error:
        problem = f"{text}; the images explain ± {math.sqrt(2) * error:.0f}. What is your score a score of?"
    elif abs(np.mean(result["val_mse"]) - found) > 0.3 * found:
        problem = f"{text}; val_mse has a mean of {np.mean(result['val_mse']):.0f}, too far from both."
    elif found > 0.8 * baseline:
        problem = f"{text}; the untuned network had {baseline:.0f}. A search should take a fifth off."
    return report(problem, f"{text}; the untuned network had {baseline:.0f}.")


def _misnamed(number, name):
    if name not in FLAWS:
        return f"name={name!r} is none of these: {', '.join(FLAWS)}."
    return None if name == RIGHT_FLAWS[number] else f"{name!r} is not the flaw of this program. Follow the images."


@cache  # each check of notebook 12 draws from them
def _flat_images():
    """Images to draw from, and 5,000 new ones, each with labels; all from the training set."""
    from nbhelpers.data import load_mnist

    images, labels = load_mnist("train")
    images = images.reshape(len(images), -1)
    return (images[:40_000], labels[:40_000]), (images[45_000:], labels[45_000:])


def _truth(predicted, labels, *, loss):
    from sklearn.metrics import log_loss

    if not loss:
        return float(np.mean(np.asarray(predicted).ravel() == labels))
    return float(log_loss(labels, predicted, labels=range(10)))


def _flattery(pairs):
    """Mean and standard error of what was reported minus what is true."""
    differences = np.subtract(*np.transpose(pairs))
    return float(differences.mean()), float(differences.std(ddof=1) / math.sqrt(len(differences)))


def _with_accounts(program):
    """Call a program with a `train` that keeps accounts; return its result, and the trainings of each activation."""
    import warnings

    from sklearn.neural_network import MLPClassifier

    (images, labels), _ = _flat_images()
    spent = {}

    def train(activation, *, learning_rate=0.001, epochs=20, seed=0):
        options = {"learning_rate_init": learning_rate, "max_iter": epochs, "batch_size": 50, "random_state": seed}
        network = MLPClassifier((50, 50), activation=activation, **options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it has not converged
            network.fit(images[:500], labels[:500])
        score = float(network.score(images[500:2500], labels[500:2500]))
        spent.setdefault(activation, {})[learning_rate, epochs, seed] = score
        return score

    return float(program(train)), spent


def _close(answer, right, *, tolerance=1e-6):
    """Whether an answer is a number or array of the right shape and values; False for anything else."""
    try:
        answer = np.asarray(answer, float)
    except (TypeError, ValueError):
        return False
    return answer.shape == np.shape(right) and np.allclose(answer, right, rtol=tolerance, atol=tolerance)
