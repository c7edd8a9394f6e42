"""Run a lesson and write what its widgets need on a page without a kernel.

    python site/export.py NOTEBOOK FOLDER [TAG …]

A description of each widget by the id of its cell goes to FOLDER/widgets.json, pictures and numbers beside it.
Cells with one of these tags are not run.
"""

import contextlib
import itertools
import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SKIPPED = {"exercise", "launch"}


def is_run(cell, *, skip=()):
    return cell.cell_type == "code" and not SKIPPED.union(skip) & set(cell.metadata.get("tags", []))


def run(notebook, *, skip=()):
    """Run the cells of a notebook but its exercises, in this process; yield what a reader sees of each, by its id."""
    from IPython.core.interactiveshell import InteractiveShell

    sys.path.insert(0, "")  # as in a kernel, cells import what cells have written
    shell = InteractiveShell.instance()
    for cell in notebook.cells:
        if is_run(cell, skip=skip):
            done = shell.run_cell(cell.source, store_history=True)
            done.raise_error()
            yield cell.id, done.result


def export(widget, folder):
    """Write the files that a widget needs into the folder; return its description, which has no types but JSON's.

    The recorded runs that labs replay are written beside the folder of the lesson, for all of them.
    """
    from export_lab import export_lab
    from export_pad import export_pad
    from nbhelpers.widgets.explorer import Explorer
    from nbhelpers.widgets.lab import LiveLab
    from nbhelpers.widgets.pad import DigitPad
    from nbhelpers.widgets.predictions import Prediction

    if isinstance(widget, LiveLab):
        return export_lab(widget, folder.parents[1] / "atlas")
    exporters = {Explorer: export_explorer, Prediction: export_prediction, DigitPad: export_pad}
    # Not by its type: a widget that gets a trait of its own becomes of a new one.
    return next(write for kind, write in exporters.items() if isinstance(widget, kind))(widget, folder)


def traits(widget, *names):
    return {name: getattr(widget, name) for name in names}


def export_explorer(explorer, folder):
    """Draw each combination with the explorer's own function, and write it as a small picture."""
    folder.mkdir(parents=True, exist_ok=True)
    first = traits(explorer, "controls", "index", "sentence")
    places = [range(len(control["options"])) for control in explorer.controls]
    pictures = {"-".join(map(str, index)): draw(explorer, index, folder) for index in itertools.product(*places)}
    return {"kind": "explorer", "traits": first, "pictures": pictures}


def draw(explorer, index, folder):
    """Write the picture of one combination; return its alt text, or the reason why it cannot be drawn."""
    from tools.run_notebooks import smaller_png

    explorer._show(list(index))
    if explorer.problem:
        return {"problem": explorer.problem}
    (folder / f"{'-'.join(map(str, index))}.png").write_bytes(smaller_png(explorer.picture))
    return {"alt": explorer.alt}


def export_prediction(prediction, folder):
    """The question, and what `reveal` would say to each option, or the numbers with which the page says it."""
    shown = traits(prediction, "question", "options", "low", "high")
    return {"kind": "prediction", "traits": shown, "answer": prediction.answer()}


def main(path, folder, *skip):
    import matplotlib as mpl
    import nbformat

    from nbhelpers.widgets.base import CourseWidget

    mpl.use("agg")
    folder, notebook = Path(folder).resolve(), nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):  # some lessons write files
        shown = {name: value for name, value in run(notebook, skip=skip) if isinstance(value, CourseWidget)}
        described = {name: export(widget, folder / name) for name, widget in shown.items()}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "widgets.json").write_text(json.dumps(described, indent=1), encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main(*sys.argv[1:])
