"""The notebooks as files: each of them passes each check, and each check can fail."""

from pathlib import Path

import nbformat
import pytest

from tests.notebooks import checks

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
PATHS = sorted(p for p in FOLDER.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
FIRST = FOLDER / "01_train_a_first_network.ipynb"
SECOND = FOLDER / "02_choose_the_number_of_hidden_layers.ipynb"
EVIDENCE = FOLDER / "evidence" / "02_hidden_layers.ipynb"
EVIDENCE_12 = FOLDER / "evidence" / "12_honest_score.ipynb"


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(FOLDER)))
def test_notebook(path, check):
    problems = list(check(nbformat.read(path, as_version=4), path))
    assert not problems, "\n".join(problems)


def edit(cell_type, change):
    """Return a function that changes the first cell of this type for which `change` finds something to change."""

    def apply(notebook):
        for cell in notebook.cells:
            if cell.cell_type == cell_type and change(cell):
                return
        raise AssertionError("nothing to change")

    return apply


def add(text):
    def change(cell):
        cell.source += text
        return True

    return change


def set_alt(cell):
    found = [o for o in cell.outputs if "image/png" in o.get("data", {})]
    for output in found:
        output.metadata["image/png"] = {}
    return found


def blow_up(cell):
    found = [o for o in cell.outputs if "image/png" in o.get("data", {})]
    for output in found:
        output.data["image/png"] *= 60
    return found


def solve(cell):
    found = [o for o in cell.outputs if "checks." in cell.source]
    for output in found:
        output.text = "✓ fine"
    return found


def log(cell):
    cell.outputs.append(nbformat.v4.new_output("stream", name="stderr", text="W0000 a log line"))
    return True


def run_again(cell):
    cell.execution_count = 7
    return True


def empty_claim(cell):
    if "claim" in cell.metadata.get("tags", []):
        cell.source = "pass"
        return True


def drop_summary(cell):
    if "## Summary" in cell.source:
        cell.source = ""
        return True


def never_reveal(cell):
    if "guesses.reveal(" in cell.source:
        cell.source = cell.source.replace("guesses.reveal(", "print(")
        return True


def turn_a_word(cell):
    if "## Summary" in cell.source:
        cell.source = cell.source.replace("eight layers are better", "eight layers are worse")
        return True


def compare_no_more(cell):
    if "nbval-check-output" in cell.metadata.get("tags", []):
        cell.metadata.tags.remove("nbval-check-output")
        return True


BREAKS = {
    "outputs_in_order": edit("code", run_again),
    "outputs_clean": edit("code", log),
    "sizes": edit("code", blow_up),
    "alt_text": edit("code", set_alt),
    "numbers_are_printed": edit("markdown", add(" It reaches 0.98765.")),
    "links_lead_somewhere": edit("markdown", add(" See [this](nowhere.ipynb).")),
    "terms_as_in_the_glossary": edit("markdown", add(" The dev set.")),
    "works_offline_anywhere": edit("code", add('\nopen("/etc/hosts")')),
    "claims_are_assertions": edit("code", empty_claim),
    "test_set_left_alone": edit("code", add('\nload_mnist("test")')),
    "exercises_fail_until_solved": edit("code", solve),
    "guesses_are_asked_and_revealed": edit("code", never_reveal),
    "template": edit("markdown", drop_summary),
    "lesson_sizes": edit("code", add("\npass" * 21)),
    "statements_are_printed": edit("markdown", turn_a_word),
    "reads_recorded_runs_only": edit("code", add("\nimport keras")),
    "evidence_is_compared": edit("code", compare_no_more),
}
OF = {"lesson_sizes": SECOND, "statements_are_printed": SECOND}
OF |= dict.fromkeys(("reads_recorded_runs_only", "evidence_is_compared"), EVIDENCE)


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
def test_the_check_can_fail(check):
    path = OF.get(check.__name__, FIRST)
    notebook = nbformat.read(path, as_version=4)
    assert not list(check(notebook, path))
    BREAKS[check.__name__](notebook)
    assert list(check(notebook, path))


@pytest.mark.parametrize("target", ["https://example", "http://example.org", "https:/example.org"])
def test_a_link_elsewhere_that_is_no_address_is_noticed(target):
    page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(f"See [this]({target}).")])
    assert list(checks.links_lead_somewhere(page, FIRST))
    page.cells[0].source = "See [this](https://example.org/a_b#c)."
    assert not list(checks.links_lead_somewhere(page, FIRST))


@pytest.mark.parametrize(
    ("source", "touches"),
    [
        ('recipes["test_right"]', (SECOND, EVIDENCE)),
        ('load_mnist("valid")', (EVIDENCE_12,)),
        ('runs["test_accuracy"]', (SECOND, EVIDENCE, EVIDENCE_12)),
        ('load_mnist1d("test")', (SECOND, EVIDENCE, EVIDENCE_12)),
    ],
)
def test_one_notebook_of_evidence_may_read_recorded_test_results_and_no_images(source, touches):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    for path in (SECOND, EVIDENCE, EVIDENCE_12):
        assert bool(list(checks.test_set_left_alone(notebook, path))) == (path in touches)
