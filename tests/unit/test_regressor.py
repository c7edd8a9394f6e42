import contextlib
import functools
import inspect
import math
import random
import unittest

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV
from sklearn.utils.estimator_checks import estimator_checks_generator

from nbhelpers.models import batches
from nbhelpers.regressor import KerasRegressor, seeded


@pytest.fixture
def eager():
    """Without the compilation that each of many tiny trainings would wait for."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", range(2))
def test_the_regressor_passes_the_checks_of_scikit_learn(part, eager):
    """In two parts, for two cores."""
    found = list(estimator_checks_generator(KerasRegressor(units=(5,), epochs=1), mark="skip"))
    assert len(found) > 40
    for estimator, check in found[part::2]:
        with contextlib.suppress(unittest.SkipTest):
            check(estimator)


def turned(n=40):
    x = np.random.default_rng(0).random((n, 6), "float32")
    return x, x @ np.arange(6, dtype="float32")


def test_a_clone_keeps_how_to_train():
    """The clone of Keras' own wrapper loses the arguments of fit, and trains one epoch."""
    network = KerasRegressor(units=(3,), epochs=4, batch_size=7, learning_rate=0.02, random_state=1)
    copied = clone(network)
    assert copied.get_params() == network.get_params()
    assert len(copied.fit(*turned()).history_.epoch) == 4
    assert math.isclose(float(copied.model_.optimizer.learning_rate), 0.02, rel_tol=1e-6)


def test_a_search_reaches_each_parameter():
    """Keras' own wrapper lets a search swap whole dictionaries only."""
    network = KerasRegressor(epochs=1, random_state=0)
    search = GridSearchCV(network, {"units": [(2,), (3, 3)], "learning_rate": [0.1]}, cv=2).fit(*turned())
    assert {len(p["units"]) for p in search.cv_results_["params"]} == {1, 2}
    assert search.best_estimator_.model_.count_params() in (7 * 2 + 3, 7 * 3 + 4 * 3 + 4)


def test_epochs_can_be_the_resource_of_halving():
    search = HalvingRandomSearchCV(
        KerasRegressor(units=(2,), random_state=0),
        {"learning_rate": [0.001, 0.01, 0.1]},
        resource="epochs",
        n_candidates=3,
        min_resources=1,
        max_resources=3,
        cv=2,
    ).fit(*turned())
    assert search.n_resources_ == [1, 3]
    assert len(search.best_estimator_.history_.epoch) == 3


def test_the_regressor_trains_and_predicts_silently(capfd):
    network = KerasRegressor(units=(3,), epochs=1).fit(*turned())
    assert network.predict(turned()[0]).shape == (40,)
    assert capfd.readouterr().out == ""


def test_random_state_makes_a_training_repeat_itself():
    predictions = [
        KerasRegressor(units=(3,), epochs=2, random_state=s).fit(*turned()).predict(turned()[0]) for s in (3, 3, 4)
    ]
    assert np.allclose(predictions[0], predictions[1], atol=1e-6)
    assert not np.allclose(predictions[0], predictions[2], atol=1e-3)


def test_arguments_of_fit_reach_keras():
    x, y = turned()
    stop = keras.callbacks.EarlyStopping(monitor="val_loss", min_delta=1e9)
    network = KerasRegressor(units=(3,), epochs=5).fit(x, y, validation_data=(x, y), callbacks=[stop])
    assert "val_loss" in network.history_.history and len(network.history_.epoch) < 5


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"epochs": 0}, "epochs must be a whole number of at least 1, got 0"),
        ({"batch_size": 2.5}, "batch_size must be a whole number"),
        ({"learning_rate": 0}, "learning_rate must be a number above 0"),
        ({"activation": "rely"}, "Unknown activation 'rely'"),
        ({"random_state": -1}, "random_state must be a whole number from 0 to 4,294,967,295, or None, got -1"),
        ({"random_state": 0.5}, "random_state must be a whole number"),
    ],
)
def test_bad_parameters_of_the_regressor_are_refused(bad, words):
    with pytest.raises(ValueError, match=words):
        KerasRegressor(**bad).fit(*turned())


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning", "ignore:One or more of the test scores")
def test_a_failing_candidate_costs_the_search_nothing_else():
    search = GridSearchCV(KerasRegressor(units=(2,), epochs=1), {"learning_rate": [0.0, 0.1]}, cv=2).fit(*turned())
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == [True, False]
    assert search.best_params_ == {"learning_rate": 0.1}


