"""What a notebook file must satisfy. Each check takes a notebook and its path, and yields a sentence a problem."""

import re
from functools import cache

import nbformat

FIGURE_BYTES, NOTEBOOK_BYTES, CELL_LINES = 60_000, 1_000_000, 30
NUMBER = re.compile(r"(?<![\w.])\d+\.\d+(?:e[+-]?\d+)?")
# A line that quotes a source may hold numbers of that source.
CITATION = re.compile(r"\(\d{4}\)|et al\.")
GLOSSARY = {
    r"hyper-parameter": "hyperparameter",
    r"learning curve(?! is)": "history (score per epoch), unless the score is against sample size",
    r"\bdev set\b": "validation set",
    r"batch ?norm\b(?!=)": "batch normalization",
    r"multi-layer": "multilayer",
    r"overfit(?:s|ted|ting)? the test": "use of the test set",
    r"state[- ]of[- ]the[- ]art": "the figure and its source",
}
ELSEWHERE = re.compile(r"https://([\w-]+\.)+[a-z]{2,}(/[^\s<>\"]*)?")  # the form of an address in a link
NETWORK = re.compile(r"\b(urlopen|urlretrieve|requests\.get|keras\.datasets|fetch_openml|!wget|!curl|!pip|%pip)")

OPENED = r"""load_mnist(?:1d)?\(\s*["']test|test_accuracy|x_test\b"""
TEST_SET = re.compile(OPENED + "|test_right")
IMAGES = re.compile(OPENED + r"|\bload_mnist(?:1d)?\b")


def text_of(value):
    return "".join(value)


def code_cells(notebook):
    return [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]


def prose(notebook):
    """Each prose cell without code spans, formulas and link targets."""
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            text = re.sub(r"```.*?```|`[^`]*`|\$[^$]*\$", " ", cell.source, flags=re.S)
            yield number, re.sub(r"\]\([^)]*\)", "]", text)


def printed(notebook):
    """All that the code says and prints."""
    for cell in code_cells(notebook):
        yield cell.source
        for output in cell.outputs:
            yield text_of(output.get("text", ""))
            yield from (text_of(v) for k, v in output.get("data", {}).items() if k.startswith("text/"))


