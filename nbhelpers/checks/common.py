"""What the checks share: how an answer is read, how a network is judged, and the sentence that a reader gets."""

import contextlib
import functools
import itertools
import math
import traceback
from collections.abc import Mapping
from numbers import Real
from types import SimpleNamespace
from unittest import mock

import numpy as np

from nbhelpers.compare import ruler

# Readers may try as often as they like, with new seeds each time, and one margin of the ruler is exceeded by chance too
# often for that. So a difference must exceed so many margins, or each of their networks must beat each of the others.
MARGINS = 1.5
# After so many seeds a check stops if each network beats each of the others, by so many margins. So clear a lead is
# hardly ever chance: the tests measure how many more equals pass than by all seeds, less than 0.4 in a hundred.
ENOUGH, CLEAR = 3, 2


class AnswerError(Exception):
    """What is wrong with an answer, as a sentence for the reader."""


def check(judge):
    """Make a check of a function that returns praise or raises `AnswerError`: it prints the sentence after ✓ or ✗.

    Wrong answers of any kind end in `AnswerError`, so the function reads them with the helpers of this module.
    """

    @functools.wraps(judge)
    def checked(*answers, **options):
        try:
            print(f"✓ {judge(*answers, **options)}")
        except AnswerError as problem:
            print(f"✗ Not yet. {problem}")

    return checked


def cut(text, width):
    """Return a text in one line, cut where it is longer."""
    line = " ".join(text.split())
    return line if len(line) <= width else f"{line[: width - 2]} …"


def shown(answer, *, width=80):
    """Return an answer as it is typed, in one line, cut where it is long."""
    return cut(repr(answer), width)


def numbers(answer, name):
    """Return an answer as an array of floats, from whatever a person types for numbers; truth values are none.

    Raises
    ------
    AnswerError
        If it is no number, list or array of numbers, or one of them is not finite.
    """
    problem = AnswerError(f"{name} should be made of numbers that are finite, got {shown(answer)}.")
    try:
        found = np.asarray(answer)
        if found.dtype.kind == "O" and all(isinstance(value, Real) for value in found.flat):
            found = found.astype(float)
    except (TypeError, ValueError, OverflowError):
        raise problem from None
    if found.dtype.kind not in "iuf" or not np.isfinite(found).all():
        raise problem
    return found.astype(float)


def number(answer, name):
    """Return an answer as a float: a number of Python or NumPy, or an array that holds just one."""
    try:
        found = numbers(answer, name)
    except AnswerError:
        found = np.empty(0)
    if found.size != 1:
        raise AnswerError(f"{name} should be one number, got {shown(answer)}.")
    return found.item()


def whole_number(answer, name, *, least=1):
    """Return an answer as an int, also if it is a float that is whole, such as 47500.0; True is none."""
    rule = f"{name} should be a whole number of at least {least}, got {shown(answer)}."
    try:
        found = number(answer, name)
    except AnswerError:
        raise AnswerError(rule) from None
    if not found.is_integer() or found < least:
        raise AnswerError(rule)
    return int(found)


def same(answer, right, *, tolerance=1e-6):
    """Whether an answer is a number or array of the right shape and values; False for anything else."""
    try:
        found = numbers(answer, "The answer")
    except AnswerError:
        return False
    if np.ndim(right) == 0 and found.size == 1:
        found = found.reshape(())
    return found.shape == np.shape(right) and np.allclose(found, right, rtol=tolerance, atol=tolerance)


def same_text(answer, right):
    """Whether an answer is this word, in capitals or not."""
    return isinstance(answer, str) and answer.strip().casefold() == right.casefold()


def position(value, known, name):
    """Return the index of a value among the recorded ones, whichever way a person types it."""
    for index, one in enumerate(known):
        if _means(value, one):
            return index
    raise AnswerError(f"{name}={shown(value)} was not recorded. Choose from: {', '.join(map(str, known))}.")


def _means(value, one):
    if isinstance(one, str):
        return same_text(value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value, one)
    if isinstance(one, bool):
        return np.ndim(value) == 0 and np.asarray(value).dtype.kind in "biu" and int(value) == one
    try:
        # Rates are recorded with three digits: 10**-1.5 as 0.0316.
        return math.isclose(number(value, "value"), one, rel_tol=1e-3 if isinstance(one, float) else 0)
    except AnswerError:
        return False


