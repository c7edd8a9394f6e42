"""Turn one word of what a lesson says, and a test notices."""

import contextlib
import copy
import io
import re
from functools import cache
from pathlib import Path

import matplotlib as mpl
import nbformat
import pytest

from nbhelpers import compare, data
from tests.notebooks import checks

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
LESSONS = [p for p in sorted(FOLDER.glob("*.ipynb")) if checks.evidence_of(nbformat.read(p, as_version=4), p)]
NAMES = [path.stem for path in LESSONS]
LOADED = {name: cache(getattr(data, name)) for name in ("load_mnist", "load_mnist1d", "load_runs")}  # for all lessons
PAIRS = [
    ("better", "worse"),
    ("more", "less"),
    ("rises", "falls"),
    ("larger", "smaller"),
    ("lower", "higher"),
    ("cannot be told from", "are better than"),
    ("MNIST-1D", "MNIST"),
    ("one", "two"),
    ("four", "eight"),
    ("two", "twenty"),
    ("training", "validation"),
    ("remove", "add"),
    ("below", "above"),
    ("real", "false"),
    ("before", "after"),
    ("nothing", "something"),
    ("100", "120"),
    ("0.003", "0.03"),
]


def turned(text):
    """The text with one word turned into its opposite, or into another of its kind; a text for each word."""
    for pair in PAIRS:
        for word, other in (pair, pair[::-1]):
            for found in re.finditer(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text):
                yield text[: found.start()] + other + text[found.end() :]


@pytest.mark.parametrize("path", LESSONS, ids=NAMES)
def test_a_word_turned_in_a_summary_or_a_rule_is_noticed(path):
    lesson = nbformat.read(path, as_version=4)
    assert not list(checks.statements_are_printed(lesson, path))
    found = list(checks.statements(lesson))
    assert len(found) >= 4
    for number, text, _ in found:
        noticed = 0
        for other in turned(text):
            changed = copy.deepcopy(lesson)
            changed.cells[number].source = lesson.cells[number].source.replace(text, other, 1)
            noticed += bool(list(checks.statements_are_printed(changed, path)))  # unless the other one is printed, too
        assert noticed, f"whatever word is turned in it, nobody notices: {text}"


def printed_again(lesson):
    """Run all cells but those that train or are exercises; yield the compared ones, with what each prints now."""
    namespace = {}
    for cell in lesson.cells:
        tags = cell.metadata.get("tags", [])
        if cell.cell_type == "code" and not {"trains", "exercise"} & set(tags):
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(cell.source, "a cell", "exec"), namespace)
            if "nbval-check-output" in tags:
                yield cell, out.getvalue()


@pytest.mark.parametrize("path", LESSONS, ids=NAMES)
@mpl.rc_context()  # whose style is not that of the tests that follow
def test_with_other_verdicts_the_cells_that_compare_print_otherwise_and_no_others(path, monkeypatch):
    """So their conclusions are not typed. (That they are printed again with the same ones, `make nbval` checks.)"""
    monkeypatch.setenv("MPLBACKEND", "agg")
    for name, load in LOADED.items():
        monkeypatch.setattr(data, name, load)
    verdict = compare.Comparison.verdict
    others = {"better": "worse", "worse": "better", compare.CANNOT_BE_TOLD: "worse"}
    monkeypatch.setattr(compare.Comparison, "verdict", property(lambda self: others[verdict.fget(self)]))
    for cell, now in printed_again(nbformat.read(path, as_version=4)):
        compares = re.search(r"\b(results|ruler|leaders|plot_race)\(", cell.source)
        stored = "".join(output.get("text", "") for output in cell.outputs)
        assert (now != stored) == bool(compares), cell.source


@pytest.mark.parametrize("path", LESSONS, ids=NAMES)
def test_evidence_leads_back_to_its_lesson(path):
    for evidence in checks.evidence_of(nbformat.read(path, as_version=4), path):
        assert f"../{path.name}" in evidence.read_text(encoding="utf-8")


def test_the_first_lessons_have_evidence():
    assert {name[:2] for name in NAMES} >= {"01", "02"}
