"""The quiz of TEACHING.md: questions and answers belong together, and answers say what the notebooks print."""

import re
from pathlib import Path

import nbformat
import pytest

from tests.notebooks import checks

ROOT = Path(__file__).resolve().parents[2]
TEACHING, ANSWERS = ROOT / "TEACHING.md", ROOT / "notebooks" / "solutions" / "quiz_answers.md"
ENTRY = re.compile(r"^\*\*(\d\d\.\d)\*\* (.+)$", re.M)
LINK = re.compile(r"\[(?:Evidence|Lesson)\]\(([^)#]+)#([^)]+)\)$")
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
QUESTIONS, REASONS = (dict(ENTRY.findall(path.read_text(encoding="utf-8"))) for path in (TEACHING, ANSWERS))


def headings(notebook):
    lines = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown").splitlines()
    return [checks.anchor(line) for line in lines if line.startswith("#")]


def problems(question, answer):
    """What is wrong with an answer."""
    options, chosen = re.findall(r"\(([a-d])\) ", question), re.match(r"\(([a-d])\)\. ", answer)
    if options not in ([], list("abcd")):
        yield f"has the options {options}"
    if bool(options) != bool(chosen):
        yield "an option is to be chosen, or none is there"
    link = LINK.search(answer)
    if not link or not (ANSWERS.parent / link[1]).exists():
        yield "has no link that leads somewhere"
        return
    notebook = nbformat.read(ANSWERS.parent / link[1], as_version=4)
    if link[2] not in headings(notebook):
        yield f"{link[1]} has no section {link[2]}"
    known = "\n".join(checks.printed(notebook))
    for number in NUMBER.findall(LINK.sub("", answer)):
        if not re.search(rf"(?<![\d.,]){re.escape(number.rstrip(','))}(?![\d%]*\d)", known):
            yield f"{number} is not printed in {link[1]}"


def test_questions_and_answers_have_the_same_numbers_two_or_three_a_lesson():
    assert list(QUESTIONS) == list(REASONS)
    lessons = [path.name[:2] for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    for lesson in lessons:
        numbers = [name for name in QUESTIONS if name.startswith(lesson)]
        assert numbers in [[f"{lesson}.{n}" for n in range(1, 1 + most)] for most in (2, 3)]
    assert {name[:2] for name in QUESTIONS} == set(lessons)


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_answer_chooses_links_and_says_what_is_printed(name):
    assert not list(problems(QUESTIONS[name], REASONS[name]))


@pytest.mark.parametrize(
    ("old", "new"),
    [("0.0316", "0.0317"), ("(c). ", ""), ("#One-rate", "#Two-rates"), ("02_hidden_layers", "02_hidden")],
)
def test_a_wrong_answer_is_noticed(old, new):
    assert old in REASONS["02.1"]
    assert list(problems(QUESTIONS["02.1"], REASONS["02.1"].replace(old, new)))


@pytest.mark.parametrize("path", [TEACHING, ANSWERS], ids=lambda path: path.name)
def test_links_lead_to_sections_that_are_there(path):
    for target, section in re.findall(r"\]\(([^)#]+\.ipynb)#([^)]+)\)", path.read_text(encoding="utf-8")):
        assert section in headings(nbformat.read(path.parent / target, as_version=4)), f"{target}#{section}"


def test_titles_of_sections_are_those_of_the_lessons():
    """In the plans a section is named after the number of its lesson: `02, *Try it live*`."""
    named = re.findall(r"(?:^| )(evidence )?(\d\d), \*([^*]+)\*", TEACHING.read_text(encoding="utf-8"))
    assert len(named) > 5
    for evidence, number, title in named:
        (path,) = (ROOT / "notebooks" / ("evidence" if evidence else "")).glob(f"{number}_*.ipynb")
        assert checks.anchor(title) in headings(nbformat.read(path, as_version=4)), f"{number}: {title}"


def test_the_guide_can_be_read_in_a_quarter_of_an_hour():
    assert len(TEACHING.read_text(encoding="utf-8").split()) <= 2600
