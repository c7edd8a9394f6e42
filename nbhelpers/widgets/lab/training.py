"""One training in a thread of its own: it can be stopped, and reports how far it is."""

import math
import threading
import time
import traceback

import keras
import numpy as np

from nbhelpers.models import batches, build_mlp, mlp_arguments

METRICS = ("loss", "accuracy", "val_loss", "val_accuracy")
# Within an epoch, a point after each so many seconds, so that a long epoch, too, shows that something happens;
# later where scoring and drawing a point takes long, so that most of the time goes to training.
POINT_SECONDS = 0.5
REPORT_SECONDS = 0.2
# The seeds of Keras are those of the whole process: no two networks may be set up at the same time.
_SEEDED = threading.Lock()


class StoppedError(Exception):
    """The reader asked to stop."""


class DivergedError(Exception):
    """The loss is not finite any more."""


class Training(threading.Thread):
    """Train one multilayer perceptron in the background.

    Parameters
    ----------
    settings : dict
        Hyperparameter to value, with the names of `nbhelpers.widgets.lab.settings.DEFAULTS`.
    train, valid : pair of arrays
        Inputs of a network, shape (n, ...), and labels of shape (n,).
    report : callable
        Called with this training, from its thread, when something is new and when it has ended.

    Attributes
    ----------
    status : str
        "training", then "finished", "stopped", "diverged" or "failed".
    model : keras.Sequential or None
        The network as far as it is trained; after the end with a new optimizer, not the one that trained it.
    history : dict of str to list
        ``epoch``, with a fraction within an epoch, and what Keras reports: ``loss`` and ``accuracy``, averages
        over the epoch so far, ``val_loss`` and ``val_accuracy``. At epoch 0, before the first step, only the latter.
    epoch : float
        How far it is.
    problem : Exception or None
        Why it failed.
    """

    def __init__(self, settings, train, valid, *, report):
        super().__init__(daemon=True, name="training")
        self.settings, self.train, self.valid, self.report = settings, train, valid, report
        self.stop_asked = threading.Event()
        self.status, self.model, self.problem, self.epoch = "training", None, None, 0.0
        self.history = {name: [] for name in ("epoch", *METRICS)}
        self._ending = threading.Lock()
        self._next_point = self._next_report = 0.0

    def run(self):
        self.end(*self._train_and_classify())
        # What is kept is the run, not the inputs, nor the lab that was told of it.
        self.train = self.valid = None
        self.report = lambda run: None

    def end(self, status, problem=None):
        """Set how the training ended, and why if it failed; the first status stays."""
        with self._ending:
            if self.status == "training":
                self.problem, self.status = problem, status
        self.report(self)

    def _train_and_classify(self):
        """Train; return the status and the problem."""
        try:
            try:
                self._train()
            finally:
                self._forget_optimizer()
        except StoppedError:
            return "stopped", None
        except DivergedError:
            return "diverged", None
        except Exception as problem:  # whatever it was, the reader sees it beside the run
            traceback.clear_frames(problem.__traceback__)  # which hold inputs and variables
            return "failed", problem
        return "finished", None

    def _train(self):
        settings = self.settings
        self.train = tuple(part[: settings["training_images"]] for part in self.train)
        with _SEEDED:
            keras.utils.set_random_seed(settings["seed"])
            self.model = build_mlp(**mlp_arguments(settings), input_shape=self.train[0].shape[1:])
            data = batches(*self.train, batch_size=settings["batch_size"])
        # Summing gradients over replicas, of which there is one, registers a gradient function that TensorFlow never
        # frees, and with it the traced step and the optimizer's slots.
        self.model.optimizer._all_reduce_sum_gradients = list
        self.check()
        self.add_point(0.0, {"loss": math.nan, "accuracy": math.nan})
        self.model.fit(data, epochs=settings["epochs"], shuffle=False, verbose=0, callbacks=[_Watch(self)])

    def _forget_optimizer(self):
        """Compile the network with a new optimizer, since the slots of the old one are up to twice the weights."""
        if self.model is None:
            return
        old = self.model.optimizer
        new = type(old).from_config(old.get_config())
        self.model.compile(optimizer=new, loss=self.model.loss, metrics=["accuracy"])

    def check(self):
        if self.stop_asked.is_set():
            raise StoppedError

    def score(self, inputs, labels, *, chunk=1000):
        """Return loss and accuracy; in small pieces, so that a stop need not wait for a large network."""
        right, losses = [], []
        for start in range(0, len(inputs), chunk):
            self.check()
            part = slice(start, start + chunk)
            outputs = np.asarray(self.model(inputs[part], training=False))
            losses.append(np.asarray(keras.losses.sparse_categorical_crossentropy(labels[part], outputs)))
            right.append(outputs.argmax(axis=1) == labels[part])
        penalty = float(sum(self.model.losses)) if self.model.losses else 0.0
        return float(np.concatenate(losses).mean()) + penalty, float(np.concatenate(right).mean())

    def add_point(self, epoch, logs):
        """Add what training reports after this epoch, or part of it, and the scores on the validation inputs."""
        start = time.monotonic()
        val_loss, val_accuracy = self.score(*self.valid)
        _check_finite(val_loss)
        self.check()
        values = {**logs, "val_loss": val_loss, "val_accuracy": val_accuracy, "epoch": epoch}
        self.epoch = epoch
        # In one go, since others may look at it at any time.
        self.history = {name: [*known, float(values[name])] for name, known in self.history.items()}
        self.report(self)
        end = time.monotonic()
        self._next_point = end + max(POINT_SECONDS, 4 * (end - start))

    def watch(self, epoch, logs):
        """After a step: end the training, add a point, or say how far it is, each when it is time."""
        self.check()
        self.epoch = epoch
        now = time.monotonic()
        if now >= self._next_point:
            self.add_point(epoch, logs)
        elif now >= self._next_report:
            self._next_report = now + REPORT_SECONDS
            self.report(self)


class _Watch(keras.callbacks.Callback):
    """Tell a training of each step and epoch."""

    def __init__(self, training):
        super().__init__()
        self.training = training

    def on_epoch_begin(self, epoch, logs=None):
        self.epochs_done = epoch

    def on_train_batch_end(self, batch, logs=None):
        _check_finite(logs["loss"])
        # The last step of an epoch has its point in `on_epoch_end`.
        if batch + 1 < self.params["steps"]:
            self.training.watch(self.epochs_done + (batch + 1) / self.params["steps"], logs)

    def on_epoch_end(self, epoch, logs=None):
        self.training.add_point(epoch + 1.0, logs)


def _check_finite(loss):
    if not math.isfinite(loss):
        raise DivergedError
