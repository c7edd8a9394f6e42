"""Checks of the exercises of notebook 12."""

import itertools
import math
import warnings

import numpy as np
from threadpoolctl import threadpool_limits

from nbhelpers.checks.common import (
    AnswerError,
    call,
    callable_answer,
    check,
    fresh_seeds,
    mnist,
    number,
    numbers,
    same,
    same_text,
    shown,
)

FLAWS = (
    "copies on both sides",
    "one side scaled",
    "settings chosen on the test images",
    "features chosen before the split",
    "the luckiest seed reported",
    "too few epochs",
    "the wrong loss",
    "unequal budgets",
)
RIGHT_FLAWS = {
    1: "settings chosen on the test images",
    2: "copies on both sides",
    3: "the luckiest seed reported",
    4: "unequal budgets",
}


@check
def flaw(exercise, flawed, mended, *, name, images=400, draws=8, rng=None):
    """12, exercises 1 to 3: name the flaw, and report what new images confirm.

    `flawed` and `mended` take images (n, 784), labels and a seed, and return the score that they report and a
    function that predicts the labels of new images. Images and seeds are drawn anew at each call.
    """
    problem = _misnamed(exercise, name)
    # With a wrong name a look will do.
    wrong, right, kept = _reports(flawed, mended, images=images, draws=min(draws, 4) if problem else draws, rng=rng)
    (flattered, _), (yours, error) = _flattery(wrong), _flattery(right)
    (said, true), (your_said, your_true) = wrong.mean(axis=0), right.mean(axis=0)
    text = (
        f"The flawed program reports an accuracy of {said:.3f} where 5,000 new images give "
        f"{true:.3f}; yours reports {your_said:.3f} where they give {your_true:.3f}. "
        f"Off by {flattered:+.3f}, and by {yours:+.3f}"
    )
    if problem:
        raise AnswerError(f"{problem} {text}.")
    if np.ptp(right[:, 0]) == 0:
        raise AnswerError(f"{text}, but yours reports the same number whatever the images. Is it measured?")
    if abs(yours) > min(2.5 * error + 0.005, 0.7 * abs(flattered)):
        raise AnswerError(f"{text}: what yours reports is not what new images confirm.")
    if true - your_true > 0.1:
        raise AnswerError(
            f"{text}, but your network is much worse than the flawed one. Mend the report, not the network."
        )
    # Only here the network itself was chosen by the score; in the others it may well be the same.
    if exercise == 3 and kept > 0.9:
        raise AnswerError(f"{text}. But you still keep the same network. Is your report about the one that you keep?")
    return f"{text} (two standard errors: {2 * error:.3f})."


def _reports(flawed, mended, *, images, draws, rng):
    """What both programs report, and what is true, one row a draw; and how often they predict the same."""
    from tqdm.auto import tqdm

    (pool, labels), new = _flat_images()
    rng, found, kept = np.random.default_rng(rng), ([], []), []
    for seed in tqdm(fresh_seeds(rng, draws), unit="draw", leave=False):
        chosen = rng.choice(len(pool), images, replace=False)
        # With so few images threads would wait for one another; and few epochs are no mistake here.
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            first = _result(flawed, pool[chosen], labels[chosen], seed)
            results = [first, first if mended is flawed else _result(mended, pool[chosen], labels[chosen], seed)]
            predicted = [_predictions(predict, new[0]) for _, predict in results]
        for rows, (reported, _), each in zip(found, results, predicted, strict=True):
            rows.append((reported, float(np.mean(each == new[1]))))
        kept.append(np.array_equal(*predicted))
    return np.array(found[0]), np.array(found[1]), np.mean(kept)


def _result(program, images, labels, seed):
    """The score that a program reports, and its function for new images."""
    # So small that ten times the seed still is one.
    answer = call(program, images, labels, seed % 10**6, name="Your program")
    if not isinstance(answer, tuple | list) or len(answer) != 2 or not callable(answer[1]):
        raise AnswerError(f"A program returns its score and a function that predicts new images, got {shown(answer)}.")
    return number(answer[0], "The score that your program reports"), answer[1]


def _predictions(predict, images):
    predicted = numbers(call(predict, images, name="The function for new images"), "What it predicts")
    if predicted.shape not in {(len(images),), (len(images), 1)}:
        raise AnswerError(f"A label for each of {len(images):,} images is wanted, got the shape {predicted.shape}.")
    return predicted.ravel()


def _flattery(pairs):
    """Mean and standard error of what was reported minus what is true."""
    differences = pairs[:, 0] - pairs[:, 1]
    return float(differences.mean()), float(differences.std(ddof=1) / math.sqrt(len(differences)))


