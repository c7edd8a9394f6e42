"""Build the course as pages that move without a kernel: python site/build.py [--lessons 01 02 …] [--to FOLDER].

Each lesson is run once to draw what its widgets can show (kept until its code changes), then Sphinx makes the pages
from the stored notebooks. Nothing needs a network.
"""

import argparse
import hashlib
import html
import os
import re
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

from tools.launch import address, buttons  # noqa: E402

NOTEBOOKS = ROOT / "notebooks"
LESSONS = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0", "KERAS_BACKEND": "tensorflow"}
SCRIPTS = {"explorer": "explorer.js", "prediction": "predictions.js", "pad": "pad.js", "lab": "lab.js"}


def export(lessons, folder):
    """Run the lessons whose code is new, two at a time; return the folder of what each has exported, by its stem."""
    exported = {lesson.stem: folder / f"{lesson.stem}-{fingerprint(lesson)}" for lesson in lessons}
    new = [lesson for lesson in lessons if not (exported[lesson.stem] / "widgets.json").exists()]
    with ThreadPoolExecutor(2) as pool, tqdm(total=len(new), desc="lessons run", disable=not new) as bar:
        for _ in pool.map(lambda lesson: export_one(lesson, exported[lesson.stem]), new):
            bar.update()
    for old in set(folder.glob("*")) - set(exported.values()):
        if old.name[:-17] in exported:
            shutil.rmtree(old)
    return exported


def export_one(lesson, folder):
    """Run a lesson in a process of its own; what it says goes to a file, and is shown if it fails."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(HERE / "export.py"), str(lesson), str(folder)]
    with (folder / "log").open("w", encoding="utf-8") as log:
        done = subprocess.run(command, stdout=log, stderr=log, env={**os.environ, **ENVIRONMENT})
    if done.returncode:
        raise SystemExit(f"{lesson.name} could not be run:\n{(folder / 'log').read_text(encoding='utf-8')[-3000:]}")


def fingerprint(lesson):
    """Of everything that decides what a lesson's widgets show: its code, the helpers and the data."""
    cells = nbformat.read(lesson, as_version=4).cells
    codes = [cell.id + cell.source for cell in cells if is_run(cell)]
    files = [*sorted(ROOT.glob("nbhelpers/**/*.py")), *sorted(HERE.glob("export*.py")), ROOT / "data" / "SHA256SUMS"]
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
        if path in LESSONS:
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
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        source, base = cell.source, f'data-from="../widgets/{stem}/" data-cell="{cell.id}"'
        asked, revealed = (
            re.search(r'guesses\.ask\(\s*"(\w+)"', source),
            re.findall(r'guesses\.reveal\("(\w+)"', source),
        )
        picture = next((o for o in cell.outputs if "image/png" in o.get("data", {})), None)
        if asked:
            cell.outputs = [element("course-place", base, f'data-name="{asked[1]}"', inner=fallback(picture))]
        elif re.search(r"^(explore|digit_pad)\(|^lab$", source, flags=re.M):
            cell.outputs = [element("course-place", base, inner=fallback(picture))]
        elif revealed:
            cell.outputs.append(element("course-reveal", f'data-names="{" ".join(revealed)}"'))
        elif "guesses.summary()" in source:
            cell.outputs = [element("course-summary")]


def put_buttons(notebook, name):
    """Link to the places that run the lesson, if the repository has an address; the launch cell is for them alone."""
    notebook.cells = [cell for cell in notebook.cells if "launch" not in cell.metadata.get("tags", [])]
    links = [f"[{place}]({url})" for place, url in buttons(address(), name)]
    if links:
        notebook.cells[0].source += f"\n\nRun it in {', '.join(links[:-1])} or {links[-1]}."


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

    if build_main(["-q", "-W", "--keep-going", "-c", str(HERE), str(sources), str(pages)]):
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
    parser.add_argument("--to", type=Path, default=HERE / "_build")
    given = parser.parse_args(arguments)
    lessons = [lesson for lesson in LESSONS if not given.lessons or lesson.name[:2] in given.lessons]
    exported = export(lessons, given.to / "exported")
    stage(pages_of(exported), given.to / "source")
    make_pages(given.to / "source", given.to / "html")
    add_widgets(exported, given.to / "html")
    print(
        f"The pages are in {given.to / 'html'}: python -m http.server --bind 127.0.0.1 --directory {given.to / 'html'}"
    )


if __name__ == "__main__":
    main()
