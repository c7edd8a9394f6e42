"""Look for misspelled words in the sources of notebooks, not in their outputs: python tools/spelling.py [FOLDER]."""

import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent


def main(folder=ROOT / "notebooks"):
    """Give codespell each cell as a file of its own, so that it names notebook and cell; end with its exit status."""
    with tempfile.TemporaryDirectory() as copies:
        for path in Path(folder).rglob("*.ipynb"):
            if ".ipynb_checkpoints" not in path.parts:
                cells = Path(copies, path.relative_to(folder).with_suffix(""))
                cells.mkdir(parents=True)
                for number, cell in enumerate(nbformat.read(path, as_version=4).cells):
                    (cells / f"cell {number}").write_text(cell.source + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "codespell_lib", "--toml", str(ROOT / "pyproject.toml")]
        sys.exit(subprocess.run(command, cwd=copies).returncode)


if __name__ == "__main__":
    main(*sys.argv[1:])
