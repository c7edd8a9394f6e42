"""Checks of the exercises of notebook 12."""

import math
from functools import cache

import numpy as np

from nbhelpers.checks.common import close, report

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
    elif not close(gain, other - one):
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