def named(answer, names, what):
    """Return an answer that is a dictionary with just these names, in their order."""
    if not isinstance(answer, Mapping):
        raise AnswerError(f"{what} is a dictionary from names to values, got {shown(answer)}.")
    if set(answer) != set(names):
        yours = ", ".join(map(str, answer)) or "nothing"
        raise AnswerError(f"{what} names {', '.join(names)}, each once; yours names {yours}.")
    return {name: answer[name] for name in names}


def callable_answer(answer, *, name):
    """Say at once that an answer is no function, where a check trains before it calls it."""
    if not callable(answer):
        raise AnswerError(f"{name} should be a function, got {shown(answer)}.")


def call(function, *arguments, name):
    """Call a function of the reader's; an error in it is told in a sentence."""
    callable_answer(function, name=name)
    try:
        return function(*arguments)
    except Exception as error:
        case = f"{name}({', '.join(shown(argument, width=40) for argument in arguments)})"
        lines = [frame.line for frame in traceback.extract_tb(error.__traceback__)[1:2] if frame.line]
        where = f" at `{lines[0]}`" if lines else ""
        raise AnswerError(f"{case} raised {type(error).__name__}{where}: {cut(str(error), 200)}") from None


def built(build, *arguments, name):
    """Return the network that a function of the reader's returns, which must know the shape of its inputs."""
    import keras

    model = call(build, *arguments, name=name)
    if not isinstance(model, keras.Model) or not model.built:
        raise AnswerError(
            f"{name} should return a Keras network that knows the shape of its inputs, got {shown(model)}."
        )
    return model


def sizes_of(units):
    """Return inputs and outputs of each layer of a network on MNIST with these hidden units."""
    return list(itertools.pairwise((784, *units, 10)))


def fresh_seeds(rng, count):
    """Return so many seeds that no earlier call had; `rng` is None, or for tests a seed or generator."""
    return np.random.default_rng(rng).integers(2**31, size=count).tolist()


@functools.cache
def mnist(split):
    """Return images and labels of a split of MNIST, loaded once for all checks."""
    from nbhelpers.data import load_mnist

    return load_mnist(split)


def accuracy_of(model, images, labels, *, name):
    """Return which share of the images a network reads right, from its outputs of shape (images, classes)."""
    from sklearn.metrics import accuracy_score

    if not callable(model):
        raise AnswerError(f"{name} should return the trained network, got {shown(model)}.")
    outputs = numbers(call(model, images, name="Your network"), "The outputs of your network")
    if outputs.ndim != 2 or len(outputs) != len(labels):
        raise AnswerError(f"Your network gave an array of shape {outputs.shape} for {len(labels):,} images.")
    return float(accuracy_score(labels, outputs.argmax(axis=1)))


@contextlib.contextmanager
def counted_training():
    """Count the epochs and steps of every `fit` of a Keras network in the block.

    A network alone does not tell: `compile` sets its count of steps to zero, and each `fit` begins a new history.

    Yields
    ------
    SimpleNamespace
        With `epochs` and `steps`, ints that grow as the block goes on.
    """
    import keras

    taken, fit = SimpleNamespace(epochs=0, steps=0), keras.Model.fit

    @functools.wraps(fit)
    def counted_fit(model, *arguments, **options):
        optimizer = model.optimizer
        before = int(optimizer.iterations) if optimizer else 0
        # Made before the training, its variables spare TensorFlow a second tracing of the first step.
        if optimizer and model.built and not optimizer.built:
            optimizer.build(model.trainable_variables)
        history = fit(model, *arguments, **options)
        taken.epochs += len(history.epoch)
        taken.steps += int(model.optimizer.iterations) - before
        return history

    with mock.patch.object(keras.Model, "fit", counted_fit):
        yield taken


