"""Build the networks of the course, feed them, and score them."""

import math
from collections.abc import Iterable
from functools import partial

import numpy as np

from nbhelpers.numbers import count_parameters as count_parameters  # whoever builds networks looks for it here
from nbhelpers.numbers import whole_number

try:
    import keras
except (ImportError, ValueError) as problem:
    raise ImportError(
        f"Keras cannot start ({problem}). The course runs on TensorFlow: set the environment variable KERAS_BACKEND "
        "to 'tensorflow', and start again."
    ) from problem

# The initializer that is customary for each activation (see `build_mlp`).
INITIALIZERS = {
    "elu": "he_normal",
    "gelu": "he_normal",
    "leaky_relu": "he_normal",
    "linear": "glorot_uniform",
    "mish": "he_normal",
    "prelu": "he_normal",
    "relu": "he_normal",
    "selu": "lecun_normal",
    "sigmoid": "glorot_uniform",
    "silu": "he_normal",
    "tanh": "glorot_uniform",
}
OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "lion": keras.optimizers.Lion,
    "momentum": partial(keras.optimizers.SGD, momentum=0.9),
    **{f"momentum_{strength}": partial(keras.optimizers.SGD, momentum=strength) for strength in (0.5, 0.95, 0.99)},
    "muon": keras.optimizers.Muon,
    "nesterov": partial(keras.optimizers.SGD, momentum=0.9, nesterov=True),
    "rmsprop": keras.optimizers.RMSprop,
    "schedule_free_adamw": keras.optimizers.ScheduleFreeAdamW,
    "sgd": keras.optimizers.SGD,
}
SCHEDULES = ("constant", "step", "cosine", "one_cycle")