def outputs_in_order(notebook, path):
    counts = [c.execution_count for c in code_cells(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        yield "was not run in order on a fresh kernel: run `make notebooks`"


def outputs_clean(notebook, path):
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                yield f"cell {number} keeps an error: {output.ename}"
            if output.get("name") == "stderr":
                yield f"cell {number} keeps text on stderr: {text_of(output.text).strip()[:60]!r}"
            if re.search(r"at 0x[0-9a-f]+", text_of(output.get("data", {}).get("text/plain", ""))):
                yield f"cell {number} shows a memory address"


def sizes(notebook, path):
    if path.stat().st_size > NOTEBOOK_BYTES:
        yield f"is {path.stat().st_size / 1e6:.1f} MB large"
    for number, cell in enumerate(notebook.cells):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        if cell.cell_type == "code" and len(lines) > CELL_LINES:
            yield f"cell {number} has {len(lines)} lines of code"
        for output in cell.get("outputs", []):
            for kind, value in output.get("data", {}).items():
                if kind.startswith("image/") and len(text_of(value)) * 3 // 4 > FIGURE_BYTES:
                    yield f"cell {number} has a figure of {len(text_of(value)) * 3 // 4000} KB"


def alt_text(notebook, path):
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                alt = output.get("metadata", {}).get("image/png", {}).get("alt", "")
                if len(alt.split()) < 5 or alt != cell.metadata.get("alt"):
                    yield f"cell {number} has a figure without alt text (metadata 'alt', then `make notebooks`)"


def numbers_are_printed(notebook, path):
    """Those of a statement are printed where its link leads, see `statements_are_printed`."""
    known = " ".join(printed(notebook))
    for number, text in prose(notebook):
        for line in text.splitlines():
            if not CITATION.search(line) and "[Evidence]" not in line:
                for found in NUMBER.findall(line):
                    if found not in known:
                        yield f"cell {number} says {found}, which no cell prints"


def links_lead_somewhere(notebook, path):
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            for target in re.findall(r"\]\(([^)#\s]+)", cell.source):
                elsewhere = target.startswith("https:")
                if not (ELSEWHERE.fullmatch(target) if elsewhere else (path.parent / target).exists()):
                    yield f"cell {number} links to {target}, which is {'no address' if elsewhere else 'not there'}"


def terms_as_in_the_glossary(notebook, path):
    for number, text in prose(notebook):
        text = re.sub(r"^- \*[^*]+\*", "", text, flags=re.M)  # titles under "Further reading" are not ours
        for wrong, right in GLOSSARY.items():
            for found in re.finditer(wrong, text, re.I):
                yield f"cell {number} says {found.group()!r}; the course says: {right}"


def works_offline_anywhere(notebook, path):
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            if NETWORK.search(cell.source):
                yield f"cell {number} fetches from the network"
            # But for the path in Google Colab that the first cell of a lesson names.
            if re.search(r"""["'](/(?!content/course/tools/)|[A-Z]:\\)\w""", cell.source):
                yield f"cell {number} holds an absolute path"


def claims_are_assertions(notebook, path):
    for number, cell in enumerate(notebook.cells):
        if "claim" in cell.metadata.get("tags", []) and "assert" not in cell.source:
            yield f"cell {number} is tagged as a claim and asserts nothing"


def test_set_left_alone(notebook, path):
    """Notebook 12 opens it; the evidence of notebook 12 reads what recipes made of it, and loads no images."""
    if path.name.startswith("12_") and path.parent.name != "evidence":
        return
    forbidden = IMAGES if path.name.startswith("12_") else TEST_SET
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and forbidden.search(cell.source):
            yield f"cell {number} touches the test set"


def exercises_fail_until_solved(notebook, path):
    solved = path.parent.name == "solutions"
    marks = [
        (number, text_of(output.get("text", ""))[:1])
        for number, cell in enumerate(notebook.cells)
        for output in cell.get("outputs", [])
        if "checks." in cell.source and output.get("name") == "stdout"
    ]
    if not solved and not marks and path.parent.name != "evidence":
        yield "has no exercise with a check"
    for number, mark in marks:
        if mark != ("✓" if solved else "✗"):
            yield f"cell {number}: the check says {mark!r}"


def guesses_are_asked_and_revealed(notebook, path):
    """Each guess is asked for in a cell of its own before its answer is revealed, and all are summed up in the end."""
    code = [c.source for c in code_cells(notebook)]
    asked, revealed, summed = (
        [(i, name) for i, source in enumerate(code) for name in re.findall(rf"guesses\.{call}", source)]
        for call in (r'ask\(\s*"([^"]+)"', r'reveal\("([^"]+)"', r"(summary)\(\)")
    )
    for i, name in asked:
        answers = [j for j, other in revealed if other == name]
        if len(answers) != 1 or answers[0] <= i:
            yield f"the guess {name!r} is not revealed once, in a later cell"
    for _, name in revealed:
        if name not in [other for _, other in asked]:
            yield f"reveals {name!r}, which was not asked for"
    if path.parent.name not in ("solutions", "evidence") and (
        not revealed or len(summed) != 1 or summed[0][0] < revealed[-1][0]
    ):
        yield "asks for no guess, or does not sum up how far off the guesses were"


def template(notebook, path):
    """A notebook opens and closes like the others (solutions and evidence are free)."""
    if path.parent.name in ("solutions", "evidence"):
        return
    text = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    parts = ["# ", "**What you'll do", "**What you'll learn", "**What you'll need", "## Summary", "**Rule of thumb"]
    parts += ["## Exercises", "## Further reading"]
    place = 0
    for part in parts:
        found = text.find(part, place)
        if found < 0:
            yield f"lacks {part!r}, or has it in another place than the other notebooks"
            return
        place = found


def evidence_of(notebook, path):
    """The notebooks of evidence that a lesson leads to: all that its statements link to."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return [path.parent / name for name in dict.fromkeys(re.findall(r"\]\((evidence/[^)#]+)", text))]


def lines_of_code(cell):
    return [line for line in cell.source.splitlines() if line.strip()]


def lesson_sizes(notebook, path):
    """A lesson can be finished in half an hour."""
    if not evidence_of(notebook, path):
        return
    cells = [len(lines_of_code(cell)) for cell in code_cells(notebook)]
    words = sum(len(re.findall(r"[A-Za-z']+", text)) for _, text in prose(notebook))
    found = {
        "cells": (len(notebook.cells), 40),
        "lines of code": (sum(cells), 150),
        "words": (words, 2300),
        "code cells of more than 12 lines": (sum(n > 12 for n in cells), 2),
        "lines in one cell": (max(cells), 20),
    }
    for what, (count, most) in found.items():
        if count > most:
            yield f"has {count} {what}, and a lesson {most} at most"


STATEMENT = re.compile(r"^(?:- |> \*\*Rule of thumb\.\*\* )(?P<text>.+?)(?: \[Evidence\]\((?P<target>[^)]+)\))?$")


def statements(notebook):
    """What a lesson leaves its readers with: number of the cell, text, and where a link says that it was printed."""
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown" and "## Summary" in cell.source:
            text = cell.source.split("## Summary")[1].split("\n## ")[0]
            found = [STATEMENT.match(line) for line in text.splitlines() if line.startswith(("- ", "> "))]
            yield from ((number, match["text"], match["target"]) for match in found)


def anchor(heading):
    return re.sub(r"^#+ ", "", heading).strip().replace(" ", "-")


def lines_printed_in(notebook, section):
    """What the cells of a section print, from its heading to the next one."""
    inside = False
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            headings = [anchor(line) for line in cell.source.splitlines() if line.startswith("#")]
            inside = section in headings[-1:] if headings else inside
        elif inside:
            for output in cell.outputs:
                yield from text_of(output.get("text", "")).splitlines()


@cache
def evidence(path):
    """A notebook of evidence, read once, since each word that is turned in a lesson is looked for in it."""
    return nbformat.read(path, as_version=4)


def statements_are_printed(notebook, path):
    """Each line of a lesson's summary, and its rule of thumb, is what code prints in the section that it links to."""
    if not evidence_of(notebook, path):
        return
    for number, text, target in statements(notebook):
        if target is None:
            yield f"cell {number} has no link to the evidence for: {text}"
            continue
        name, _, section = target.partition("#")
        other = evidence(path.parent / name) if name else notebook
        if text not in list(lines_printed_in(other, section)):
            yield f"cell {number} says what is not printed in {target}: {text}"


def reads_recorded_runs_only(notebook, path):
    """Evidence trains nothing, so that it runs in seconds and gives the same everywhere."""
    if path.parent.name == "evidence":
        for number, cell in enumerate(notebook.cells):
            if cell.cell_type == "code" and re.search(r"\b(keras|tensorflow|nbhelpers\.models)\b", cell.source):
                yield f"cell {number} needs Keras"


def evidence_is_compared(notebook, path):
    """What evidence prints is compared with what it printed before; a figure prints nothing beside it."""
    if path.parent.name == "evidence":
        for number, cell in enumerate(notebook.cells):
            outputs = cell.get("outputs", [])
            figure = any("image/png" in output.get("data", {}) for output in outputs)
            compared = "nbval-check-output" in cell.metadata.get("tags", [])
            if outputs and compared == figure:
                yield f"cell {number} prints and is not compared, or is a figure and compared"


CHECKS = [
    outputs_in_order,
    outputs_clean,
    sizes,
    alt_text,
    numbers_are_printed,
    links_lead_somewhere,
    terms_as_in_the_glossary,
    works_offline_anywhere,
    claims_are_assertions,
    test_set_left_alone,
    exercises_fail_until_solved,
    guesses_are_asked_and_revealed,
    template,
    lesson_sizes,
    statements_are_printed,
    reads_recorded_runs_only,
    evidence_is_compared,
]
