"""Build the course as pages that move without a kernel: python site/build.py [--lessons 01 02 …] [--to FOLDER].

Each lesson is run once to draw what its widgets can show (kept until its code changes), then Sphinx makes the pages
from the stored notebooks. Nothing needs a network.
"""

import argparse
import hashlib
import html
import os
import re
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from tqdm import tqdm

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))
from export import is_run  # noqa: E402
from tools import course  # noqa: E402
from tools.launch import address, buttons  # noqa: E402

NOTEBOOKS = ROOT / "notebooks"
LESSONS = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
NEEDS_SCRIPTS = "<p>Here a question is asked, where scripts run.</p>"
NEEDS_PYTHON = "*The checks below need Python: install the course to solve the exercises.*"
SCRIPTS = {"explorer": "explorer.js", "prediction": "predictions.js", "pad": "pad.js", "lab": "lab.js"}


def export(lessons, folder, *, skip=()):
    """Run the lessons whose code is new, two at a time; return the folder of what each has exported, by its stem."""
    exported = {lesson.stem: folder / f"{lesson.stem}-{fingerprint(lesson, skip=skip)}" for lesson in lessons}
    new = [lesson for lesson in lessons if not (exported[lesson.stem] / "widgets.json").exists()]
    with ThreadPoolExecutor(2) as pool, tqdm(total=len(new), desc="lessons run", disable=not new) as bar:
        for _ in pool.map(lambda lesson: export_one(lesson, exported[lesson.stem], skip=skip), new):
            bar.update()
    for old in set(folder.glob("*")) - set(exported.values()):
        if old.name[:-17] in exported:
            shutil.rmtree(old)
    return exported


def export_one(lesson, folder, *, skip):
    """Run a lesson in a process of its own; what it says goes to a file, and is shown if it fails."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(HERE / "export.py"), str(lesson), str(folder), *skip]
    _, exported, _ = course.read()  # what the Makefile exports, when it is not make that calls
    with (folder / "log").open("w", encoding="utf-8") as log:
        done = subprocess.run(command, stdout=log, stderr=log, env={**os.environ, **exported})
    if done.returncode:
        raise SystemExit(f"{lesson.name} could not be run:\n{(folder / 'log').read_text(encoding='utf-8')[-3000:]}")


def fingerprint(lesson, *, skip=()):
    """Of everything that decides what a lesson's widgets show: its code, the helpers and the data."""
    cells = nbformat.read(lesson, as_version=4).cells
    codes = [cell.id + cell.source for cell in cells if is_run(cell, skip=skip)]
    files = [*sorted(ROOT.glob("nbhelpers/**/*.py")), *sorted(HERE.glob("export*.py"))]
    files += [ROOT / name for name in ("nbhelpers/course.mplstyle", "tools/run_notebooks.py", "data/SHA256SUMS")]
    whole = "\0".join([*codes, *(file.read_text(encoding="utf-8") for file in files)])
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def pages_of(exported):
    """The sources of all pages, path to text: the stored notebooks, with places for what moves, and the texts."""
    folders = [NOTEBOOKS, NOTEBOOKS / "evidence", NOTEBOOKS / "solutions"]
    texts = [path for folder in folders for path in folder.glob("*.md")]
    texts += [ROOT / "data" / "README.md", ROOT / "TEACHING.md"]
    sources = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in texts}
    for path in (path for folder in folders for path in folder.glob("[0-9]*.ipynb")):
        name, notebook = path.relative_to(ROOT).as_posix(), nbformat.read(path, as_version=4)
        put_alt_texts(notebook)
        if path in LESSONS:
            put_words(notebook)
            put_buttons(notebook, name)
        if path in LESSONS and path.stem in exported:
            put_places(notebook, path.stem)
        sources[name] = nbformat.writes(notebook)
    sources["TEACHING.md"] = without_links_to_others(sources["TEACHING.md"], sources)
    return {"index.md": index((ROOT / "README.md").read_text(encoding="utf-8")), **sources}


def stage(sources, folder):
    """Write the sources into the folder, and nothing else; what has not changed keeps its date."""
    for name, text in sources.items():
        write_if_new(folder / name, text)
    pictures = [path.relative_to(ROOT) for path in ROOT.glob("data/*.png")]
    for picture in pictures:
        shutil.copy2(ROOT / picture, folder / picture)
    for old in {p for p in folder.rglob("*") if p.is_file()} - {folder / name for name in [*sources, *pictures]}:
        old.unlink()


