"""What a teacher gets: copies for learners, slides, and what a server needs."""

import html
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import psutil
import pytest

from tests.notebooks import checks

ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))

sys.path.insert(0, str(ROOT / "tools"))
student_copies = importlib.import_module("student_copies")
slides = importlib.import_module("slides")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return student_copies.write(tmp_path_factory.mktemp("for") / "students")


def run(*command, folder, **environment):
    return subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, encoding="utf-8", check=True
    )


def dangling(folder):
    """Links of the pages and notebooks of a folder that lead nowhere."""
    for path in (p for kind in ("*.md", "*.ipynb") for p in folder.rglob(kind)):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":
            cells = nbformat.reads(text, as_version=4).cells
            text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        for target in re.findall(r"\]\(([^)#\s]+)", text):
            if not target.startswith("https://") and not (path.parent / target).exists():
                yield f"{path.relative_to(folder)}: {target}"


def test_a_copy_holds_no_solutions_and_what_a_doubter_reads(copy):
    names = [str(path.relative_to(copy)) for path in copy.rglob("*")]
    assert not [name for name in names if re.search("solution|quiz|^tests|^recorders|TEACHING", name)]
    assert len([name for name in names if name.startswith("notebooks/evidence/")]) == len(LESSONS)


def test_no_link_of_a_copy_leads_nowhere(copy):
    assert not list(dangling(copy))


def test_a_link_that_leads_nowhere_is_noticed(tmp_path):
    (tmp_path / "page.md").write_text("[there](page.md), [not](solutions/page.md)", encoding="utf-8")
    assert list(dangling(tmp_path)) == ["page.md: solutions/page.md"]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_lacks_the_line_that_leads_to_its_solutions_and_nothing_else(copy, path):
    line = f"Solutions: [solutions/{path.name}](solutions/{path.name}).\n\n"
    ours, theirs = (nbformat.read(p, as_version=4) for p in (path, copy / "notebooks" / path.name))
    (cell,) = [cell for cell in ours.cells if line in cell.source]
    cell.source = cell.source.replace(line, "")
    assert theirs == ours


@pytest.mark.parametrize("name", ["notebooks/glossary.md", "notebooks/evidence/01_ruler.ipynb", "data/mnist.npz"])
def test_other_files_are_copied_as_they_are(copy, name):
    assert (copy / name).read_bytes() == (ROOT / name).read_bytes()


def test_the_package_and_the_data_of_a_copy_work_by_themselves(copy):
    code = "from nbhelpers import checks, data; print(data.__file__, len(data.load_mnist('valid', n=5)[0]))"
    shown = run(sys.executable, "-c", code, folder=copy, PYTHONPATH=str(copy)).stdout
    assert shown.split() == [str(copy / "nbhelpers" / "data.py"), "5"]


def test_a_copy_is_opened_as_the_course_is(copy):
    commands = [
        run("make", "--no-print-directory", "--dry-run", "lab", folder=folder).stdout for folder in (ROOT, copy)
    ]
    assert commands[0].splitlines()[-1] == commands[1].splitlines()[-1]
    assert "install.sh" in commands[1]
    listed = run("make", "--no-print-directory", folder=copy).stdout.splitlines()
    assert [line.split()[1] for line in listed] == ["help", "lab", "clean"]


def test_the_page_of_a_copy_lists_the_notebooks_as_the_course_does(copy):
    rows = [re.findall(r"^\| \[.*$", (f / "README.md").read_text(encoding="utf-8"), re.M) for f in (ROOT, copy)]
    assert rows[0] == rows[1] and len(rows[1]) == len(LESSONS)


