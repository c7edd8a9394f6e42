import contextlib
import math
import unittest
from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV
from sklearn.utils.estimator_checks import estimator_checks_generator

from nbhelpers.models import (
    INITIALIZERS,
    OPTIMIZERS,
    SCHEDULES,
    KerasRegressor,
    batches,
    build_cnn,
    build_mlp,
    make_schedule,
    mlp_arguments,
)
from nbhelpers.widgets.lab import DEFAULTS


def layers(model, kind):
    return [layer for layer in model.layers if isinstance(layer, kind)]


def dense(model):
    return layers(model, keras.layers.Dense)


def test_the_default_is_one_hidden_layer_of_100_relu_units():
    model = build_mlp()
    assert model.count_params() == 79_510
    assert model.input_shape == (None, 28, 28) and model.output_shape == (None, 10)


def test_units_set_the_width_of_each_layer():
    assert [layer.units for layer in dense(build_mlp((30, 20)))] == [30, 20, 10]


def test_no_hidden_layer_is_softmax_regression():
    assert build_mlp(()).count_params() == 7850


def test_input_dropout_comes_first():
    model = build_mlp((5,), dropout=0.5, input_dropout=0.2)
    assert [layer.rate for layer in layers(model, keras.layers.Dropout)] == [0.2, 0.5]
    assert isinstance(model.layers[1], keras.layers.Dropout)
    with pytest.raises(ValueError, match="input_dropout must satisfy"):
        build_mlp(input_dropout=1.0)


def test_each_layer_of_the_convolutional_network_halves_height_and_width():
    model = build_cnn((4, 6), learning_rate=0.01, classes=3)
    shapes = [layer.output.shape[1:] for layer in layers(model, keras.layers.Conv2D)]
    assert shapes == [(14, 14, 4), (7, 7, 6)]
    assert model.count_params() == (9 + 1) * 4 + (9 * 4 + 1) * 6 + (7 * 7 * 6 + 1) * 3
    x, y = np.random.default_rng(0).random((6, 28, 28), "float32"), np.arange(6) % 3
    assert model.fit(x, y, verbose=0).history["accuracy"]
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("arguments", "options", "match"),
    [
        ((8,), {}, "filters must be a sequence"),
        (((8, 0),), {}, "Each hidden layer needs a whole number of filters"),
        (((8,),), {"classes": 1}, "classes must be"),
        (((8,),), {"learning_rate": 0}, "learning_rate must be a number above 0"),
    ],
)
def test_bad_arguments_of_the_convolutional_network(arguments, options, match):
    with pytest.raises((TypeError, ValueError), match=match):
        build_cnn(*arguments, **options)


@pytest.mark.parametrize("activation", INITIALIZERS)
def test_activation_brings_its_function_and_its_initializer(activation):
    model = build_mlp((5,), activation=activation)
    kind = keras.layers.PReLU if activation == "prelu" else keras.layers.Activation
    (layer,) = layers(model, kind)
    x = np.array([-2.0, -0.5, 0.5, 2.0], "float32")
    # PReLU starts as ReLU, one input at a time since each unit has a slope of its own.
    function = keras.activations.get("relu" if activation == "prelu" else activation)
    assert np.allclose([layer(np.full((1, 5), v))[0, 0] for v in x], function(x))
    wanted = keras.initializers.get(INITIALIZERS[activation])
    assert dense(model)[0].kernel_initializer.get_config() | {"seed": None} == wanted.get_config() | {"seed": None}


@pytest.mark.parametrize(("activation", "variance"), [("relu", 2 / 784), ("selu", 1 / 784), ("tanh", 2 / 1784)])
def test_initial_weights_have_the_variance_of_their_paper(activation, variance):
    keras.utils.set_random_seed(0)
    kernel = dense(build_mlp((1000,), activation=activation))[0].kernel
    assert math.isclose(np.var(kernel), variance, rel_tol=0.02)


