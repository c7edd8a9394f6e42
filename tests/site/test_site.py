"""The pages of the site, read and used as a reader does, without a kernel."""

import json
import re
import subprocess
import sys
from functools import partial

import nbformat
import numpy as np
import pytest
from playwright.sync_api import expect

import build
import export
from nbhelpers.widgets import Predictions
from nbhelpers.widgets.predictions import Prediction
from tests.site.conftest import ROOT, open_page, serving

FOURTH = "notebooks/04_choose_an_activation_and_an_initialization"
LESSONS = [f"notebooks/{path.stem}" for path in build.LESSONS]
AFTER = "xpath=ancestor::*[contains(concat(' ', @class, ' '), ' cell ')]/following-sibling::p"
OUTPUTS = "xpath=ancestor::*[contains(@class, 'cell_output')]"
OTHERS = ["index", "notebooks/glossary", "notebooks/rules_of_thumb", "search"]


def descriptions(site, lesson):
    return json.loads((site / "widgets" / lesson.split("/")[1] / "widgets.json").read_text(encoding="utf-8"))


def of_kind(site, lesson, kind):
    return [one for one in descriptions(site, lesson).values() if one["kind"] == kind]


def show_answers(page):
    """What comes after a question is hidden until its answer is out; a second press takes no guess for an answer."""
    buttons = page.get_by_role("button", name="Show the answer")
    while buttons.count():
        buttons.first.dblclick()


def test_a_page_opens_with_less_than_two_megabytes_and_asks_nobody_else(page, address):
    sizes = []
    page.on("response", lambda response: sizes.append(len(response.body())))
    for name in [*LESSONS, *OTHERS]:
        sizes.clear()
        open_page(page, f"{address}{name}.html")
        expect(page.get_by_role("main")).to_be_attached()
        assert sum(sizes) < 2_000_000, name
        assert page.locator("img:not([alt]), img[alt=''], img[alt*='_images/']").count() == 0, name
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280, name


def test_on_a_phone_nothing_sticks_out(page, address):
    page.set_viewport_size({"width": 400, "height": 800})
    for name in [FOURTH, "index"]:
        open_page(page, f"{address}{name}.html")
        assert page.evaluate("document.documentElement.scrollWidth") <= 400, name


def test_a_guess_is_kept_and_compared_when_the_answer_is_shown(page, address, site):
    open_page(page, f"{address}{FOURTH}.html")
    (question,) = [one["traits"]["question"] for one in of_kind(site, FOURTH, "prediction")]
    field, figure = page.get_by_label(question), page.locator(".explore").first
    cover = page.locator(".course-reveal")
    told, after = cover.locator(OUTPUTS).locator("pre"), cover.locator(AFTER).first
    button = cover.get_by_role("button", name="Show the answer")
    button.press("Enter")
    expect(cover).to_contain_text("What do you expect?")
    for answer in (figure, told, after):
        expect(answer).to_be_hidden()
    field.fill("7")
    field.press("Enter")
    expect(page.locator(".prediction")).to_contain_text("Please guess a number from 0 to 2")
    field.fill("0.5")
    field.press("Enter")
    expect(page.locator(".prediction")).to_contain_text("Noted")
    button.press("Enter")
    for answer in (figure, told, after):
        expect(answer).to_be_visible()
    expect(cover).to_contain_text(f"{question}: you guessed 0.5, it is 0.25: 0.25 too high")
    expect(field).to_be_disabled()
    expect(page.locator(".course-summary")).to_contain_text(f"{question}: you guessed 0.5")