def test_a_copy_replaces_an_earlier_one_and_nothing_else(tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").touch()
    with pytest.raises(FileExistsError):
        student_copies.make_room(mine)
    assert (mine / "thesis.txt").exists()
    for _ in range(2):
        student_copies.make_room(tmp_path / "new")
        assert len(list((tmp_path / "new").iterdir())) == 1
        (tmp_path / "new" / "old").touch()


@pytest.fixture(scope="module", params=LESSONS, ids=lambda path: path.stem)
def lesson(request):
    """A lesson, and its deck."""
    return nbformat.read(request.param, as_version=4), slides.deck(request.param)


def plain(page):
    """What one reads on a page of HTML, or in Markdown that was made to one."""
    return " ".join(html.unescape(re.sub(r"<(style|script)>.*?</\1>|<[^>]+>", "", page, flags=re.S)).split())


def kinds(deck):
    return re.findall(r'<section class="slide (\w+)"', deck)


def lacking(notebook, deck):
    """Statements of the summary, the rule among them, that are not on a deck word for word."""
    return [text for _, text, _ in checks.statements(notebook) if plain(slides.render(text)) not in plain(deck)]


def test_a_deck_holds_every_statement_of_the_summary_word_for_word(lesson):
    assert len(list(checks.statements(lesson[0]))) > 4 and not lacking(*lesson)


def test_a_statement_that_is_not_on_the_slides_is_noticed():
    notebook, deck = nbformat.read(LESSONS[0], as_version=4), slides.deck(LESSONS[0])
    assert len(lacking(notebook, deck.replace("51% of the errors", "52% of the errors"))) == 1


def test_a_deck_opens_with_the_question_and_ends_with_the_rule(lesson):
    notebook, deck = lesson
    first = next(cell for cell in notebook.cells if cell.cell_type == "markdown")
    assert plain(slides.render(first.source.split("\n")[2])) in plain(deck)
    assert kinds(deck)[0] == "title" and kinds(deck)[-1] == "rule"
    assert deck.count("<h1") == 1 and deck.count("<h2") == len(kinds(deck)) - 1


def test_every_figure_of_a_lesson_is_on_its_deck_with_its_alt_text(lesson):
    notebook, deck = lesson
    stored = [
        output
        for cell in notebook.cells
        if "guesses.ask(" not in cell.source
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    images = re.findall(r'<img alt="([^"]+)" src="data:image/png;base64,', deck)
    assert len(images) == len(stored) == deck.count("<img") > 1
    for image, output in zip(images, stored, strict=True):
        assert html.unescape(image).startswith(output.metadata["image/png"]["alt"])


def test_each_question_has_a_slide_of_its_own_before_an_answer(lesson):
    notebook, deck = lesson
    asked = sum(cell.source.count("**Predict") for cell in notebook.cells if cell.cell_type == "markdown")
    assert kinds(deck).count("question") == asked > 0
    last = len(kinds(deck)) - kinds(deck)[::-1].index("question")
    assert {"figure", "printed"} & set(kinds(deck)[last:])


def loads(page):
    """What a page would load from elsewhere."""
    return re.findall(r"""(?:src|href|srcset)=["']?(?!data:)[^"'\s>]+|@import|url\(|\bfetch\(|<link|https?://""", page)


def test_a_deck_loads_nothing(lesson):
    assert not loads(lesson[1])


@pytest.mark.parametrize(
    "loaded", ['<img src="a.png">', "<script src='x.js'>", "@import 'a.css'", '<link rel="icon">', 'fetch("a")']
)
def test_what_would_be_loaded_is_noticed(loaded):
    assert loads(slides.deck(LESSONS[0]) + loaded)


def test_no_markup_is_left_on_a_slide(lesson):
    text = plain(re.sub(r"<(code|pre)>.*?</\1>", "", lesson[1], flags=re.S))
    assert not re.findall(r"\*\*|\$|\]\(|\\\w+", text)


def test_decks_are_written_for_files_and_folders(tmp_path):
    slides.main([str(LESSONS[1])], folder=tmp_path / "one")
    assert [path.name for path in (tmp_path / "one").iterdir()] == [f"{LESSONS[1].stem}.html"]
    slides.main([str(ROOT / "notebooks")], folder=tmp_path / "all")
    assert len(list((tmp_path / "all").iterdir())) == len(LESSONS)


def tiny(*cells):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


def measured(tmp_path, *cells, learners=2, leave=0):
    """Measure a class with a notebook of these cells; return what was said, and whether a kernel still runs."""
    nbformat.write(tiny(*cells), tmp_path / "tiny.ipynb")
    command = [sys.executable, "tools/measure_class.py", "--learners", str(learners), "--leave", str(leave)]
    mark = {"MEASURED": str(tmp_path)}  # which the kernels inherit
    done = subprocess.run(
        [*command, str(tmp_path / "tiny.ipynb")], cwd=ROOT, env=os.environ | mark, capture_output=True, encoding="utf-8"
    )
    return done, any(is_marked(process, mark) for process in psutil.process_iter())


def is_marked(process, mark):
    try:
        return mark.items() <= process.environ().items()
    except psutil.Error:  # it has ended, or is somebody else's
        return False


def test_a_class_is_measured_each_learner_in_a_folder_of_its_own(tmp_path):
    cells = ["open('mine.txt', 'x').close()", "import time; held = b'x' * 200_000_000; time.sleep(3)"]
    done, left = measured(tmp_path, *cells)
    assert done.returncode == 0 and not left, done.stderr
    machine, *lines = done.stdout.splitlines()
    assert re.match(r"\d+ cores, \d+ GB to spare", machine)
    found = [re.fullmatch(r"tiny.ipynb, (\d) at once: median (\d+) s, .*; ([\d.]+) GB", line) for line in lines]
    assert [one[1] for one in found] == ["1", "2"] and all(int(one[2]) >= 3 for one in found)
    assert 0.2 <= float(found[0][3]) < 0.6 and 0.4 < float(found[1][3]) < 1


@pytest.mark.parametrize("cell", ["", "import time; time.sleep(60)"])
def test_a_class_is_stopped_before_the_memory_is_used_up(cell, tmp_path):
    done, left = measured(tmp_path, cell, learners=4, leave=1e6)
    assert "fewer than 1e+06 GB are left" in done.stderr and done.returncode and not left


def test_a_lesson_that_fails_is_told(tmp_path):
    done, left = measured(tmp_path, "1 / 0", learners=1)
    assert "ZeroDivisionError" in done.stderr and done.returncode and not left