def test_kernel_initializer_overrides():
    kernel = dense(build_mlp((5,), kernel_initializer="zeros"))[0].kernel
    assert not np.any(kernel)


def test_batch_norm_stands_between_the_sum_and_the_activation_and_replaces_the_bias():
    model = build_mlp((5,), batch_norm=True)
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds == ["Flatten", "Dense", "BatchNormalization", "Activation", "Dense"]
    assert not dense(model)[0].use_bias


def test_batch_norm_may_stand_before_the_activation_or_after_it():
    before = build_mlp((5,), batch_norm="before")
    assert [type(layer).__name__ for layer in before.layers][1:4] == ["Dense", "BatchNormalization", "Activation"]
    model = build_mlp((5,), batch_norm="after")
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds == ["Flatten", "Dense", "Activation", "BatchNormalization", "Dense"]
    assert dense(model)[0].use_bias


def test_max_norm_bounds_the_weights_into_each_hidden_unit():
    x, y = np.random.default_rng(0).random((8, 28, 28), "float32"), np.arange(8)
    largest = {}
    for bound in (None, 0.5):
        model = build_mlp((5,), max_norm=bound, learning_rate=0.1)
        model.train_on_batch(x, y)
        largest[bound] = np.linalg.norm(dense(model)[0].kernel, axis=0).max()
    assert largest[0.5] <= 0.5 + 1e-6 < largest[None]


def test_weight_decay_shrinks_weights_by_its_share_of_the_learning_rate():
    """Where the gradient is zero, since the images are blank, only the decay is left."""
    model = build_mlp((5,), weight_decay=2.0, learning_rate=0.1, optimizer="sgd")
    before = np.asarray(dense(model)[0].kernel)
    model.train_on_batch(np.zeros((8, 28, 28), "float32"), np.arange(8))
    assert np.allclose(dense(model)[0].kernel, before * (1 - 0.1 * 2.0), rtol=1e-5)
    assert build_mlp(optimizer="adamw").optimizer.weight_decay == 0.004
    assert build_mlp(optimizer="adamw", weight_decay=0).optimizer.weight_decay == 0


SHARES = {  # of the largest rate, at the start, after 30, 60 and 90 of 100 steps
    "constant": (1, 1, 1, 1),
    "step": (1, 1, 0.1, 0.01),
    "cosine": (1, 0.7939, 0.3455, 0.0245),
    "one_cycle": (0.04, 1, 0.6113, 0.0495),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_has_its_shape(name):
    schedule = make_schedule(name, 0.5, steps=100)
    rates = [float(schedule(step)) if callable(schedule) else schedule for step in (0, 30, 60, 90)]
    assert rates == pytest.approx([0.5 * share for share in SHARES[name]], abs=1e-4)
    build_mlp(learning_rate=schedule)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cosinus", 0.1, 100), "Unknown schedule 'cosinus'.*cosine"),
        (("cosine", 0, 100), "above 0"),
        (("cosine", 0.1, 9), "at least 10"),
        (("cosine", 0.1, 10.5), "whole number"),
    ],
)
def test_a_schedule_names_what_is_wrong(arguments, message):
    name, rate, steps = arguments
    with pytest.raises(ValueError, match=message):
        make_schedule(name, rate, steps=steps)


def test_dropout_zeroes_that_share_of_the_outputs_in_training_only():
    model = build_mlp((2000,), dropout=0.3, activation="linear")
    hidden = keras.Sequential(model.layers[:-1])
    x = np.ones((1, 28, 28), "float32")
    assert np.mean(np.asarray(hidden(x, training=True)) == 0) == pytest.approx(0.3, abs=0.05)
    assert np.all(np.asarray(hidden(x, training=False)) != 0)