def test_what_gives_an_answer_away_before_the_cell_that_compares_is_covered_too():
    cells = [
        'guesses.ask("best", "Which?", options=["a", "b"])',
        "options = 1",
        "print(2)",
        'guesses.reveal("best", "a")',
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.cells[2].outputs = [nbformat.v4.new_output("stream", text="2")]
    build.put_places(notebook, "lesson")
    last = [cell.outputs[-1].get("data", {}).get("text/html", "") if cell.outputs else "" for cell in notebook.cells]
    assert ["course-reveal" in html for html in last] == [False, False, True, True]


def test_a_guess_outlives_a_reload(page, address, site):
    open_page(page, f"{address}{FOURTH}.html")
    (question,) = [one["traits"]["question"] for one in of_kind(site, FOURTH, "prediction")]
    page.get_by_label(question).fill("0.5")
    page.get_by_label(question).press("Enter")
    expect(page.locator(".prediction")).to_contain_text("Noted")
    page.reload()
    expect(page.get_by_label(question)).to_have_value("0.5")
    page.evaluate("() => Object.keys(sessionStorage).forEach((name) => sessionStorage.setItem(name, '7'))")
    page.reload()  # what the field would not take is not taken from there
    expect(page.locator("body[data-moves]")).to_be_attached()
    expect(page.get_by_label(question)).to_have_value("")


def test_who_does_not_want_to_guess_sees_the_answer_at_the_second_press(page, address):
    open_page(page, f"{address}{FOURTH}.html")
    button = page.get_by_role("button", name="Show the answer").first
    button.click()
    button.click()
    expect(page.locator(".course-reveal").first.locator(OUTPUTS).locator("pre")).to_be_visible()
    expect(page.locator(".course-summary")).to_contain_text("1 answer and no guess")


def test_a_choice_is_kept_and_compared_too(page, address, site):
    guesses = Predictions()
    asked = guesses.ask("which", "Which?", options=["a", "b", "cannot be told apart"])
    guesses.reveal("which", ["a", "b"])
    (guess,) = of_kind(site, FOURTH, "prediction")
    guess["traits"], guess["answer"] = {name: getattr(asked, name) for name in guess["traits"]}, asked.answer()
    cells = {cell: guess if one["kind"] == "prediction" else one for cell, one in descriptions(site, FOURTH).items()}
    page.route("**/widgets.json", lambda route: route.fulfill(json=cells))
    open_page(page, f"{address}{FOURTH}.html")
    page.get_by_label("Which?").select_option("b")
    page.reload()
    expect(page.get_by_label("Which?")).to_have_value("b")
    page.get_by_role("button", name="Show the answer").click()
    expect(page.locator(".course-reveal")).to_contain_text("Which?: you guessed “b”, not wrong")


def guesses_and_verdicts():
    """Questions about numbers as the page gets them, guesses, and what Python says to each."""
    rng = np.random.default_rng(0)
    for truth, margin in ((0.953, 0), (0.5, 0.02), (1234567.0, 0), (1e-5, 0), (0.1 + 0.2, 0), (2.5, 0)):
        asked = Prediction("?", low=-1e9, high=1e9)
        asked.reveal(truth, margin=margin)
        for guess in [truth, truth + margin, 0, -3, 1e6, 1e-4, 12345.678, *rng.normal(truth, abs(truth) / 3, 40)]:
            yield asked.answer(), float(guess), asked._verdict((truth, margin), float(guess))


def test_the_page_says_to_a_number_what_python_says(page, address):
    page.goto(f"{address}index.html")
    cases = list(guesses_and_verdicts())
    script = "async (cases) => { const p = await import('./_static/predictions.js');"
    script += " return cases.map(([answer, guess]) => p.verdict(answer, guess)); }"
    said = page.evaluate(script, [case[:2] for case in cases])
    assert said == [verdict for _, _, verdict in cases]


def test_the_page_has_the_verdict_on_each_option():
    guesses = Predictions()
    asked = guesses.ask("which", "Which?", options=["a", "b", "cannot be told apart"])
    assert asked.answer() is None
    guesses.reveal("which", ["a", "b"])
    verdicts = asked.answer()["verdicts"]
    assert verdicts[""] == asked.verdict == "the answer is “a”, which cannot be told apart from “b”"
    assert [verdicts[option].split(":")[0] for option in asked.options] == [
        "you guessed “a”, right",
        "you guessed “b”, not wrong",
        "you guessed “cannot be told apart”, right",
    ]


@pytest.fixture
def explorer(page, address, site):
    """A menu (activation) and a slider (gain) with their figure on the page, and their description."""
    open_page(page, f"{address}{FOURTH}.html")
    show_answers(page)
    _, described, _ = of_kind(site, FOURTH, "explorer")
    return page.locator(".explore").nth(1), described


def alt_text(described, index):
    return described["pictures"]["-".join(map(str, index))]["alt"]


def test_a_slider_shows_the_pictures_that_the_lessons_own_function_has_drawn(explorer):
    shown, described = explorer
    image, (menu, slider) = shown.locator("img"), described["traits"]["index"]
    expect(image).to_have_attribute("alt", alt_text(described, [menu, slider]))
    before = image.evaluate("(image) => image.src")
    shown.get_by_label("gain").press("ArrowRight")
    expect(image).to_have_attribute("alt", alt_text(described, [menu, slider + 1]))
    assert image.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 400
    assert image.evaluate("(image) => image.src") != before
    shown.get_by_label("activation").select_option("selu")
    expect(image).to_have_attribute("alt", re.compile("for activation selu, "))


def test_a_picture_is_fetched_once_and_the_next_one_ahead(page, explorer):
    shown, _ = explorer
    fetched = []
    page.on("request", lambda request: request.url.endswith(".png") and fetched.append(request.url.rsplit("/")[-1]))
    slider = shown.get_by_label("gain")
    for key in ["ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft", "ArrowRight"]:
        slider.press(key)
        page.wait_for_load_state("networkidle")
    assert len(fetched) == len(set(fetched)) and 3 <= len(fetched) <= 5


def test_a_picture_that_does_not_come_is_said_and_comes_the_next_time(page, explorer):
    shown, _ = explorer
    menu = shown.get_by_label("activation")
    page.route("**/*.png", lambda route: route.abort())
    menu.select_option("relu")
    expect(shown).to_contain_text("The figure could not be fetched")
    expect(shown.locator("img")).to_be_hidden()
    page.unroute("**/*.png")
    menu.select_option("sigmoid")
    menu.select_option("relu")
    expect(shown.locator("img")).to_have_attribute("alt", re.compile("for activation relu, "))
    expect(shown).not_to_contain_text("could not be fetched")


def test_a_picture_that_comes_late_takes_nobody_back(page, explorer):
    shown, described = explorer
    slider, image, (menu, place) = shown.get_by_label("gain"), shown.locator("img"), described["traits"]["index"]
    slow = []
    page.route(f"**/{menu}-{place + 1}.png", lambda route: slow.append(route))
    slider.press("ArrowRight")  # whose picture is held back
    slider.press("ArrowRight")
    expect(image).to_have_attribute("alt", alt_text(described, [menu, place + 2]), timeout=15_000)
    assert slow
    for route in slow:
        route.continue_()
    page.wait_for_timeout(500)
    expect(image).to_have_attribute("alt", alt_text(described, [menu, place + 2]))
    expect(slider).to_have_value(str(place + 2))


def test_the_server_says_where_there_are_no_pages(tmp_path):
    told = subprocess.run(
        [sys.executable, "site/serve.py", str(tmp_path)], cwd=ROOT, capture_output=True, encoding="utf-8"
    )
    assert told.returncode and "`make site` builds them" in told.stderr


def test_every_combination_of_a_lesson_has_its_picture(site):
    for cell, one in descriptions(site, FOURTH).items():
        if one["kind"] == "explorer":
            folder = site / "widgets" / FOURTH.split("/")[1] / cell
            lengths = [len(control["options"]) for control in one["traits"]["controls"]]
            assert len(one["pictures"]) == np.prod(lengths) == len(list(folder.glob("*.png")))
            assert len({picture["alt"] for picture in one["pictures"].values()}) == len(one["pictures"])


def test_a_combination_that_cannot_be_drawn_has_the_reason(tmp_path):
    from nbhelpers.widgets import explore

    def plot_odd(*, n=1, ax):
        if n == 2:
            raise ValueError("two is even")

    described = export.export_explorer(explore(plot_odd, n=[1, 2]), tmp_path)
    assert described["pictures"]["0"] == {"alt": "plot odd for n 1"} and described["traits"]["index"] == [0]
    assert "ValueError: two is even" in described["pictures"]["1"]["problem"]
    assert [path.name for path in tmp_path.iterdir()] == ["0.png"]


def test_search_finds_a_page(page, address):
    page.goto(f"{address}search.html?q=dropout")
    expect(page.locator("#search-results")).to_contain_text("Regularize", timeout=20_000)


def test_formulas_are_set(page, address):
    open_page(page, f"{address}notebooks/10_search_on_many_machines.html")
    assert page.locator("span.math").count() == page.locator("span.math math").count() >= 5
    assert "\\(" not in page.locator("article").inner_text()


def test_in_the_dark_figures_are_turned(page, address):
    page.emulate_media(color_scheme="dark")
    open_page(page, f"{address}{FOURTH}.html")
    turned = "(image) => getComputedStyle(image).filter"
    assert "invert" in page.locator(".explore img").first.evaluate(turned)
    assert "invert" in page.locator(".cell_output img").first.evaluate(turned)
    page.emulate_media(color_scheme="light")
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "true")
    assert page.locator(".explore img").first.evaluate(turned) == "none"