def test_numpy_numbers_are_welcome():
    options = {"batch_size": np.int64(8), "epochs": np.int32(2), "random_state": np.int64(1)}
    network = KerasRegressor(units=(np.int64(3),), **options).fit(*turned())
    assert len(network.history_.epoch) == 2
    assert np.allclose(
        network.predict(turned()[0]),
        KerasRegressor(units=(3,), batch_size=8, epochs=2, random_state=1).fit(*turned()).predict(turned()[0]),
    )


# For each parameter another value than that of the network it is compared with.
START = {"units": (4,), "batch_size": 8, "epochs": 2, "learning_rate": 0.01, "random_state": 0}
OTHERS = {
    "units": (4, 4),
    "activation": "tanh",
    "batch_norm": True,
    "dropout": 0.5,
    "l2": 0.1,
    "optimizer": "sgd",
    "learning_rate": 0.02,
    "batch_size": 10,
    "epochs": 3,
    "random_state": 1,
}


def outcome(**options):
    network = KerasRegressor(**options).fit(*turned())
    return np.array([*network.predict(turned()[0]), *network.history_.history["loss"][:2]])


@pytest.mark.parametrize("name", inspect.signature(KerasRegressor).parameters)
def test_each_parameter_changes_the_network(name, eager):
    assert not np.allclose(outcome(**{**START, name: OTHERS[name]}), before_a_change(), rtol=1e-5)


@functools.cache
def before_a_change():
    before = outcome(**START)
    assert np.allclose(outcome(**START), before, rtol=1e-5), "by itself it is another each time"
    return before


def draws():
    """What comes from each generator of the process."""
    order = [images.numpy().tolist() for images, _ in batches(np.arange(20), np.arange(20), batch_size=20)]
    numbers = tf.random.uniform([2]).numpy().tolist(), keras.random.uniform((2,)).numpy().tolist()
    return random.random(), np.random.random(), numbers, order  # noqa: NPY002


def all_differ(first, second):
    return all(a != b for a, b in zip(first, second, strict=True))


class Draw(keras.callbacks.Callback):
    """Uses Keras' generator of the process while a network trains."""

    def on_epoch_end(self, epoch, logs=None):
        keras.random.uniform(())


def test_what_asks_for_no_seed_does_not_repeat_itself_after_a_fit_with_one(eager):
    seen, predictions = [], []
    for _ in range(2):
        KerasRegressor(units=(3,), epochs=1, random_state=0).fit(*turned(), callbacks=[Draw()])
        seen.append(draws())
        KerasRegressor(units=(3,), epochs=1, random_state=0).fit(*turned())
        predictions.append(KerasRegressor(units=(3,), epochs=1).fit(*turned()).predict(turned()[0]))
    assert all_differ(*seen)
    assert not np.allclose(*predictions, rtol=1e-3)


def test_a_program_with_a_seed_stays_repeatable_around_a_fit_with_another():
    seen = []
    for _ in range(2):
        keras.utils.set_random_seed(5)
        for _ in range(2):
            with seeded(0):
                draws()
            seen.append(draws())
    assert seen[0] == seen[2] and seen[1] == seen[3]
    assert all_differ(*seen[:2])
    keras.utils.set_random_seed(5)
    assert draws()[:2] == seen[0][:2]  # Python and NumPy go on where they were


def test_a_failed_fit_gives_the_generators_back():
    states = []
    for _ in range(2):
        with contextlib.suppress(RuntimeError), seeded(0):
            raise RuntimeError
        states.append(draws())
    assert all_differ(*states)
