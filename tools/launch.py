"""Where a lesson starts with one click, and the cell that makes it run there: python tools/launch.py [FOLDER].

The address of the repository stands in pyproject.toml, or in the environment variable COURSE_REPOSITORY.
"""

import os
import re
import sys
import tomllib
from pathlib import Path
from urllib.parse import quote

import nbformat

ROOT = Path(__file__).resolve().parent.parent
GITHUB = re.compile(r"https://github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/?")
TAG = "launch"
UNKNOWN = "This copy of the course has no address: set repository in pyproject.toml, run tools/launch.py."


def address(root=ROOT):
    """Return the address of the repository, as ``https://github.com/owner/name``; empty where none is set."""
    project = tomllib.loads((Path(root) / "pyproject.toml").read_text(encoding="utf-8"))
    return os.environ.get("COURSE_REPOSITORY", project["tool"]["course"]["repository"])


def owner_and_name(repository):
    """Return both parts of an address on GitHub, as ``owner/name``; a ValueError says what is wrong with another."""
    found = GITHUB.fullmatch(repository)
    if not found:
        raise ValueError(
            f"The address of the repository must look like https://github.com/owner/name, and is {repository!r}: "
            "Colab, Binder and Codespaces open repositories of GitHub."
        )
    return "/".join(found.groups())


def buttons(repository, notebook, branch="main"):
    """Name the places where a reader can run a notebook without installing anything.

    Parameters
    ----------
    repository : str
        The address of the repository on GitHub, or an empty string.
    notebook : str
        Where the notebook lies in the repository, as ``notebooks/01_train_a_first_network.ipynb``.
    branch : str
        What Colab and Binder open; Codespaces takes the default branch.

    Returns
    -------
    list of (str, str)
        Of each place its name and its address; empty where the repository has no address.

    Raises
    ------
    ValueError
        If the address is not one of GitHub.
    """
    if not repository:
        return []
    course, branch = owner_and_name(repository), quote(branch, safe="")
    return [
        ("Colab", f"https://colab.research.google.com/github/{course}/blob/{branch}/{quote(notebook)}"),
        ("Binder", f"https://mybinder.org/v2/gh/{course}/{branch}?urlpath={quote('lab/tree/' + notebook, safe='')}"),
        ("Codespaces", f"https://codespaces.new/{course}"),
    ]


def first_cell(repository):
    """Return the code that opens each lesson: it fetches the course in Google Colab, and does nothing elsewhere.

    Without an address it says in Google Colab that there is none. A ValueError if the address is not one of GitHub.
    """
    start = 'import sys\n\nif "google.colab" in sys.modules:  # only there; elsewhere this cell does nothing\n'
    if not repository:
        return f'{start}    raise SystemExit("{UNKNOWN}")'
    clone = f"[ -d course ] || git clone --depth 1 -q https://github.com/{owner_and_name(repository)} course"
    run = 'get_ipython().run_line_magic("run", "/content/course/tools/colab.py")'
    return f'{start}    get_ipython().system("cd /content; {clone}")\n    {run}'


def write(path, source):
    """Put the cell before all others of a notebook, in place of the one that is there; True if the file changes."""
    notebook = nbformat.read(path, as_version=4)
    first, others = [], []
    for cell in notebook.cells:
        (first if TAG in cell.metadata.get("tags", []) else others).append(cell)
    if [cell.source for cell in first] == [source] and notebook.cells[0] is first[0]:
        return False
    metadata = {"tags": [TAG], "jupyter": {"source_hidden": True}}
    count = first[0].execution_count if first else None  # what it prints, nothing, stays
    notebook.cells = [nbformat.v4.new_code_cell(source, id=TAG, metadata=metadata, execution_count=count), *others]
    nbformat.write(notebook, path)
    return True


def main(folder=ROOT / "notebooks"):
    source = first_cell(address())
    for path in sorted(Path(folder).glob("[0-9]*.ipynb")):
        if write(path, source):
            print(f"{path}: its first cell is new; `make notebooks` runs it")


if __name__ == "__main__":
    main(*sys.argv[1:])
