"""Write a copy of the course for learners, without solutions: python tools/student_copies.py [FOLDER].

The folder, build/students unless another is named, must be new or empty, or an earlier copy, which is replaced.
"""

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What a learner reads, runs and installs; tests, recorders and what is for teachers stay here.
PARTS = ["data", "jupyter", "nbhelpers", "notebooks", "tools/course.py", "tools/install.sh"]
PARTS += ["environment.yml", "LICENSE", "pyproject.toml", "requirements.lock"]
LEFT_OUT = shutil.ignore_patterns("solutions", "searches", "parts", "__pycache__", ".ipynb_checkpoints")
# As a notebook stores it: in JSON, so that nothing else of the file changes.
LINK = re.compile(r'^ *"Solutions: \[.*\]\(solutions/.*\)\.\\n",\n *"\\n",\n', re.M)
RULES = ("help:", "$(INSTALLED):", "lab:", "clean:")
MARK = ".students"  # names a folder that this tool has written, and may replace


def without_solutions(text):
    """The text of a notebook's file without the line that links to its solutions."""
    return LINK.sub("", text)


def readme(page, notebooks):
    """The page of the copies, with the table of notebooks of the course's own page."""
    return page.replace("{notebooks}", re.search(r"^\| notebook \|.*?(?=\n\n)", notebooks, re.M | re.S).group())


def makefile(text):
    """The Makefile with the verbs of a learner alone."""
    first, *others = text.split("\n\n")
    first = first.replace("`make lab` opens the course, `make test` checks it;", "`make lab` opens the course;")
    kept = [".PHONY: " + " ".join(rule[:-1] for rule in RULES if rule[0] != "$")]
    kept += [block.rstrip("\n") for block in others if block.startswith(RULES)]
    return "\n\n".join([first, *kept]) + "\n"


def make_room(folder):
    """Make a new folder, or one anew that this tool has written.

    Raises
    ------
    FileExistsError
        If anything else lies in it.
    """
    if (folder / MARK).exists():
        shutil.rmtree(folder)
    elif folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} holds something else: name a new folder.")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()


def write(folder, *, root=ROOT):
    """Write the copy of the course that lies in `root`; return its folder."""
    make_room(folder)
    for part in PARTS:
        source, target = root / part, folder / part
        target.parent.mkdir(exist_ok=True)
        shutil.copytree(source, target, ignore=LEFT_OUT) if source.is_dir() else shutil.copy2(source, target)
    for path in (folder / "notebooks").glob("*.ipynb"):
        path.write_text(without_solutions(path.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
    texts = {name: (root / name).read_text(encoding="utf-8") for name in ("README.md", "Makefile", "tools/students.md")}
    (folder / "README.md").write_text(readme(texts["tools/students.md"], texts["README.md"]), encoding="utf-8")
    (folder / "Makefile").write_text(makefile(texts["Makefile"]), encoding="utf-8", newline="\n")
    return folder


if __name__ == "__main__":
    try:
        print("written:", write(Path(sys.argv[1] if len(sys.argv) > 1 else "build/students")))
    except FileExistsError as problem:
        sys.exit(str(problem))
