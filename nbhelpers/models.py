"""Build the multilayer perceptrons of the course, also as estimators of scikit-learn."""

import copy
import math
from collections.abc import Iterable
from functools import partial

import keras
import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

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
    "momentum": partial(keras.optimizers.SGD, momentum=0.9),
    "nesterov": partial(keras.optimizers.SGD, momentum=0.9, nesterov=True),
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}
SCHEDULES = ("constant", "step", "cosine", "one_cycle")


def build_mlp(
    units=(100,),
    *,
    activation="relu",
    kernel_initializer=None,
    batch_norm=False,
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

    Each hidden layer is dense, then batch normalization (if asked for), the
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
        0.004 for "adamw", none for the others.
    optimizer : str
        One of `OPTIMIZERS`; "momentum" and "nesterov" are SGD with momentum 0.9.
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
    """
    units = _check_units(units)
    _check_range("dropout", dropout, 0, 1, "0 <= dropout < 1")
    _check_range("input_dropout", input_dropout, 0, 1, "0 <= input_dropout < 1")
    _check_range("l1", l1, 0, math.inf, "l1 >= 0")
    _check_range("l2", l2, 0, math.inf, "l2 >= 0")
    if max_norm is not None and (not _is_number(max_norm) or not 0 < max_norm < math.inf):
        raise ValueError(f"max_norm must be a number above 0, or None for no bound, got {max_norm!r}.")
    if batch_norm not in (False, True, "before", "after"):
        raise ValueError(f"batch_norm must be True, False, 'before' or 'after' (the activation), got {batch_norm!r}.")
    normalize_before = batch_norm in (True, "before")
    if classes is not None and (not isinstance(classes, int) or classes < 2):
        raise ValueError(f"classes must be a whole number of at least 2, or None to predict a number, got {classes!r}.")
    _check_name("activation", activation, INITIALIZERS)

    model = keras.Sequential([keras.Input(input_shape), keras.layers.Flatten()])
    if input_dropout:
        model.add(keras.layers.Dropout(float(input_dropout), name="input_dropout"))
    for n in units:
        dense = keras.layers.Dense(
            n,
            # Batch normalization adds its own offset, which makes one just before it redundant.
            use_bias=not normalize_before,
            kernel_initializer=kernel_initializer or INITIALIZERS[activation],
            kernel_regularizer=keras.regularizers.L1L2(l1, l2) if l1 or l2 else None,
            kernel_constraint=keras.constraints.MaxNorm(max_norm) if max_norm else None,
        )
        model.add(dense)
        if normalize_before:
            model.add(keras.layers.BatchNormalization())
        # PReLU learns a slope, so it is a layer of its own.
        model.add(keras.layers.PReLU() if activation == "prelu" else keras.layers.Activation(activation))
        if batch_norm == "after":
            model.add(keras.layers.BatchNormalization())
        if dropout:
            model.add(keras.layers.Dropout(float(dropout)))
    model.add(keras.layers.Dense(classes, activation="softmax") if classes else keras.layers.Dense(1))
    model.compile(
        optimizer=make_optimizer(optimizer, learning_rate, weight_decay=weight_decay),
        loss="sparse_categorical_crossentropy" if classes else "mean_squared_error",
        metrics=["accuracy"] if classes else [],
    )
    _create_variables(model)
    return model


def build_cnn(filters=(8, 16, 32), *, learning_rate=1e-3, input_shape=(28, 28), classes=10):
    """Build and compile a small convolutional network that sorts images into classes.

    Each hidden layer slides 3 × 3 windows over its input in steps of two pixels, which halves height and width
    (LeCun et al., 1998, began with such layers), with ReLU and He's initialization; a dense layer with a softmax
    reads the last one. The optimizer is Adam, the loss the cross-entropy of integer labels.

    Parameters
    ----------
    filters : sequence of int
        Filters of each convolutional layer, first to last.
    learning_rate : float or keras.optimizers.schedules.LearningRateSchedule
        Step size of Adam, > 0, or its schedule over the steps.
    input_shape : tuple of int
        Height and width of one gray image.
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
    """
    filters = _check_units(filters, name="filters", unit="filters")
    if not isinstance(classes, int) or classes < 2:
        raise ValueError(f"classes must be a whole number of at least 2, got {classes!r}.")
    model = keras.Sequential([keras.Input(input_shape), keras.layers.Reshape((*input_shape, 1))])
    for n in filters:
        options = {"activation": "relu", "kernel_initializer": "he_normal"}
        model.add(keras.layers.Conv2D(n, 3, strides=2, padding="same", **options))
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(classes, activation="softmax"))
    model.compile(
        optimizer=make_optimizer("adam", learning_rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    _create_variables(model)
    return model


def _create_variables(model):
    """Create the variables of the optimizer and of the metrics of a compiled model.

    Left to the first training step, they would make TensorFlow trace that step twice, which takes longer than
    some trainings of the course.
    """
    model.optimizer.build(model.trainable_variables)
    model.compute_metrics(None, np.zeros(1), np.zeros((1, model.output_shape[-1]), "float32"))
    model.reset_metrics()


class KerasRegressor(keras.wrappers.SKLearnRegressor):
    """A multilayer perceptron that predicts a number, as an estimator of scikit-learn.

    Keras' own wrapper, whose clones forget how to train, whose parameters no search can name, and whose
    predictions print bars, with the hyperparameters as its parameters.

    Parameters
    ----------
    units, activation, batch_norm, dropout, l2, optimizer, learning_rate
        What `build_mlp` takes.
    batch_size, epochs : int
        What ``fit`` of Keras takes, >= 1.
    random_state : int, optional
        Seed of the initial weights, the order of the images and the dropout. It sets those of NumPy,
        Python and TensorFlow, as Keras does; and with a seed set, Keras 3.15 repeats the first order of the
        images in each epoch (see `batches`).

    Attributes
    ----------
    model_ : keras.Sequential
        The fitted network.
    history_ : keras.callbacks.History
        What ``fit`` of Keras returned.
    """

    # What Keras' wrapper has as parameters, and this one does not need.
    model = model_kwargs = fit_kwargs = None
    warm_start = False

    def __init__(
        self,
        units=(100,),
        activation="relu",
        batch_norm=False,
        dropout=0.0,
        l2=0.0,
        optimizer="adam",
        learning_rate=1e-3,
        batch_size=125,
        epochs=10,
        random_state=None,
    ):
        self.units = units
        self.activation = activation
        self.batch_norm = batch_norm
        self.dropout = dropout
        self.l2 = l2
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.random_state = random_state

    def __sklearn_clone__(self):
        """Return an unfitted copy with the same parameters; that of Keras' wrapper drops those of ``fit``."""
        return type(self)(**copy.deepcopy(self.get_params(deep=False)))

    def _get_model(self, X, y):
        if self.random_state is not None:
            keras.utils.set_random_seed(self.random_state)
        names = ("activation", "batch_norm", "dropout", "l2", "optimizer", "learning_rate")
        options = {name: getattr(self, name) for name in names}
        return build_mlp(self.units, **options, input_shape=X.shape[1:], classes=None)

    def fit(self, X, y, **kwargs):
        """Build a network and train it on X of shape (n, features) and y of shape (n,).

        Other arguments go to ``fit`` of Keras, such as ``validation_data`` and ``callbacks``.
        """
        for name in ("batch_size", "epochs"):
            value = getattr(self, name)
            if not hasattr(value, "__index__") or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}.")
        return super().fit(X, y, **{"batch_size": self.batch_size, "epochs": self.epochs, "verbose": 0, **kwargs})

    def predict(self, X):
        """Return the predicted numbers, shape (n,), silently."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        return self._reverse_process_target(np.asarray(self.model_(X)))


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
        Images a batch, >= 1; the last batch may be smaller.

    Returns
    -------
    tf.data.Dataset

    Raises
    ------
    ValueError
        If the lengths differ, or the batch size is not a whole number of at least 1.
    """
    import tensorflow as tf  # here, since the recorder builds its models without TensorFlow

    if len(images) != len(labels):
        raise ValueError(f"There are {len(images)} images and {len(labels)} labels; they must be as many.")
    if not hasattr(batch_size, "__index__") or batch_size < 1:
        raise ValueError(f"batch_size must be a whole number of at least 1, got {batch_size!r}.")
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
        options["weight_decay"] = float(weight_decay)
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
        Steps of the whole training, that is epochs × batches an epoch, >= 10.

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
    if not hasattr(steps, "__index__") or steps < 10:
        raise ValueError(f"steps must be a whole number of at least 10, epochs × batches an epoch, got {steps!r}.")
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


def _check_units(units, *, name="units", unit="units"):
    if isinstance(units, str) or not isinstance(units, Iterable):
        raise TypeError(
            f"{name} must be a sequence with one number per hidden layer, such as (100, 50), got {units!r}."
        )
    units = tuple(units)
    for n in units:
        if not hasattr(n, "__index__") or isinstance(n, bool) or n < 1:
            raise ValueError(
                f"Each hidden layer needs a whole number of {unit}, at least 1; {name}={units!r} has {n!r}."
            )
    return tuple(int(n) for n in units)


def _is_number(value):
    return hasattr(value, "__float__") and not isinstance(value, bool)


def _check_range(name, value, low, high, rule):
    if not _is_number(value) or not low <= value < high:
        raise ValueError(f"{name} must satisfy {rule}, got {value!r}.")


def _check_name(kind, name, known):
    if name not in known:
        raise ValueError(f"Unknown {kind} {name!r}. Choose one of: {', '.join(sorted(known))}.")