@check
def budgets(flawed, mended, *, name, rng=None):
    """12, exercise 4: name the flaw, and give both candidates the same rates, epochs and seeds.

    `flawed` and `mended` take a function ``train(activation, learning_rate=, epochs=, seed=)`` that returns a
    validation accuracy, and return by how much the second candidate beats the first. Images are drawn anew at each
    call, and a seed stands for another one each time.
    """
    callable_answer(mended, name="Your program")
    problem = _misnamed(4, name)
    rng = np.random.default_rng(rng)
    data, shift = _drawn(rng), int(rng.integers(10**6))
    # The reader's own first, so that what is wrong with it is said before the other trains.
    (gain, spent), (claimed, wrong) = (_with_accounts(program, data, shift) for program in (mended, flawed))
    text = f"The flawed program claims {claimed:+.3f}; yours says {gain:+.3f}"
    if problem is None and set(spent) != set(wrong):
        problem = f"Compared are {' and '.join(wrong)}; your program trains {' and '.join(spent) or 'none'}."
    if problem:
        raise AnswerError(f"{problem} {text}.")
    first, second = (spent[candidate] for candidate in wrong)
    _on_equal_terms(first, second)
    if not same(gain, _best_mean(second) - _best_mean(first)):
        raise AnswerError(f"{text}; that is not the best mean over the seeds of the second minus that of the first.")
    return f"{text}, on equal terms. The budget made the rest."


def _on_equal_terms(first, second):
    """Hold the trainings of two candidates, each a mapping from (rate, epochs, seed), to one another."""
    rates, epochs, seeds = ({key[place] for key in first} for place in range(3))
    if set(first) != set(second):
        raise AnswerError(
            "The two candidates were not trained alike. Compare rates, epochs and seeds of all trainings."
        )
    if len(rates) < 3 or len(seeds) < 3:
        raise AnswerError("Both have the same budget, but fewer than three rates or three seeds.")
    if min(epochs) < 20:
        raise AnswerError("Both have the same budget, but one that starves them: give 20 epochs or more.")
    if set(first) != set(itertools.product(rates, epochs, seeds)):
        raise AnswerError(
            "Not every rate was trained from the same seeds, so the luck of a seed may decide between rates."
        )


def _best_mean(trainings):
    """The best rate's mean over the seeds; `trainings` maps (rate, epochs, seed) to the score."""
    means = [np.mean([v for (r, e, _), v in trainings.items() if (r, e) == key]) for key in {k[:2] for k in trainings}]
    return max(means)


def _drawn(rng):
    """500 training images and 2,000 others, with their labels."""
    (images, labels), _ = _flat_images()
    chosen = rng.choice(len(images), 2500, replace=False)
    return images[chosen], labels[chosen]


def _with_accounts(program, data, shift):
    """Call a program with a `train` that keeps accounts; return its result, and the trainings of each activation."""
    from sklearn.neural_network import MLPClassifier

    images, labels = data
    spent = {}

    def train(activation, *, learning_rate=0.001, epochs=20, seed=0):
        options = {"learning_rate_init": learning_rate, "max_iter": epochs, "batch_size": 50}
        network = MLPClassifier((50, 50), activation=activation, random_state=seed + shift, **options)
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore")  # that it has not converged
            network.fit(images[:500], labels[:500])
        score = float(network.score(images[500:], labels[500:]))
        spent.setdefault(activation, {})[learning_rate, epochs, seed] = score
        return score

    return number(call(program, train, name="Your program"), "What your program returns"), spent


def _misnamed(exercise, name):
    """What is wrong with the name of a flaw, or None."""
    if not isinstance(name, str):
        raise AnswerError(f"name={shown(name)} is none of these: {', '.join(FLAWS)}.")
    if not any(same_text(name, known) for known in FLAWS):
        return f"name={shown(name)} is none of these: {', '.join(FLAWS)}."
    if same_text(name, RIGHT_FLAWS[exercise]):
        return None
    if exercise == 3 and same_text(name, RIGHT_FLAWS[1]):
        return f"{name!r} comes close: but do these networks differ in their settings?"
    if exercise == 4:
        return f"{name!r} is not all of it. What did each of the two candidates get?"
    return f"{name!r} is not the flaw of this program. Follow the images."


def _flat_images():
    """Images to draw from, and 5,000 new ones, each with labels; all from the training set."""
    images, labels = mnist("train")
    images = images.reshape(len(images), -1)
    return (images[:40_000], labels[:40_000]), (images[45_000:], labels[45_000:])
