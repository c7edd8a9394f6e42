"""The two tasks of the course as the live lab knows them, and the checks of the data that it is given."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from nbhelpers.data import TASKS as TITLES
from nbhelpers.widgets.lab.settings import DEFAULTS


@dataclass(frozen=True)
class Task:
    """What the lab needs to know of a task.

    Its `name` is that of the recorded runs, its inputs are called `inputs` and have a shape and a range of values,
    and its hyperparameters stand at `defaults`: as in the recorded runs, where they have one value only.
    """

    name: str
    inputs: str
    shape: tuple
    values: tuple
    defaults: dict

    @property
    def title(self):
        return TITLES[self.name]


TASKS = [
    Task("mnist", "images", shape=(28, 28), values=(0, 1), defaults=DEFAULTS),
    Task(
        "mnist1d",
        "signals",
        shape=(40,),
        values=(-10, 10),
        defaults=DEFAULTS | {"batch_size": 100, "epochs": 54, "training_images": 4000},
    ),
]


def check_data(train, valid):
    """Return the task, and both pairs with inputs as float32, labels as integers; raise ValueError if they are none."""
    task, other = _task_of("train", train), _task_of("valid", valid)
    if task is not other:
        raise ValueError(
            f"train holds {task.inputs} of {task.title}, and valid {other.inputs} of {other.title}: "
            "give both of one task."
        )
    return task, _check_pair("train", train, task), _check_pair("valid", valid, task)


def _task_of(name, part):
    """The task whose inputs have the shape of these."""
    shapes = [np.shape(array) for array in (part if isinstance(part, tuple | list) else [part])]
    for task in TASKS:
        if len(shapes) == 2 and len(shapes[1]) == 1 and shapes[0] == (*shapes[1], *task.shape):
            return task
    raise ValueError(
        f"{name} must be a pair of images (n, 28, 28) or signals (n, 40), and labels (n,), as load_mnist and "
        f"load_mnist1d return; got the shapes {', '.join(map(str, shapes[:5]))}."
    )


def _check_pair(name, part, task):
    inputs, labels = map(np.asarray, part)
    if not len(inputs):
        raise ValueError(f"{name} has no {task.inputs}.")
    _check_values(f"{task.inputs} of {name}", inputs, task.values)
    _check_labels(name, labels)
    return inputs.astype(np.float32, copy=False), labels.astype(np.int64, copy=False)


def _check_values(what, inputs, allowed):
    if inputs.dtype.kind not in "biuf":
        raise ValueError(f"The {what} must be numbers; got an array of the type {inputs.dtype}.")
    low, high = inputs.min(), inputs.max()
    if low >= allowed[0] and high <= allowed[1]:  # neither holds if a value is NaN
        return
    wrong = (~np.isfinite(inputs)).reshape(len(inputs), -1).any(axis=1).sum()
    if wrong:
        raise ValueError(f"{wrong} of the {len(inputs)} {what} have values that are NaN or infinite: leave them out.")
    raise ValueError(
        f"The {what} have values from {low:g} to {high:g}, and the lab takes {allowed[0]} to {allowed[1]}: "
        "scale them first."
    )


def _check_labels(name, labels):
    wrong = ~np.isin(labels, range(10))
    if wrong.any():
        raise ValueError(
            f"{wrong.sum()} of the {len(labels)} labels of {name} are no digits from 0 to 9; "
            f"the first is {labels[wrong][0]}."
        )


def check_recorded(recorded, task):
    """Raise ValueError unless the runs are of this task, and the lab can choose among them; None stands for none."""
    if recorded is None:
        return
    right = f'load_runs("atlas", task="{task.name}")'
    axes = set(recorded.dims) if isinstance(recorded, xr.Dataset) else set()
    if not {"seed", "epoch"} <= axes <= {*DEFAULTS, "epoch"}:
        raise ValueError(
            "recorded must be runs with the axes seed and epoch, and no others than hyperparameters of the lab, as "
            f"{right} returns; got {', '.join(sorted(map(str, axes))) or type(recorded).__name__}."
        )
    name = recorded.attrs.get("task")
    if name != task.name:
        raise ValueError(
            f"The recorded runs are of {TITLES.get(name, name)}, and train holds {task.inputs} of {task.title}: "
            f"give {right}, or none."
        )
