"""Checks of the exercises of notebook 10."""

import contextlib
import math
import tempfile

import numpy as np

from nbhelpers.checks.common import AnswerError, call, check, shown, whole_number


@check
def break_even(trainings, *, start, training, workers):
    """10, exercise 1: the fewest trainings that so many workers finish before one machine that is running."""
    trainings = whole_number(trainings, "The number of trainings")

    def seconds(n):
        return start + math.ceil(n / workers) * training, n * training

    there, here = seconds(trainings)
    if there >= here:
        raise AnswerError(f"{trainings} trainings take {there} s there and {here} s here: more trainings are needed.")
    there, here = seconds(trainings - 1)
    if there < here:
        raise AnswerError(f"{trainings} trainings are done sooner there, but fewer already are.")
    return f"From {trainings} trainings on the {workers} workers are done first."


@check
def goes_on(fit):
    """10, exercise 2: `fit(model, x, y, epochs=, folder=, callbacks=)`, called again with its folder, goes on."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        first = _fit(fit, folder, dies_in=2)
        begun = _fit(fit, folder)
    if list(first) != [0, 1, 2]:
        raise AnswerError(f"Killed in its third epoch of four, it had begun the epochs {list(first)}.")
    if list(begun) != [2, 3]:
        raise AnswerError(
            f"Killed in the third epoch of four and called again, it trained the epochs {[n + 1 for n in begun]}. "
            "The first two were finished. Keras has a callback that keeps them in a folder."
        )
    if not np.allclose(begun[2], first[2]):
        raise AnswerError("It skipped the first two epochs, and began with other weights than they had left.")
    return "It trained the last two epochs only, from the weights of the first two."


def _fit(fit, folder, *, dies_in=None):
    """Call `fit` for four epochs; return the weights with which each epoch began."""
    import keras

    class Diary(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            begun[epoch] = np.concatenate([np.ravel(w) for w in self.model.get_weights()])

        def on_train_batch_begin(self, batch, logs=None):
            if dies_in in begun:
                raise KilledError

    begun, rng = {}, np.random.default_rng(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    data = rng.random((40, 4), "float32"), rng.integers(3, size=40)
    options = {"epochs": 4, "folder": folder, "callbacks": [Diary()]}
    with contextlib.suppress(KilledError):
        call(_unless_killed, fit, model, data, options, name="fit")
    return begun


class KilledError(BaseException):
    """In place of a power cut."""


def _unless_killed(fit, model, data, options):
    fit(model, *data, **options)


@check
def resumed(search):
    """10, exercise 3: `search(folder, trials)`, called again with its folder, goes on and loses nothing."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        first, second, third = (_trials(call(search, folder, trials, name="resumable")) for trials in (4, 7, 7))
    if len(first) != 4:
        raise AnswerError(f"Asked for 4 trials, it has {len(first)}.")
    if first != second[:4]:
        raise AnswerError("Called again, it has other trials than the first time. Where are they kept?")
    if len(second) != 7:
        raise AnswerError(f"4 trials were there and 7 were wanted in all; it has {len(second)}.")
    if third != second:
        raise AnswerError("With all 7 trials there, it was called once more, and there are others now.")
    return "It went on where it was, and stopped when all were there."


def _trials(answer):
    """What a search returned as texts, so that two of them can be compared whatever they hold."""
    if not isinstance(answer, list | tuple):
        raise AnswerError(f"Return a list of the trials, parameters and value of each, got {shown(answer)}.")
    return [repr(trial) for trial in answer]
