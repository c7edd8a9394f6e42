import functools
import inspect
import math
import os
import subprocess
import sys
from functools import partial

import keras
import numpy as np
import pytest

from nbhelpers.models import (
    INITIALIZERS,
    OPTIMIZERS,
    SCHEDULES,
    accuracy_of,
    batches,
    build_cnn,
    build_mlp,
    check_keras,
    count_parameters,
    make_optimizer,
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


def test_each_layer_of_a_convolutional_network_for_signals_halves_their_length():
    model = build_cnn((4, 6, 5), input_shape=(40,), classes=3)
    shapes = [layer.output.shape[1:] for layer in layers(model, keras.layers.Conv1D)]
    assert model.input_shape == (None, 40) and shapes == [(20, 4), (10, 6), (5, 5)]
    assert model.count_params() == (3 + 1) * 4 + (3 * 4 + 1) * 6 + (3 * 6 + 1) * 5 + (5 * 5 + 1) * 3
    signals = np.zeros((2, 40), "float32")
    signals[1, 10] = 1
    first = keras.Model(model.inputs[0], layers(model, keras.layers.Conv1D)[0].output)(signals)
    changed = np.flatnonzero(np.any(np.asarray(first[0] != first[1]), axis=-1))
    assert set(changed) <= {4, 5}, "a window holds three numbers, and moves by two"


@pytest.mark.parametrize(
    ("arguments", "options", "match"),
    [
        (((8,),), {"input_shape": (28, 28, 3)}, "of an image, as .28, 28., or of a signal"),
        ((8,), {}, "filters must be a sequence"),
        (((8, 0),), {}, "Each number in filters, one per hidden layer, must be a whole number.*got 0"),
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


def test_layer_norm_stands_between_the_sum_and_the_activation():
    model = build_mlp((50,), layer_norm=True, activation="linear")
    assert [type(layer).__name__ for layer in model.layers[1:4]] == ["Dense", "LayerNormalization", "Activation"]
    hidden = keras.Sequential(model.layers[:-1])(np.random.default_rng(0).random((8, 28, 28), "float32"))
    assert np.allclose(np.mean(hidden, axis=1), 0, atol=1e-5) and np.allclose(np.std(hidden, axis=1), 1, atol=0.01)


@pytest.mark.parametrize("activation", INITIALIZERS)
@pytest.mark.parametrize("batch_norm", [False, "before", "after"])
def test_dropout_follows_the_activation_and_the_normalization(activation, batch_norm):
    """Zeros before a sigmoid would leave it at one half, and before a normalization would shift its means."""
    model = build_mlp((5, 5), activation=activation, batch_norm=batch_norm, dropout=0.5)
    words = {"PReLU": "activation", "Activation": "activation", "BatchNormalization": "norm"}
    kinds = [words.get(type(layer).__name__, type(layer).__name__) for layer in model.layers]
    hidden = {"before": ["Dense", "norm", "activation", "Dropout"], "after": ["Dense", "activation", "norm", "Dropout"]}
    assert kinds == ["Flatten", *2 * hidden.get(batch_norm, ["Dense", "activation", "Dropout"]), "Dense"]


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


def test_keras_computes_schedule_free_adamw_otherwise_on_tensorflow():
    """It reads the old momentum after it has changed it. When this fails, Keras does so no longer: then the note of
    `build_mlp` may go, and a row of the recorded runs, made on JAX, be trained again."""
    weight, rate = keras.Variable(0.0), 0.01
    optimizer = keras.optimizers.ScheduleFreeAdamW(rate)
    for _ in range(2):
        optimizer.apply([np.float32(1)], [weight])
    by_the_paper = 0.1 * (-2 * rate) + 0.9 * (-1.5 * rate)
    assert float(weight) != pytest.approx(by_the_paper, rel=0.01)


def after_one_step(optimizer):
    keras.utils.set_random_seed(0)
    model = build_mlp((6, 5), activation="tanh", optimizer=optimizer, learning_rate=0.01, weight_decay=0)
    before = [np.asarray(weights) for weights in model.trainable_variables]
    model.train_on_batch(np.random.default_rng(0).random((8, 28, 28), "float32"), np.arange(8))
    return [np.asarray(after) - b for after, b in zip(model.trainable_variables, before, strict=True)]


def test_muon_turns_the_steps_of_the_hidden_weights_alone():
    """All directions of such a step are about equally long; the others are steps of Adam."""
    muon, adam = after_one_step("muon"), after_one_step("adam")
    for hidden in (0, 2):
        lengths = np.linalg.svd(muon[hidden], compute_uv=False)
        assert lengths.max() < 2 * lengths.min()
    for other in (1, 3, 4, 5):
        assert np.allclose(muon[other], adam[other], atol=1e-6)


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
    options = {"learning_rate": np.float32(0.1), "dropout": np.float64(0.1), "classes": np.int64(10)}
    assert build_mlp([np.int64(5)], **options).count_params() == 3985
    assert build_cnn([np.int8(4)], classes=np.uint8(3)).output_shape == (None, 3)
    assert callable(make_schedule("step", np.float32(0.1), steps=np.int32(100)))
    assert len(batches(np.zeros(4), np.zeros(4), batch_size=np.int64(2))) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": 100}, r"units must be a sequence.*\(100, 50\)"),
        ({"units": "100"}, "units must be a sequence"),
        ({"units": (100, 0)}, "at least 1, got 0"),
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
        ({"classes": True}, "at least 2.*got True"),
        ({"classes": 2.0}, "at least 2.*got 2.0"),
        ({"dropout": np.True_}, "0 <= dropout < 1"),
        ({"max_norm": 0}, "max_norm must be a number above 0"),
        ({"max_norm": "one"}, "max_norm must be a number above 0"),
        ({"weight_decay": -1}, "weight_decay >= 0"),
        ({"layer_norm": "before"}, "layer_norm must be True or False"),
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
    """The reason for `batches`. When this fails, Keras does so no longer, and plain arrays will do."""
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


def trained(build, **options):
    """What a network is after three steps from the same seed: its shapes, its loss, and all its variables."""
    keras.utils.set_random_seed(0)
    model = build(**options)
    rng = np.random.default_rng(0)
    x, y = rng.random((8, *model.input_shape[1:]), "float32"), np.arange(8) % 2
    losses = [model.train_on_batch(x, y)[0] for _ in range(3)]
    values = [np.ravel(v) for v in (losses, *model.weights, *model.optimizer.variables)]
    return model.input_shape, model.output_shape, np.concatenate(values)


def options_of(make, *arguments, **options):
    """What an optimizer or a schedule was made with; of a schedule the rates."""
    made = make(*arguments, **options)
    if isinstance(made, keras.optimizers.Optimizer):
        return type(made).__name__, made.get_config() | {"name": ""}
    return "rates", [float(made(step)) for step in range(0, 100, 10)]


# How to look at what is made, what it is made with, and for each parameter another value.
PARAMETERS = {
    build_mlp: (
        partial(trained, build_mlp),
        {"units": (6,), "learning_rate": 0.01},
        {
            "units": (6, 6),
            "activation": "silu",  # which has the initializer of ReLU
            "kernel_initializer": "glorot_uniform",
            "batch_norm": "after",
            "layer_norm": True,
            "dropout": 0.5,
            "input_dropout": 0.5,
            "l1": 0.01,
            "l2": 0.01,
            "max_norm": 0.5,
            "weight_decay": 0.1,
            "optimizer": "nesterov",
            "learning_rate": 0.02,
            "input_shape": (9,),
            "classes": 2,
        },
    ),
    build_cnn: (
        partial(trained, build_cnn),
        {"filters": (3,)},
        {"filters": (3, 3), "learning_rate": 0.02, "input_shape": (14, 14), "classes": 2},
    ),
    make_optimizer: (
        partial(options_of, make_optimizer),
        {"name": "sgd", "learning_rate": 0.1},
        {"name": "momentum", "learning_rate": 0.2, "weight_decay": 0.1},
    ),
    make_schedule: (
        partial(options_of, make_schedule),
        {"name": "cosine", "learning_rate": 0.1, "steps": 100},
        {"name": "one_cycle", "learning_rate": 0.2, "steps": 50},
    ),
}


def same(a, b):
    """Whether two results are the same to the precision of repeated computing."""
    if isinstance(a[-1], np.ndarray):
        return a[:-1] == b[:-1] and a[-1].shape == b[-1].shape and np.allclose(a[-1], b[-1], rtol=1e-5, atol=1e-7)
    return a == b


@pytest.mark.parametrize(
    ("make", "name"), [(make, name) for make in PARAMETERS for name in inspect.signature(make).parameters]
)
def test_each_parameter_changes_what_is_made(make, name):
    look, options, others = PARAMETERS[make]
    assert not same(made_by(make), look(**{**options, name: others[name]}))


@functools.cache
def made_by(make):
    """What comes of the options of `PARAMETERS` as they stand, each time the same."""
    look, options, _ = PARAMETERS[make]
    made = look(**options)
    assert same(made, look(**options)), "by itself it is another each time"
    return made


@pytest.mark.parametrize(("units", "options"), [((), {}), ((100,), {}), ((5, 6, 7), {"inputs": 9, "outputs": 3})])
def test_parameters_are_counted_as_keras_does(units, options):
    model = build_mlp(units, input_shape=(options.get("inputs", 784),), classes=options.get("outputs", 10))
    assert count_parameters(units, **options) == model.count_params()


def test_accuracy_is_the_share_of_right_answers():
    answers = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.6, 0.4]])
    assert accuracy_of(lambda images: answers[images], np.arange(4), [0, 1, 0, 0]) == 0.75
    model, images = build_mlp((5,)), np.random.default_rng(0).random((20, 28, 28), "float32")
    labels = np.arange(20) % 10
    assert accuracy_of(model, images, labels) == pytest.approx(model.evaluate(images, labels, verbose=0)[1])
    with pytest.raises(ValueError, match="3 images and 2 labels"):
        accuracy_of(lambda images: answers, np.arange(3), [0, 1])