def test_without_scripts_text_and_figures_stand(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}{FOURTH}.html")
    expect(page.locator(".course-place img").first).to_be_visible()
    expect(page.locator(".course-reveal").first.locator(OUTPUTS).locator("pre")).to_be_visible()
    context.close()


def test_a_lesson_is_run_again_when_its_code_changes_and_not_when_its_words_do(tmp_path):
    lesson = build.LESSONS[2]
    notebook = nbformat.read(lesson, as_version=4)
    changed = tmp_path / lesson.name
    prose = next(cell for cell in notebook.cells if cell.cell_type == "markdown")
    code = next(cell for cell in notebook.cells if export.is_run(cell))
    prose.source += " Another word."
    nbformat.write(notebook, changed)
    assert build.fingerprint(changed) == build.fingerprint(lesson)
    code.source += "\nunits = 3"
    nbformat.write(notebook, changed)
    assert build.fingerprint(changed) != build.fingerprint(lesson)
    assert build.fingerprint(lesson, skip=["trains"]) != build.fingerprint(lesson)


def test_a_lesson_that_fails_is_named_with_its_error(tmp_path):
    broken = tmp_path / "99_broken.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")]), broken)
    with pytest.raises(SystemExit, match=r"(?s)99_broken.*ZeroDivisionError"):
        build.export([broken], tmp_path / "exported")


