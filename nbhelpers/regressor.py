"""A network of Keras as an estimator of scikit-learn."""

import copy
import random
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf
from sklearn.utils.validation import check_is_fitted, validate_data

from nbhelpers.models import build_mlp, check_keras
from nbhelpers.numbers import whole_number


class KerasRegressor(keras.wrappers.SKLearnRegressor):
    """A multilayer perceptron that predicts a number, as an estimator of scikit-learn.

    Keras' own wrapper, whose clones forget how to train, whose parameters no search can name, and whose
    predictions print bars, with the hyperparameters as its parameters.

    Parameters
    ----------
    units, activation, batch_norm, dropout, l2, optimizer, learning_rate
        What `nbhelpers.models.build_mlp` takes.
    batch_size, epochs : int
        What ``fit`` of Keras takes, >= 1.
    random_state : int, optional
        Seed of the initial weights, the order of the images and the dropout, from 0 to 2**32 - 1; without one,
        each fit is another. With a seed, Keras 3.15 repeats the first order of the images in each epoch
        (see `nbhelpers.models.batches`).

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
        names = ("activation", "batch_norm", "dropout", "l2", "optimizer", "learning_rate")
        options = {name: getattr(self, name) for name in names}
        return build_mlp(self.units, **options, input_shape=X.shape[1:], classes=None)

    def fit(self, X, y, **kwargs):
        """Build a network and train it on X of shape (n, features) and y of shape (n,).

        Other arguments go to ``fit`` of Keras, such as ``validation_data`` and ``callbacks``.
        """
        check_keras(backends=("tensorflow",))
        options = {name: whole_number(getattr(self, name), name) for name in ("batch_size", "epochs")}
        with seeded(self.random_state):
            return super().fit(X, y, **{**options, "verbose": 0, **kwargs})

    def predict(self, X):
        """Return the predicted numbers, shape (n,), silently."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        return self._reverse_process_target(np.asarray(self.model_(X)))


@contextmanager
def seeded(random_state):
    """Seed Python, NumPy and TensorFlow within a block, and let them go on afterwards as if nothing had been.

    The seeds of Keras are those of the whole process. Left set, they would make what comes after, though it asks
    for no seed, the same each time.

    Parameters
    ----------
    random_state : int or None
        The seed, from 0 to 2**32 - 1; with None nothing is set.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if random_state is None:
        yield
        return
    seed = whole_number(random_state, "random_state", low=0, high=2**32 - 1, note=", or None")
    # TensorFlow does not give its generator's state away, but the next seed that it would have drawn, or None.
    of_tensorflow = tf.compat.v1.get_seed(None)[1]
    of_python, of_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002  the one that Keras seeds
    try:
        keras.utils.set_random_seed(seed)
        yield
    finally:
        keras.utils.set_random_seed(seed)  # which drops the generator that Keras may have made meanwhile
        random.setstate(of_python)
        np.random.set_state(of_numpy)  # noqa: NPY002
        tf.random.set_seed(of_tensorflow)