@pytest.mark.parametrize("options", [{"l1": 0.1}, {"l2": 0.1}, {"l1": 0.1, "l2": 0.2}])
def test_l1_and_l2_add_their_penalty_to_the_loss(options):
    model = build_mlp((5,), **options)
    kernel = np.asarray(dense(model)[0].kernel)
    wanted = options.get("l1", 0) * np.abs(kernel).sum() + options.get("l2", 0) * (kernel**2).sum()
    assert float(sum(model.losses)) == pytest.approx(wanted, rel=1e-4)
    assert not build_mlp((5,)).losses


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizer_and_learning_rate_reach_the_model(optimizer):
    model = build_mlp((5,), optimizer=optimizer, learning_rate=0.02)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.02)


def test_a_schedule_is_a_learning_rate():
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
    model = build_mlp((5,), learning_rate=schedule)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.1)


def test_optimizers_differ_by_their_first_two_steps():
    """Two steps, since momentum shows from the second on."""
    x, y = np.random.default_rng(0).random((8, 28, 28), "float32"), np.arange(8)
    after = {}
    for name in OPTIMIZERS:
        keras.utils.set_random_seed(0)
        model = build_mlp((5,), optimizer=name, learning_rate=0.01)
        for _ in range(2):
            model.train_on_batch(x, y)
        after[name] = np.asarray(dense(model)[0].kernel)
    names = list(after)
    for i, a in enumerate(names):
        for b in names[:i]:
            assert not np.allclose(after[a], after[b], rtol=1e-5, atol=1e-8), (a, b)


@pytest.mark.parametrize("build", [build_mlp, build_cnn, partial(build_mlp, classes=None, optimizer="sgd")])
def test_the_first_step_is_traced_once(build):
    """Twice, if a variable of the optimizer or of a metric were created in it."""
    model, traces = build((5,)), []
    step = model.train_step
    model.train_step = lambda data: traces.append(data) or step(data)
    model.fit(np.zeros((8, 28, 28), "float32"), np.zeros(8), batch_size=8, verbose=0)
    assert len(traces) == 1


def test_input_shape_and_classes():
    model = build_mlp((5,), input_shape=(3,), classes=2)
    assert model.input_shape == (None, 3) and model.output_shape == (None, 2)