@pytest.mark.slow
def test_on_the_whole_site_every_widget_moves(browser, tmp_path):
    subprocess.run([sys.executable, "site/build.py", "--to", str(tmp_path)], cwd=ROOT, check=True)
    with serving(tmp_path / "html") as address:
        for lesson in LESSONS:
            page, sizes = browser.new_page(), []  # which has loaded nothing yet
            page.on("response", partial(add_size, sizes))
            open_page(page, f"{address}{lesson}.html")
            places, alive = page.locator(".course-place"), page.locator(".course-place .course-widget")
            assert places.count() == alive.count() > 0, lesson
            assert 0 < sum(sizes) < 2_000_000, lesson
            show_answers(page)
            told = "\n".join(page.locator(".course-reveal .said").all_inner_texts())
            questions = [one["traits"]["question"] for one in of_kind(tmp_path / "html", lesson, "prediction")]
            assert questions and all(f"{question}: " in told for question in questions), lesson
            assert not "".join(page.get_by_role("alert").all_inner_texts()), lesson
            page.close()


def add_size(sizes, response):
    sizes.append(len(response.body()))


def test_the_command_lists_its_options():
    told = subprocess.run([sys.executable, "site/build.py", "--help"], cwd=ROOT, capture_output=True, encoding="utf-8")
    assert "--lessons" in told.stdout
