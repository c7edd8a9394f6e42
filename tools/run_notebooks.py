"""Re-run notebooks on fresh kernels and store their outputs: python tools/run_notebooks.py [FILE or FOLDER ...]."""

import base64
import io
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from PIL import Image
from tqdm import tqdm

WIDGET = "application/vnd.jupyter.widget-view+json"


def run(path):
    """Run one notebook and store it; on an error, say where and leave the file as it was."""
    notebook = nbformat.read(path, as_version=4)
    start = time.perf_counter()
    try:
        execute(notebook, name=path.name)
    except CellExecutionError as error:
        sys.exit(f"{path}: a cell failed, the file is left as it was.\n{error}")
    seconds = time.perf_counter() - start
    for cell in notebook.cells:
        tidy(cell)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    nbformat.write(notebook, path)
    print(f"{path}: {seconds:.0f} s, {path.stat().st_size / 1000:.0f} KB")


def execute(notebook, *, name):
    """Run the cells in a new folder, where they find nothing of a former run to go on with."""
    code = sum(cell.cell_type == "code" for cell in notebook.cells)
    with tempfile.TemporaryDirectory() as folder, tqdm(total=code, desc=name, leave=False) as bar:
        NotebookClient(
            notebook,
            timeout=600,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
            on_cell_executed=lambda **_: bar.update(),
            store_widget_state=False,
            coalesce_streams=True,
        ).execute()


def tidy(cell):
    """Keep what a reader needs: no timestamps, no finished progress bars, the alt text beside each figure."""
    cell.metadata.pop("execution", None)
    if cell.cell_type != "code":
        return
    cell.outputs = [o for o in cell.outputs if not is_progress_bar(o)]
    for output in cell.outputs:
        data = output.get("data", {})
        if "image/png" in data:
            data["image/png"] = smaller(data["image/png"])
            # Without a kernel, JupyterLab would show an error in place of the widget; so the picture stays alone.
            data.pop(WIDGET, None)
            if "alt" in cell.metadata:
                output.metadata.setdefault("image/png", {})["alt"] = cell.metadata.alt


def smaller(png):
    """The same picture with at most 64 colours; both in base64."""
    return base64.b64encode(smaller_png(base64.b64decode(png))).decode()


def smaller_png(png):
    """The same picture with at most 64 colours; both are the bytes of a PNG."""
    small = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(64).save(small, format="PNG", optimize=True)
    return small.getvalue()


def is_progress_bar(output):
    data = output.get("data", {})
    return WIDGET in data and "image/png" not in data


def main(arguments):
    given = [Path(a) for a in arguments] or [Path("notebooks")]
    paths = [p for g in given for p in (sorted(g.rglob("*.ipynb")) if g.is_dir() else [g])]
    for path in paths:
        if ".ipynb_checkpoints" not in path.parts:
            run(path)


if __name__ == "__main__":
    main(sys.argv[1:])