def build_mlp(
    units=(100,),
    *,
    activation="relu",
    kernel_initializer=None,
    batch_norm=False,
    layer_norm=False,
    dropout=0.0,
    input_dropout=0.0,
    l1=0.0,
    l2=0.0,
    max_norm=None,
    weight_decay=None,
    optimizer="adam",
    learning_rate=1e-3,
    input_shape=(28, 28),
    classes=10,
):
    """Build and compile a multilayer perceptron that sorts its inputs into classes, or predicts a number.

    Each hidden layer is dense, then normalization (if asked for), the
    activation, and dropout (if asked for). The output layer has one unit per
    class and a softmax; the loss is the cross-entropy of integer labels. Without
    classes it is one linear unit, and the loss is the mean squared error.

    Parameters
    ----------
    units : sequence of int
        Units of each hidden layer, first to last: ``(100, 50)`` is two hidden
        layers. Empty for none, which is softmax regression.
    activation : str
        Activation of the hidden layers, one of `INITIALIZERS`.
    kernel_initializer : str, optional
        Initializer of the hidden layers' weights. By default the one that is
        customary for the activation: that of Glorot & Bengio (2010) for sigmoid,
        tanh and linear, LeCun et al. (1998) for SELU (Klambauer et al., 2017), and
        He et al. (2015), derived for ReLU, for ReLU and its kin.
    batch_norm : bool, "before" or "after"
        Normalize before the activation (Ioffe & Szegedy, 2015), which True means, too, or after it.
    layer_norm : bool
        Normalize each input's sums over the units of a layer, before the activation (Ba et al., 2016).
    dropout : float
        Share of each hidden layer's outputs set to zero in training, 0 <= dropout < 1
        (Srivastava et al., 2014).
    input_dropout : float
        The same for the inputs, 0 <= input_dropout < 1.
    l1, l2 : float
        Strengths of the penalties on the hidden layers' weights, >= 0.
    max_norm : float, optional
        Largest norm that the weights into one hidden unit may have, > 0
        (Srivastava et al., 2014).
    weight_decay : float, optional
        Share, times the learning rate, by which each step shrinks all weights and biases,
        0 <= weight_decay (Loshchilov & Hutter, 2019). By default the optimizer's own:
        0.004 for "adamw" and "muon", none for the others.
    optimizer : str
        One of `OPTIMIZERS`, with Keras' defaults; "momentum" and "nesterov" are SGD with momentum 0.9,
        "momentum_0.5" and its kin have another strength. "muon" (Jordan et al., 2024) turns the steps of the
        hidden layers' weights alone; biases and the output layer take steps of AdamW, at the same rate (as in
        Liu et al., 2025). "schedule_free_adamw" (Defazio et al., 2024) is scored, as Keras has it, where its
        gradients are taken: close to the average of its weights, not at it; and on TensorFlow, Keras 3.15
        averages wrongly, so that trainings differ from the recorded ones, which were made on JAX.
    learning_rate : float or keras.optimizers.schedules.LearningRateSchedule
        Step size of the optimizer, > 0, or its schedule over the steps.
    input_shape : tuple of int
        Shape of one input; flattened.
    classes : int or None
        Number of classes, >= 2; None for the prediction of a number.

    Returns
    -------
    keras.Sequential
        Compiled, with classes also with the metric ``accuracy``.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range; the message says which.
    RuntimeError
        If Keras is configured otherwise than the course needs, see `check_keras`.
    """
    check_keras()
    units = _check_units(units)
    _check_range("dropout", dropout, 0, 1, "0 <= dropout < 1")
    _check_range("input_dropout", input_dropout, 0, 1, "0 <= input_dropout < 1")
    _check_range("l1", l1, 0, math.inf, "l1 >= 0")
    _check_range("l2", l2, 0, math.inf, "l2 >= 0")
    if max_norm is not None and (not _is_number(max_norm) or not 0 < max_norm < math.inf):
        raise ValueError(f"max_norm must be a number above 0, or None for no bound, got {max_norm!r}.")
    if batch_norm not in (False, True, "before", "after"):
        raise ValueError(f"batch_norm must be True, False, 'before' or 'after' (the activation), got {batch_norm!r}.")
    if not isinstance(layer_norm, bool | np.bool_):
        raise ValueError(f"layer_norm must be True or False, got {layer_norm!r}.")
    normalize_before = batch_norm in (True, "before")
    if classes is not None:
        classes = whole_number(classes, "classes", low=2, note=", or None to predict a number")
    _check_name("activation", activation, INITIALIZERS)

    layers = [keras.Input(input_shape), keras.layers.Flatten()]
    if input_dropout:
        layers.append(keras.layers.Dropout(float(input_dropout), name="input_dropout"))
    for n in units:
        dense = keras.layers.Dense(
            n,
            # Batch normalization adds its own offset, which makes one just before it redundant.
            use_bias=not normalize_before,
            kernel_initializer=kernel_initializer or INITIALIZERS[activation],
            kernel_regularizer=keras.regularizers.L1L2(l1, l2) if l1 or l2 else None,
            kernel_constraint=keras.constraints.MaxNorm(max_norm) if max_norm else None,
        )
        layers.append(dense)
        if normalize_before:
            layers.append(keras.layers.BatchNormalization())
        if layer_norm:
            layers.append(keras.layers.LayerNormalization())
        # PReLU learns a slope, so it is a layer of its own.
        layers.append(keras.layers.PReLU() if activation == "prelu" else keras.layers.Activation(activation))
        if batch_norm == "after":
            layers.append(keras.layers.BatchNormalization())
        if dropout:
            layers.append(keras.layers.Dropout(float(dropout)))
    layers.append(keras.layers.Dense(classes, activation="softmax") if classes else keras.layers.Dense(1))
    model = keras.Sequential(layers)  # all at once: each layer that is added later builds the network anew
    made = make_optimizer(optimizer, learning_rate, weight_decay=weight_decay)
    if optimizer == "muon":
        made.exclude_layers = [f"{model.layers[-1].name}/"]
    model.compile(
        optimizer=made,
        loss="sparse_categorical_crossentropy" if classes else "mean_squared_error",
        metrics=["accuracy"] if classes else [],
    )
    _create_variables(model)
    return model