def put_places(notebook, stem):
    """Where a widget or an answer stood, put an element of the page that the scripts find."""
    waiting = None  # the question whose answer has not been covered yet
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        base = f'data-from="../widgets/{stem}/" data-cell="{cell.id}"'
        asked = re.search(r'guesses\.ask\(\s*"(\w+)"', cell.source)
        revealed = re.search(r'guesses\.reveal\("(\w+)"', cell.source)
        picture = next((o for o in cell.outputs if "image/png" in o.get("data", {})), None)
        if asked:
            waiting = asked[1]
            cell.outputs = [element("course-place", base, f'data-name="{waiting}"', inner=NEEDS_SCRIPTS)]
            continue
        if re.search(r"^(explore|digit_pad)\(|^lab$", cell.source, flags=re.M):
            cell.outputs = [element("course-place", base, inner=fallback(picture))]
        elif "guesses.summary()" in cell.source:
            cell.outputs = [element("course-summary")]
        # The first figure or line after a question may give its answer away, and not only the cell that reveals it.
        if revealed or (waiting and cell.outputs):
            cell.outputs.append(element("course-reveal", f'data-names="{revealed[1] if revealed else waiting}"'))
            waiting = None


def put_alt_texts(notebook):
    """Tell MyST-NB the alt text of each figure."""
    for cell in notebook.cells:
        if "alt" in cell.metadata:
            cell.metadata["mystnb"] = {"image": {"alt": cell.metadata.alt}}


def put_words(notebook):
    """Say of the exercises what they need, and leave out what their checks said to no answer."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"^## Exercises$", f"## Exercises\n\n{NEEDS_PYTHON}", cell.source, flags=re.M)
        elif "exercise" in cell.metadata.get("tags", []):
            cell.outputs = []


def put_buttons(notebook, name):
    """Link to the places that run the lesson, if the repository has an address; the launch cell is for them alone."""
    notebook.cells = [cell for cell in notebook.cells if "launch" not in cell.metadata.get("tags", [])]
    links = [f"[{place}]({url})" for place, url in buttons(address(), name)]
    if links:
        notebook.cells[0].source += "\n\nRun it in {} or {}, or open the whole course in {}.".format(*links)


def without_links_to_others(text, names):
    """Links to files of the repository that are no pages become plain text."""
    return re.sub(r"\[([^]]+)\]\(([^)#:]+)\)", lambda link: link[0] if link[2] in names else link[1], text)


def element(name, *attributes, inner=""):
    text = f'<div class="{name}" {" ".join(attributes)}>{inner}</div>'
    return nbformat.v4.new_output("display_data", {"text/html": text})


def fallback(output):
    """The stored picture, which stands until the widget does, and where no script runs."""
    alt = html.escape(output.metadata.get("image/png", {}).get("alt", output.data["text/plain"]))
    return f'<img alt="{alt}" src="data:image/png;base64,{output.data["image/png"].strip()}">'


def index(readme):
    """The first page, with the README's table of lessons."""
    table = re.search(r"^\| notebook .*?(?=\n\n)", readme, flags=re.M | re.S)[0]
    text = (HERE / "index.md").read_text(encoding="utf-8").replace("{{notebooks}}", table)
    where = f", from [{address()}]({address()})" if address() else ""
    text = text.replace("{{where}}", where)
    return text.replace("{{lessons}}", "\n".join(f"{title} <{path[:-6]}>" for title, path in rows(table)))


def rows(table):
    """The title of each lesson, with its number, and its path."""
    return re.findall(r"\[(\d\d [^]]+)\]\((notebooks/[^)]+\.ipynb)\)", table)


def write_if_new(path, text):
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def make_pages(sources, pages):
    from sphinx.cmd.build import build_main

    if build_main(["-q", "-a", "-W", "--keep-going", "-c", str(HERE), str(sources), str(pages)]):
        raise SystemExit("Sphinx found faults in the pages; the lines above say which.")


def add_widgets(exported, pages):
    """Copy the widgets' scripts, those of JupyterLab, and what the lessons have exported."""
    from nbhelpers.widgets.base import FOLDER, script

    target = pages / "_static" / "widgets"
    target.mkdir(parents=True, exist_ok=True)
    for kind, name in SCRIPTS.items():
        (target / f"{kind}.js").write_text(script(name), encoding="utf-8")
    shutil.copy(FOLDER / "widgets.css", target)
    shutil.rmtree(pages / "widgets", ignore_errors=True)
    folders = {**exported, "atlas": next(iter(exported.values())).with_name("atlas")}
    for name, folder in folders.items():
        if folder.is_dir():  # of the recorded runs there is none if no lesson with a lab moves
            shutil.copytree(folder, pages / "widgets" / name, ignore=shutil.ignore_patterns("log"))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lessons", nargs="*", help="numbers of the lessons whose widgets move; all by default")
    parser.add_argument("--skip", nargs="*", default=[], help="tags of cells not to run, such as trains, to be faster")
    parser.add_argument("--to", type=Path, default=HERE / "_build")
    given = parser.parse_args(arguments)
    lessons = [lesson for lesson in LESSONS if not given.lessons or lesson.name[:2] in given.lessons]
    exported = export(lessons, given.to / "exported", skip=given.skip)
    stage(pages_of(exported), given.to / "source")
    make_pages(given.to / "source", given.to / "html")
    add_widgets(exported, given.to / "html")
    where = "" if given.to == HERE / "_build" else shlex.quote(str(given.to / "html"))
    print(f"The pages are built. To open them: {shlex.quote(sys.executable)} site/serve.py {where}")


if __name__ == "__main__":
    main()
