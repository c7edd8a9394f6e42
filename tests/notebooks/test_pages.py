"""The pages beside the notebooks say what the notebooks say."""

import ast
import importlib
import itertools
import re
import sys
from pathlib import Path

import nbformat
import pytest

from tests.notebooks import checks

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
GLOSSARY, RULES = FOLDER / "glossary.md", FOLDER / "rules_of_thumb.md"
ENTRY = re.compile(r"^- (?P<terms>\*\*.+?\*\*): (?P<sentence>.+) \(\[(?P<number>\d\d)\]\((?P<target>[^)]+)\)\)\.$")

sys.path.insert(0, str(FOLDER.parent / "tools"))
collect_rules = importlib.import_module("collect_rules")


def entries():
    lines = [line for line in GLOSSARY.read_text(encoding="utf-8").splitlines() if line.startswith("- ")]
    return [(line, ENTRY.match(line)) for line in lines]


def words_of(term):
    """A pattern for a term, also in the plural or as another form of the verb."""
    return re.escape(term.lower().removesuffix("ing")).replace(r"\ ", r"[ -]")


@pytest.mark.parametrize(("line", "entry"), entries(), ids=lambda value: str(value)[4:24])
def test_an_entry_leads_to_a_notebook_that_uses_the_term(line, entry):
    assert entry, f"not of the form '- **term**: sentence ([NN](notebook)).': {line}"
    assert entry["target"].startswith(f"{entry['number']}_")
    cells = nbformat.read(FOLDER / entry["target"], as_version=4).cells
    text = "\n".join(c.source for c in cells if c.cell_type == "markdown").lower()
    for term in re.findall(r"\*\*(.+?)\*\*", entry["terms"]):
        assert re.search(words_of(term), text), f"{entry['target']} never says {term!r}"


EVERYDAY = {"base", "budget", "gain", "momentum", "step"}  # words that lessons also use in another sense


def numbered_terms():
    """Each term of the glossary, and the number of the lesson that defines it."""
    for _, entry in entries():
        for term in set(re.findall(r"\*\*(.+?)\*\*", entry["terms"])) - EVERYDAY:
            yield term, entry["number"]


def paragraphs(cells):
    """The prose of a lesson, but for tables, which may say what comes later, and further reading."""
    text = "\n\n".join(c.source for c in cells if c.cell_type == "markdown").split("## Further reading")[0]
    text = re.sub(r"\]\([^)]*\)", "]", text)
    return [part for part in re.split(r"\n\n|\n(?=\|)", text) if not part.startswith("|")]


def used_too_early(lessons):
    """Terms that lessons, a list of number and paragraphs, use before they are defined or pointed forward to."""
    known = set()
    for lesson, parts in lessons:
        for part, (term, number) in itertools.product(parts, list(numbered_terms())):
            if number > lesson and re.search(rf"\b{words_of(term)}(s|es|ed|ing)?\b", part.lower()):
                known |= {term} if f"notebook {number}" in part else set()
                if term not in known:
                    yield f"{lesson}, {term!r} ({number}): {part[:80]}"


def lessons_of_today():
    return [(p.name[:2], paragraphs(nbformat.read(p, as_version=4).cells)) for p in sorted(FOLDER.glob("*_*.ipynb"))]


def test_no_lesson_uses_a_term_before_the_lesson_that_defines_it():
    assert not list(used_too_early(lessons_of_today()))


def test_a_term_that_is_used_too_early_is_noticed():
    first, *others = lessons_of_today()
    assert list(used_too_early([(first[0], [*first[1], "Batch normalization helps."]), *others]))
    assert not list(used_too_early([(first[0], [*first[1], "Batch normalization (notebook 06) helps."]), *others]))


def test_the_glossary_is_in_order_and_on_one_page():
    terms = [re.search(r"\*\*(.+?)\*\*", line).group(1).lower() for line, _ in entries()]
    assert terms == sorted(set(terms))
    assert 30 <= len(terms) <= 90


@pytest.mark.parametrize("term", ["history", "validation set", "batch normalization", "multilayer perceptron"])
def test_the_glossary_has_the_terms_that_the_notebooks_are_held_to(term):
    assert f"**{term}**" in GLOSSARY.read_text(encoding="utf-8")
    assert term.split()[0] in " ".join(checks.GLOSSARY.values())


@pytest.mark.parametrize("path", [GLOSSARY, RULES], ids=lambda path: path.name)
def test_a_page_speaks_like_the_notebooks_and_its_links_lead_somewhere(path):
    page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(path.read_text(encoding="utf-8"))])
    problems = [*checks.terms_as_in_the_glossary(page, path), *checks.links_lead_somewhere(page, path)]
    assert not problems


def test_the_rules_of_thumb_are_those_of_the_notebooks():
    assert RULES.read_text(encoding="utf-8") == collect_rules.page(), (
        "run `make notebooks ONLY=...` or tools/collect_rules.py again"
    )


def test_each_notebook_has_one_rule():
    for path in FOLDER.glob("*.ipynb"):
        assert collect_rules.page().count(f"]({path.name})") == 1, path.name


def test_a_changed_rule_is_noticed(tmp_path):
    for path in FOLDER.glob("0[12]*.ipynb"):
        text = path.read_text(encoding="utf-8").replace("**Rule of thumb.** ", "**Rule of thumb.** Perhaps: ")
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    changed = collect_rules.page(tmp_path)
    assert changed.count("Perhaps: ") == 2 and changed not in RULES.read_text(encoding="utf-8")


def cell_with(number, start):
    """The code cell of a notebook that has a line with this start."""
    (path,) = FOLDER.glob(f"{number}_*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    (found,) = [c for c in cells if c.cell_type == "code" and re.search(rf"^{re.escape(start)}", c.source, re.M)]
    return found


def controls_of(number):
    return set(ast.literal_eval(re.search(r"controls=(\[.*?\])", cell_with(number, "lab = live_lab(").source, re.S)[1]))


def test_each_lab_has_the_controls_that_were_taught_so_far():
    assert controls_of("02") == {"hidden_layers", "units", "learning_rate", "epochs", "training_images"}
    taught = {"04": {"activation", "initialization"}, "05": {"l1", "l2", "dropout"}, "06": {"batch_norm", "batch_size"}}
    for number, names in {"03": set(), **taught}.items():
        assert names | controls_of("02") <= controls_of(number), number
    assert "controls" not in cell_with("07", "lab = live_lab(").source, "all of them"


def test_the_digit_pad_shows_two_networks():
    assert cell_with("01", "digit_pad(").source.count('": ') == 2