def test_numpy_numbers_are_welcome():
    assert build_mlp([np.int64(5)], learning_rate=np.float32(0.1), dropout=np.float64(0.1)).count_params() == 3985


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": 100}, r"units must be a sequence.*\(100, 50\)"),
        ({"units": "100"}, "units must be a sequence"),
        ({"units": (100, 0)}, "at least 1.*has 0"),
        ({"units": (10.5,)}, "whole number"),
        ({"units": (True,)}, "whole number"),
        ({"activation": "rulu"}, "Unknown activation 'rulu'.*relu"),
        ({"optimizer": "adm"}, "Unknown optimizer 'adm'.*adam"),
        ({"learning_rate": 0}, "above 0"),
        ({"learning_rate": -1e-3}, "above 0"),
        ({"learning_rate": math.nan}, "above 0"),
        ({"learning_rate": math.inf}, "above 0"),
        ({"learning_rate": "fast"}, "above 0"),
        ({"dropout": 1}, "0 <= dropout < 1"),
        ({"dropout": -0.1}, "0 <= dropout < 1"),
        ({"l1": -1}, "l1 >= 0"),
        ({"l2": math.nan}, "l2 >= 0"),
        ({"classes": 1}, "at least 2"),
        ({"max_norm": 0}, "max_norm must be a number above 0"),
        ({"max_norm": "one"}, "max_norm must be a number above 0"),
        ({"weight_decay": -1}, "weight_decay >= 0"),
        ({"batch_norm": "behind"}, "batch_norm must be True, False, 'before' or 'after'"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        build_mlp(**options)


class OrderOfImages(keras.Model):
    """Learns nothing; remembers which images each epoch showed, in which order."""

    def __init__(self):
        super().__init__()
        self.seen = []
        self.compile(loss="mse", run_eagerly=True)

    def call(self, x):
        return x

    def train_step(self, data):
        self.seen.extend(np.asarray(data[0]).ravel().astype(int).tolist())
        return {"loss": 0.0}


def orders(seed, *, by_hand=False, epochs=3, n=20):
    """The order of images in each epoch of a training from this seed."""
    x = np.arange(float(n))[:, None]
    keras.utils.set_random_seed(seed)
    model = OrderOfImages()
    data = {"x": x, "y": x, "batch_size": 8} if by_hand else {"x": batches(x, x, batch_size=8), "shuffle": False}
    model.fit(**data, epochs=epochs, verbose=0)
    return np.array(model.seen).reshape(epochs, n).tolist()


def test_batches_come_in_a_new_order_each_epoch_and_in_the_same_ones_after_the_same_seed():
    first = orders(0)
    assert all(sorted(order) == list(range(20)) for order in first)
    assert len({tuple(order) for order in first}) == 3
    assert orders(0) == first
    assert orders(1) != first


def test_keras_repeats_the_order_of_arrays_after_a_seed():
    """The reason for `batches`. When this fails, Keras has mended it, and plain arrays will do."""
    assert len({tuple(order) for order in orders(0, by_hand=True)}) == 1


@pytest.mark.parametrize(
    ("labels", "batch_size", "message"),
    [(3, 1, "4 images and 3 labels"), (4, 0, "at least 1"), (4, 1.5, "whole number")],
)
def test_batches_name_what_is_wrong(labels, batch_size, message):
    with pytest.raises(ValueError, match=message):
        batches(np.zeros(4), np.zeros(labels), batch_size=batch_size)


def test_without_classes_it_predicts_one_number():
    model = build_mlp((5,), classes=None)
    assert model.output_shape == (None, 1) and model.loss == "mean_squared_error"
    assert model.layers[-1].activation is keras.activations.linear
    with pytest.raises(ValueError, match="None to predict a number"):
        build_mlp((5,), classes=1)


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


OTHER_SETTINGS = {  # of the live lab, each unlike its default
    "hidden_layers": 2,
    "units": 32,
    "activation": "tanh",
    "initialization": "he_normal",
    "l1": 0.1,
    "l2": 0.1,
    "dropout": 0.5,
    "batch_norm": "before",
    "optimizer": "sgd",
    "learning_rate": 0.1,
    "schedule": "cosine",
    "batch_size": 50,
    "epochs": 3,
    "training_images": 500,
}


def arguments_of(**settings):
    """The arguments, with the configuration of a schedule in its place, which can be compared."""
    arguments = mlp_arguments(DEFAULTS | settings)
    rate = arguments["learning_rate"]
    return arguments | {"learning_rate": rate if isinstance(rate, float) else rate.get_config()}


@pytest.mark.parametrize("name", [name for name in DEFAULTS if name != "seed"])
def test_each_setting_of_the_lab_reaches_the_arguments(name):
    fixed = {"schedule": "cosine"} if name in ("batch_size", "epochs", "training_images") else {}
    assert arguments_of(**fixed, **{name: OTHER_SETTINGS[name]}) != arguments_of(**fixed)


def test_words_of_the_lab_become_values_of_build_mlp():
    build_mlp(**mlp_arguments(DEFAULTS))
    assert arguments_of() == {
        "units": (64,),
        "activation": "relu",
        "kernel_initializer": None,
        "batch_norm": False,
        "dropout": 0.0,
        "l1": 0.0,
        "l2": 0.0,
        "optimizer": "adam",
        "learning_rate": 0.001,
    }
    assert [arguments_of(batch_norm=place)["batch_norm"] for place in ("before", "after")] == [True, "after"]
    # Three epochs of 25 full batches and a last one that is smaller.
    assert arguments_of(schedule="cosine", epochs=3, batch_size=399)["learning_rate"]["decay_steps"] == 3 * 26
