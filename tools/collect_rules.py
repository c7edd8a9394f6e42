"""Collect the rules of thumb that close the notebooks into notebooks/rules_of_thumb.md."""

import re
from pathlib import Path

import nbformat

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
RULE = re.compile(r"^> \*\*Rule of thumb\.\*\* (.+)$", re.M)
OPENING = """# Rules of thumb

Where to start, and when to leave. Each was measured with small networks, on MNIST and MNIST-1D (a part of 12 on
scikit-learn's digits, 13 on tables, too), as the evidence behind it shows; on your task it is a place to begin.
"""


def page(folder=FOLDER):
    """The text of the page: of each notebook its title as a link, and its rule."""
    parts = [OPENING]
    for path in sorted(folder.glob("*.ipynb")):
        text = "\n".join(c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "markdown")
        title = re.search(r"^# (.+)$", text, re.M).group(1)
        for rule in RULE.findall(text):
            parts.append(f"**[{path.name[:2]} {title}]({path.name})**\n\n{rule}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    (FOLDER / "rules_of_thumb.md").write_text(page(), encoding="utf-8")
