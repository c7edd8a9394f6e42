"""Make a deck of slides of each lesson: python tools/slides.py [FILE or FOLDER ...].

On it stand the question of the opening, each "Predict" before the figure that answers it, the stored figures, the
summary and the rule of thumb, in one HTML file that needs no network: build/slides/NN_….html.
"""

import html
import re
import sys
from pathlib import Path
from string import Template

import mistune
import nbformat

ROOT = Path(__file__).resolve().parent.parent
PAGE = Path(__file__).with_suffix(".html")
CLOSING = ("Summary", "Exercises", "Further reading")
FORMULA, ROOT_OF = re.compile(r"\$+([^$]+)\$+"), re.compile(r"\\sqrt\{([^}]*)\}")
SIGNS = {r"\cdot": "·", r"\lceil ": "⌈", r" \rceil": "⌉", r"\max": "max"}
WORDS = 120  # on a slide of the summary; a longer statement has one alone


class Renderer(mistune.HTMLRenderer):
    """Links lead out of the file, so their text stays alone."""

    def link(self, text, url, title=None):
        return text


render = mistune.create_markdown(renderer=Renderer(), plugins=["table"])


def formula(found):
    """One of the lessons' few formulas as text in italics."""
    text = ROOT_OF.sub(r"√(\1)", found[1])
    for sign, character in SIGNS.items():
        text = text.replace(sign, character)
    return f"*{text}*"


def body(markdown):
    """Markdown as HTML, in larger letters where it is short and in smaller ones where it is long."""
    text = FORMULA.sub(formula, re.sub(r"\s*\[Evidence\]\([^)]*\)", "", markdown))
    words = len(text.split())
    size = "large" if words < 35 else "" if words < 100 else "small"
    return f'<div class="text {size}">{render(text)}</div>'


def slide(kind, heading, content):
    """One slide, as HTML; all but the first have a heading of the second level."""
    level = "h1" if kind == "title" else "h2"
    title = render(heading).strip().removeprefix("<p>").removesuffix("</p>")
    return f'<section class="slide {kind}"><{level} tabindex="-1">{title}</{level}>{content}</section>'


def sections(notebook):
    """Heading and parts of each section; a part is a block of Markdown or a cell of code. The first is the opening."""
    found = []
    for cell in notebook.cells:
        if "launch" in cell.metadata.get("tags", []):
            continue
        if cell.cell_type == "code":
            found[-1][1].append(cell)
            continue
        # A formula on lines of its own belongs to the sentence around it.
        for block in re.split(r"\n{2,}", re.sub(r"\n\n(\$\$.+\$\$)\n\n", r" \1 ", cell.source.strip())):
            if block.startswith("#"):
                found.append((block.lstrip("# "), []))
            else:
                found[-1][1].append(block)
    return found


def opening(number, title, parts):
    """The title with the lesson's question, and what is to be learned."""
    yield slide("title", f"{number} {title}", body(parts[0]))
    learn = next(part for part in parts if isinstance(part, str) and part.startswith("**What you'll learn**"))
    yield slide("list", "What you'll learn", body(learn.split("\n", 1)[1]))


def question(heading, block):
    """A slide that asks: what one has to know first, and the question, large."""
    before, asked = block.split("**Predict", 1)
    return slide("question", heading, (body(before) if before.strip() else "") + body(f"**Predict{asked}"))


def pictures(cell):
    """The stored figures of a cell as HTML, each with its alt text."""
    stored = [o for o in cell.outputs if "image/png" in o.get("data", {})]
    for number, output in enumerate(stored, 1):
        alt = output.metadata["image/png"]["alt"] + (f" (picture {number} of {len(stored)})" if len(stored) > 1 else "")
        data = output.data["image/png"].replace("\n", "")
        yield f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{data}">'


def printed(cell):
    return "".join(o.text for o in cell.outputs if o.get("name") == "stdout")


def shown(heading, parts):
    """The slides of a section: questions, tables, quotes, figures; where no figure answers, what is printed."""
    asked = False
    for part in parts:
        if isinstance(part, str):
            if "**Predict" in part:
                asked = True
                yield question(heading, part)
            elif part.startswith(("|", ">")):
                yield slide("table" if part[0] == "|" else "quote", heading, body(part))
        elif "guesses.ask(" not in part.source:
            if images := list(pictures(part)):
                yield slide("figure", heading, f'<figure class="of{len(images)}">{"".join(images)}</figure>')
            elif (asked or "guesses.reveal(" in part.source) and printed(part):
                yield slide("printed", heading, f"<pre>{html.escape(printed(part))}</pre>")
            asked = asked and not images and not printed(part)


def of_section(heading, parts):
    """The slides of a section; one that does not begin with a question begins with its first paragraph."""
    found = list(shown(heading, parts))
    first = parts[0] if isinstance(parts[0], str) else ""
    if first and first[0] not in "|>" and "**Predict" not in first:
        found.insert(0, slide("words", heading, body(re.sub(":$", ".", first))))
    return found


def packed(blocks):
    """Join blocks to texts of at most so many words; a longer block stays alone."""
    text = ""
    for block in blocks:
        if text and len(f"{text} {block}".split()) > WORDS:
            yield text
            text = ""
        text = f"{text}\n\n{block}"
    yield text


def summary(parts):
    """All statements of the summary, and the rule of thumb."""
    text = "\n".join(part for part in parts if isinstance(part, str))
    rule = re.search(r"^> \*\*Rule of thumb\.\*\* (.+)$", text, re.M)[1]
    lines = [line for line in text.splitlines() if not line.startswith(">")]
    yield from (slide("list", "Summary", body(some)) for some in packed(lines))
    yield slide("rule", "Rule of thumb", body(rule))


def deck(path):
    """The slides of a lesson as one page of HTML."""
    (title, parts), *others = sections(nbformat.read(path, as_version=4))
    made = list(opening(path.name[:2], title, parts))
    for heading, inside in others:
        made += of_section(heading, inside) if heading not in CLOSING else []
    made += summary(dict(others)["Summary"])
    page = Template(PAGE.read_text(encoding="utf-8"))
    return page.substitute(title=html.escape(f"{path.name[:2]} {title}"), slides="\n".join(made))


def main(arguments, *, folder=ROOT / "build" / "slides"):
    """Write the decks of these lessons, or of the lessons in these folders."""
    given = [Path(argument) for argument in arguments] or [ROOT / "notebooks"]
    folder.mkdir(parents=True, exist_ok=True)
    for path in (p for g in given for p in (sorted(g.glob("*.ipynb")) if g.is_dir() else [g])):
        target = folder / f"{path.stem}.html"
        target.write_text(deck(path), encoding="utf-8")
        print(f"{target}: {target.stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    main(sys.argv[1:])
