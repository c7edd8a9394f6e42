"""Write the live lab for a page without a kernel: what its script needs to know, and the recorded runs to replay."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from nbhelpers.data import DATA_FOLDER, SIGNALS, SPLITS, SUMS, load_runs, read_sums
from nbhelpers.widgets.explorer import spec
from nbhelpers.widgets.lab.curves import recorded_history
from nbhelpers.widgets.lab.settings import DEFAULTS, label, make_options, position
from nbhelpers.widgets.lab.tasks import TASKS
from nbhelpers.widgets.lab.widget import OUTCOMES, _cell

# One file for each combination of these, the rest within it.
PIECES = ["activation", "batch_norm", "optimizer", "dropout"]
# How the values of a history are stored: the recorded losses have twelve significant bits, of which eleven stay.
STORED = {"loss": "float16", "accuracy": "uint16", "val_loss": "float16", "val_accuracy": "uint16"}
UNIT = 20_000  # accuracies are stored as multiples of 1 / UNIT, of which all that were recorded are
INPUTS = {"mnist": SPLITS["train"][1].stop, "mnist1d": SIGNALS["train"]}
# Where the two tasks were recorded differently: these stand anew when a reader goes to the other task.
OF_TASK = [name for name in DEFAULTS if len({task.defaults[name] for task in TASKS}) > 1]


def export_lab(lab, folder):
    """Describe a live lab for a page that replays recorded trainings, and write these runs.

    Parameters
    ----------
    lab : LiveLab
        As a lesson makes it with `nbhelpers.widgets.live_lab`.
    folder : path
        Where the recorded runs of both tasks are written; all labs of a site share them.

    Returns
    -------
    dict
        For `connect` of ``page/lab.js``, made of what JSON has: ``kind`` "lab"; ``traits``, which the widget's script
        reads at first; and for each of the ``tasks`` where the hyperparameters stand (``start``) and their
        ``options``, each with its texts and with its place in the recorded runs, None for what was not recorded.
    """
    tasks = {task.name: _describe_task(lab, task) for task in TASKS}
    for name in tasks:
        export_atlas(name, folder)
    own = tasks[lab._task.name]
    controls = [_menu(tasks), *(_control(own, name) for name in lab._names)]
    return {
        "kind": "lab",
        "task": lab._task.name,
        "tasks": tasks,
        "names": list(DEFAULTS),
        "controlled": list(lab._names),
        "of_task": OF_TASK,
        "outcomes": OUTCOMES,
        "traits": {
            "controls": controls,
            "index": [list(tasks).index(lab._task.name), *(own["start"][name] for name in lab._names)],
            "columns": [*map(label, OUTCOMES), "task", *(own["labels"][name] for name in lab._names)],
            "sentence": lab.sentence,
            **{"training": False, "progress": 0.0, "reached": "", "note": "", "problem": ""},
            **{"rows": [], "drawn": [], "csv": "", "alt": "", "picture": None},
        },
    }


def export_atlas(task, folder):
    """Write the recorded histories of a task, unless they are there: `folder`/atlas_`task`/index.json and pieces.

    A piece, "0-1-0-2.bin", holds the runs at these places on the axes `PIECES`: for each variable of the index an array
    with the other axes, little-endian. Accuracies are whole numbers, in units of 1 / ``unit``.

    Parameters
    ----------
    task : {"mnist", "mnist1d"}
        Of the atlas.
    folder : path
        Made if there is none.

    Returns
    -------
    pathlib.Path
        Of the index.

    Raises
    ------
    ValueError
        If a recorded accuracy is no multiple of the unit.
    """
    runs = load_runs("atlas", task=task)
    within = [name for name in runs.loss.dims if name not in PIECES]
    home = Path(folder) / f"atlas_{task}"
    index = {
        "pieces": PIECES,
        "axes": within,
        "sizes": [runs.sizes[name] for name in within],
        "epochs": runs.epoch.values.tolist(),
        "variables": STORED,
        "unit": UNIT,
        "made_from": read_sums(DATA_FOLDER / SUMS)[f"runs_atlas_{task}.nc"],
    }
    path = home / "index.json"
    if path.is_file() and json.loads(path.read_text("utf-8")) == index:
        return path
    home.mkdir(parents=True, exist_ok=True)
    arrays = [_stored(runs[name].transpose(*PIECES, *within).values, kind) for name, kind in STORED.items()]
    for place in np.ndindex(*(runs.sizes[name] for name in PIECES)):
        (home / f"{'-'.join(map(str, place))}.bin").write_bytes(b"".join(array[place].tobytes() for array in arrays))
    path.write_text(json.dumps(index), encoding="utf-8")  # last: it says that all is there
    return path


def _stored(values, kind):
    """Return the values as they are stored, little-endian; raise ValueError for accuracies that would be rounded."""
    if kind == "float16":
        return values.astype("<f2")
    whole = np.round(values.astype(float) * UNIT)
    if np.abs(whole / UNIT - values).max() > 1e-7:  # which float32 cannot tell apart
        raise ValueError(f"The recorded accuracies are no multiples of 1/{UNIT}.")
    return whole.astype("<u2")


def _describe_task(lab, task):
    """Where the hyperparameters stand on this task, their options, and which of these were recorded."""
    own = task is lab._task
    options = lab._options if own else make_options(INPUTS[task.name])
    settings = lab.settings if own else lab.settings | {name: task.defaults[name] for name in OF_TASK}
    recorded = load_runs("atlas", task=task.name)
    return {
        "title": task.title,
        "atlas": f"atlas_{task.name}",
        "start": {name: position(name, value, options[name]) for name, value in settings.items()},
        "labels": {name: label(name, inputs=task.inputs) for name in DEFAULTS},
        "sliders": {name: spec(name, options[name])["slider"] for name in DEFAULTS},
        "options": {name: _describe_options(name, options[name], task, recorded) for name in DEFAULTS},
    }


def _describe_options(name, values, task, recorded):
    """The texts of the options, for sentences, a control, a cell of the table and a CSV, and their recorded places."""
    csv = pd.DataFrame({name: values}).to_csv(index=False).split()[1:]
    texts = spec(name, values)["options"]
    places = [_place(name, value, task, recorded) for value in values]
    return [
        {
            "value": value,
            "text": text,
            "control": text if place is not None else f"{text} (not recorded)",
            "cell": _cell(value)[0],
            "csv": saved,
            "recorded": place,
        }
        for value, text, saved, place in zip(values, texts, csv, places, strict=True)
    ]


def _place(name, value, task, recorded):
    """Where the runs with this option lie on their axis; of epochs, how many were recorded; None if none were."""
    if name == "seed":
        return _first(recorded.seed.values == value)
    # The options were recorded or not whatever the others are, so that a table of each tells all.
    band = recorded_history(recorded, task.defaults | {name: value})
    if band is None:
        return None
    if name == "epochs":
        return band.sizes["epoch"] if band.epoch[-1] == value else None
    return _first(recorded[name].values == band[name].item()) if name in recorded.dims else 0


def _first(found):
    return int(found.argmax()) if found.any() else None


def _menu(tasks):
    return {"label": "task", "options": [task["title"] for task in tasks.values()], "slider": False}


def _control(task, name):
    texts = [option["control"] for option in task["options"][name]]
    return {"label": task["labels"][name], "options": texts, "slider": task["sliders"][name]}