def scores_of(train, seeds, *, name, epochs=None, look=None):
    """Train a network from each seed, and yield its accuracy on the 10,000 validation images.

    Parameters
    ----------
    train : function
        The reader's: takes a seed, and returns a trained network.
    seeds : list of int
        One for each network.
    name : str
        What the reader calls the function.
    epochs : int, optional
        The most epochs of training that a call of the function may take, in all its calls of `fit`.
    look : function, optional
        Takes each network, and raises `AnswerError` if it is not what the exercise asks for.

    Yields
    ------
    float
    """
    from tqdm.auto import tqdm

    for seed in tqdm(seeds, unit="network", leave=False):
        with counted_training() as taken:
            model = call(train, seed, name=name)
        score = accuracy_of(model, *mnist("valid"), name=name)
        if look is not None:
            look(model)
        # A network that was trained before has a history of that.
        spent = max(taken.epochs, len(getattr(getattr(model, "history", None), "epoch", [])))
        if epochs is not None and spent > epochs:
            raise AnswerError(f"{name} trained for {spent} epochs in one call; {epochs} are allowed.")
        yield score


def accuracies(train, seeds, **options):
    """The same of all seeds, an array of shape (seeds,)."""
    return np.array([*scores_of(train, seeds, **options)])


def tuned_scores(score, rates, seeds, *, tuned_by=2):
    """Train two networks from each seed, each at the rate that was best for it from the first seeds.

    Parameters
    ----------
    score : function
        ``score(rates, seed)`` trains both, each at its own of two rates, and returns two scores of each, shape (2, 2):
        one that chooses its rate, and one that counts.
    rates : sequence of float
        Those to choose from.
    seeds : list of int
        From each a pair is trained.
    tuned_by : int
        From so many of the seeds both are trained at every rate, from the others only at the best.

    Returns
    -------
    array of shape (2, seeds)
        The scores that count.
    """
    from tqdm.auto import tqdm

    first, rest = range(len(seeds))[:tuned_by], range(len(seeds))[tuned_by:]
    scores = np.zeros((len(rates), len(seeds), 2, 2))
    with tqdm(total=len(rates) * len(first) + len(rest), unit="pair", leave=False) as bar:
        for rate, seed in itertools.product(range(len(rates)), first):
            scores[rate, seed] = score([rates[rate]] * 2, seeds[seed])
            bar.update()
        best = scores[:, :tuned_by, :, 0].mean(axis=1).argmax(axis=0)
        for seed in rest:
            scores[best, seed, [0, 1]] = score(np.take(rates, best).tolist(), seeds[seed])
            bar.update()
    return scores[best, :, [0, 1], 1]


def refuse_the_same(yours, baseline):
    """Raise `AnswerError` if two networks that were trained from one seed give the same."""
    if np.array_equal(*(network(mnist("valid")[0]) for network in (yours, baseline))):
        raise AnswerError("From the first seed, your network gives what the baseline's gives, image by image.")


def beats(before, after, *, paired=False, **options):
    """Return in a sentence how accuracies `after` differ from those `before`, or raise `AnswerError` if too little."""
    difference, margin = ruler(before, after, paired=paired, **options)
    text = f"The difference is {difference:+.4f} and the ruler's margin {margin:.4f}"
    every = np.all(np.subtract(after, before) > 0) if paired else np.min(after) > np.max(before)
    if difference < -margin:
        raise AnswerError(f"{text}: yours is worse.")
    if difference <= margin or not (every or difference > MARGINS * margin):
        rule = f"Since you may try as often as you like, it takes {MARGINS} margins, or one and a lead from every seed"
        raise AnswerError(f"{text}. {rule}.")
    return f"{text}: a lead that chance hardly makes."


@check
def real_improvement(before, after, *, seeds=5, epochs=None, rng=None):
    """01, exercise 3, and others: networks of `after` beat those of `before` by more than the ruler's margin.

    Both are functions that take a seed and return a trained network. The check chooses the seeds, new ones at each
    call, and scores the networks on the validation images. Of five seeds it needs only three where the lead is clear.
    """
    chosen, networks = fresh_seeds(rng, seeds), []
    yours, others = [], []
    for part in (chosen[:1], chosen[1:ENOUGH], chosen[ENOUGH:]):
        yours.extend(accuracies(after, part, name="Your function", epochs=epochs, look=networks.append))
        others.extend(accuracies(before, part, name="The baseline's function", look=networks.append))
        if len(networks) == 2:
            refuse_the_same(*networks)
        elif is_clear(others, yours):
            break
    return beats(others, yours)


def is_clear(before, after):
    """Whether every accuracy `after` is above all those `before`, and the difference exceeds `CLEAR` margins."""
    difference, margin = ruler(before, after)
    return min(after) > max(before) and difference > CLEAR * margin