@pytest.mark.parametrize(
    ("name", "value"), [("image_data_format", "channels_first"), ("floatx", "float64"), ("backend", "torch")]
)
def test_another_configuration_of_keras_is_refused(monkeypatch, name, value):
    monkeypatch.setattr(keras.config, name, lambda: value)
    for make in (build_mlp, build_cnn, lambda: batches(np.zeros(4), np.zeros(4))):
        with pytest.raises(RuntimeError, match=f"{name} '{value}'.*correct your keras.json"):
            make()


def test_networks_may_be_built_on_jax_for_the_recorder_and_not_be_fed(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    check_keras()
    with pytest.raises(RuntimeError, match="backend 'jax', and this course needs 'tensorflow'"):
        batches(np.zeros(4), np.zeros(4))


def python(tmp_path, code, *, configuration="{}", backend=None):
    """Run code beside a keras.json and with this KERAS_BACKEND; return what it printed, and its last line of errors."""
    (tmp_path / "keras.json").write_text(configuration, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    environment |= {"KERAS_HOME": str(tmp_path)} | ({"KERAS_BACKEND": backend} if backend else {})
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", env=environment)
    return result.stdout.strip(), result.stderr.strip().rpartition("\n")[2]


def test_the_backend_of_a_keras_json_is_set_aside_and_its_data_format_refused(tmp_path):
    code = "from nbhelpers.models import keras, build_cnn; print(keras.config.backend()); build_cnn()"
    printed, error = python(tmp_path, code, configuration='{"backend": "torch", "image_data_format": "channels_first"}')
    assert printed == "tensorflow"
    assert error.startswith("RuntimeError: Keras is configured with image_data_format 'channels_first'")


@pytest.mark.parametrize("backend", ["jax", "nonsense"])  # the tests hide JAX
def test_a_backend_that_is_not_there_is_one_sentence(tmp_path, backend):
    _, error = python(tmp_path, "import nbhelpers.models", backend=backend)
    assert error.startswith("ImportError: Keras cannot start (") and "set the environment variable" in error