def build_cnn(filters=(8, 16, 32), *, learning_rate=1e-3, input_shape=(28, 28), classes=10):
    """Build and compile a small convolutional network that sorts images, or signals, into classes.

    Each hidden layer slides 3 × 3 windows over its input in steps of two pixels, which halves height and width
    (LeCun et al., 1998, began with such layers), with ReLU and He's initialization; a dense layer with a softmax
    reads the last one. Over a signal it slides windows of 3 numbers in steps of two. The optimizer is Adam, the loss
    the cross-entropy of integer labels.

    Parameters
    ----------
    filters : sequence of int
        Filters of each convolutional layer, first to last.
    learning_rate : float or keras.optimizers.schedules.LearningRateSchedule
        Step size of Adam, > 0, or its schedule over the steps.
    input_shape : tuple of int
        Height and width of one gray image, or the length of one signal, as ``(40,)``.
    classes : int
        Number of classes, >= 2.

    Returns
    -------
    keras.Sequential
        Compiled, with the metric ``accuracy``.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range; the message says which.
    RuntimeError
        If Keras is configured otherwise than the course needs, see `check_keras`.
    """
    check_keras()
    filters = _check_units(filters, name="filters")
    classes = whole_number(classes, "classes", low=2)
    convolutions = {1: keras.layers.Conv1D, 2: keras.layers.Conv2D}
    if len(input_shape) not in convolutions:
        raise ValueError(f"input_shape must be that of an image, as (28, 28), or of a signal, as (40,): {input_shape}.")
    layers = [keras.Input(input_shape), keras.layers.Reshape((*input_shape, 1))]
    for n in filters:
        options = {"activation": "relu", "kernel_initializer": "he_normal"}
        layers.append(convolutions[len(input_shape)](n, 3, strides=2, padding="same", **options))
    layers += [keras.layers.Flatten(), keras.layers.Dense(classes, activation="softmax")]
    model = keras.Sequential(layers)
    model.compile(
        optimizer=make_optimizer("adam", learning_rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    _create_variables(model)
    return model


def check_keras(*, backends=("tensorflow", "jax")):
    """Raise an error if Keras is configured so that other networks would come out than the course describes.

    A file ``keras.json`` in the reader's home folder, or the environment variable KERAS_BACKEND, can do so.

    Parameters
    ----------
    backends : sequence of str
        Those that will do. Networks are built on JAX, too, by the recorder.

    Raises
    ------
    RuntimeError
        With what is configured, and what to do.
    """
    wanted = {"floatx": ("float32",), "image_data_format": ("channels_last",), "backend": backends}
    for name, values in wanted.items():
        found = getattr(keras.config, name)()
        if found not in values:
            remedy = "set KERAS_BACKEND" if name == "backend" else f"call keras.config.set_{name}"
            raise RuntimeError(
                f"Keras is configured with {name} {found!r}, and this course needs {values[0]!r}: correct your "
                f"keras.json, or {remedy}, and start again."
            )


def accuracy_of(model, images, labels):
    """Return the share of the images that a network sorts into the right class.

    Parameters
    ----------
    model : callable
        From images to one number per class, shape (n, classes); the largest is the answer. As a network of Keras.
    images : array of shape (n, ...)
        What the model takes; all at once.
    labels : array of int, shape (n,)
        The right classes.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        If there is not one label for each image.
    """
    if len(images) != len(labels):
        raise ValueError(f"There are {len(images)} images and {len(labels)} labels; each image needs one label.")
    return float(np.mean(np.argmax(model(images), axis=1) == np.asarray(labels)))


def _create_variables(model):
    """Create the variables of the optimizer and of the metrics of a compiled model.

    Left to the first training step, they would make TensorFlow trace that step twice, which takes longer than
    some trainings of the course.
    """
    model.optimizer.build(model.trainable_variables)
    model.compute_metrics(None, np.zeros(1), np.zeros((1, model.output_shape[-1]), "float32"))
    model.reset_metrics()


def batches(images, labels, *, batch_size=125):
    """Return the images and labels in batches, in a new random order each epoch, for ``fit(..., shuffle=False)``.

    After ``keras.utils.set_random_seed`` the orders are the same in each process. Handing the arrays to
    ``fit`` itself would not do: with a seed set, Keras 3.15 on TensorFlow shuffles them once and repeats
    that order in every epoch, which costs small networks with batch normalization more than a hundredth of accuracy.

    Parameters
    ----------
    images, labels : array of the same length
        What ``fit`` takes as x and y.
    batch_size : int
        Images per batch, >= 1; the last batch may be smaller.

    Returns
    -------
    tf.data.Dataset

    Raises
    ------
    ValueError
        If the lengths differ, or the batch size is not a whole number of at least 1.
    RuntimeError
        If Keras runs on another backend than TensorFlow.
    """
    check_keras(backends=("tensorflow",))
    import tensorflow as tf  # here, since the recorder builds its models without TensorFlow

    if len(images) != len(labels):
        raise ValueError(f"There are {len(images)} images and {len(labels)} labels; each image needs one label.")
    batch_size = whole_number(batch_size, "batch_size")
    # Left on, the tuning of the pipeline makes each of our small steps wait longer than it brings.
    options = tf.data.Options()
    options.autotune.enabled = False
    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(len(images)).batch(batch_size)
    return dataset.with_options(options)


def make_optimizer(name, learning_rate, *, weight_decay=None):
    """Return the Keras optimizer of this name, with a learning rate (> 0) or a schedule, as `build_mlp` uses it."""
    _check_name("optimizer", name, OPTIMIZERS)
    options = {}
    if weight_decay is not None:
        _check_range("weight_decay", weight_decay, 0, math.inf, "weight_decay >= 0")
        names = ("weight_decay", "adam_weight_decay") if name == "muon" else ("weight_decay",)
        options = dict.fromkeys(names, float(weight_decay))
    if isinstance(learning_rate, keras.optimizers.schedules.LearningRateSchedule):
        return OPTIMIZERS[name](learning_rate, **options)
    _check_rate(learning_rate)
    return OPTIMIZERS[name](float(learning_rate), **options)


def make_schedule(name, learning_rate, *, steps):
    """Return a learning rate schedule over a training of so many steps.

    Parameters
    ----------
    name : str
        "constant"; "step": divided by ten after a half and again after three quarters of the steps;
        "cosine": falls to zero along half a cosine (Loshchilov & Hutter, 2017); "one_cycle": rises in a
        line from 1/25 over the first 30 % of the steps, then falls along a cosine, close to what
        Smith & Topin (2018) proposed, without their cycle of the momentum.
    learning_rate : float
        The largest rate, > 0.
    steps : int
        Steps of the whole training, that is epochs × batches per epoch, >= 10.

    Returns
    -------
    float or keras.optimizers.schedules.LearningRateSchedule
        What `build_mlp` takes as learning rate.

    Raises
    ------
    ValueError
        If the name is unknown, the rate is not above 0, or there are fewer than 10 steps.
    """
    _check_name("schedule", name, SCHEDULES)
    _check_rate(learning_rate)
    steps = whole_number(steps, "steps", low=10, note=", epochs × batches per epoch")
    rate, schedules = float(learning_rate), keras.optimizers.schedules
    if name == "step":
        return schedules.PiecewiseConstantDecay([steps // 2, steps * 3 // 4], [rate, rate / 10, rate / 100])
    if name == "cosine":
        return schedules.CosineDecay(rate, steps)
    if name == "one_cycle":
        rise = steps * 3 // 10
        return schedules.CosineDecay(rate / 25, steps - rise, warmup_target=rate, warmup_steps=rise)
    return rate


def mlp_arguments(settings):
    """Translate settings of the live lab for `build_mlp`, to be called as ``build_mlp(**mlp_arguments(settings))``.

    The lab says in words what `build_mlp` leaves out: no batch normalization is "none", the customary initializer
    "customary". And it has the schedule of the learning rate apart from the rate.

    Parameters
    ----------
    settings : dict
        A value for each name of `nbhelpers.widgets.lab.DEFAULTS`; other names are left alone.

    Returns
    -------
    dict
        The arguments for which the lab has a setting. ``batch_norm`` is False, True (before the activation), as in
        the recorded runs, or "after".

    Raises
    ------
    KeyError
        If a setting is missing.
    ValueError
        If the training has too few steps for its schedule, see `make_schedule`.
    """
    initializer, batch_norm, rate = (settings[name] for name in ("initialization", "batch_norm", "learning_rate"))
    if settings["schedule"] != "constant":  # which suits any number of steps
        steps = settings["epochs"] * math.ceil(settings["training_images"] / settings["batch_size"])
        rate = make_schedule(settings["schedule"], rate, steps=steps)
    return {
        "units": (settings["units"],) * settings["hidden_layers"],
        "kernel_initializer": None if initializer == "customary" else initializer,
        "batch_norm": {"none": False, "before": True}.get(batch_norm, batch_norm),
        "learning_rate": rate,
        **{name: settings[name] for name in ("activation", "l1", "l2", "dropout", "optimizer")},
    }


def _check_rate(learning_rate):
    if not _is_number(learning_rate) or not 0 < learning_rate < math.inf:
        raise ValueError(
            f"learning_rate must be a number above 0, got {learning_rate!r}. Common values run from 1e-4 to 1."
        )


def _check_units(units, *, name="units"):
    if isinstance(units, str) or not isinstance(units, Iterable):
        raise TypeError(
            f"{name} must be a sequence with one number per hidden layer, such as (100, 50), got {units!r}."
        )
    return tuple(whole_number(n, f"Each number in {name}, one per hidden layer,") for n in units)


def _is_number(value):
    return hasattr(value, "__float__") and not isinstance(value, bool | np.bool_)


def _check_range(name, value, low, high, rule):
    if not _is_number(value) or not low <= value < high:
        raise ValueError(f"{name} must satisfy {rule}, got {value!r}.")


def _check_name(kind, name, known):
    if name not in known:
        raise ValueError(f"Unknown {kind} {name!r}. Choose one of: {', '.join(sorted(known))}.")
