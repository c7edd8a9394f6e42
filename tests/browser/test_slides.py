"""A teacher shows slides, by keyboard, without a network."""

import importlib
import re
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))

sys.path.insert(0, str(ROOT / "tools"))
slides = importlib.import_module("slides")


@pytest.fixture(scope="module")
def decks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slides")
    slides.main([], folder=folder)
    return folder


@pytest.fixture
def page(browser):
    """A page that reads files alone; anything else that it asks for fails the test, and so does an error."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    page, wrong = context.new_page(), []
    page.on("request", lambda request: request.url.startswith(("file:", "data:")) or wrong.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    context.close()
    assert not wrong


def number(page):
    return page.locator("#number").inner_text()


# How far the slide that is shown is larger than the window, and how far what is in it is larger than the slide.
BEYOND = """() => {
  const { scrollHeight, scrollWidth } = document.documentElement;
  const parts = [...slides[now].querySelectorAll("*")].map((part) => part.getBoundingClientRect());
  const low = Math.max(...parts.map((part) => part.bottom)), right = Math.max(...parts.map((part) => part.right));
  return Math.max(scrollHeight - innerHeight, scrollWidth - innerWidth, low - innerHeight, right - innerWidth);
}"""


# The one with the most slides each time, the others with what takes long.
OTHERS = [pytest.param(path, marks=pytest.mark.slow) for path in LESSONS if path.name[:2] != "07"]
SOME = [path for path in LESSONS if path.name[:2] == "07"]


@pytest.mark.parametrize("path", [*SOME, *OTHERS], ids=lambda path: path.stem)
def test_no_slide_is_larger_than_the_window(page, decks, path):
    page.goto((decks / f"{path.stem}.html").as_uri())
    count = page.locator(".slide").count()
    for shown in range(1, count + 1):
        assert number(page) == f"{shown} / {count}"
        assert page.evaluate(BEYOND) <= 0, f"slide {shown}"
        page.keyboard.press("ArrowRight")


def test_a_slide_that_is_too_large_is_noticed(page, decks):
    page.goto((decks / f"{LESSONS[0].stem}.html").as_uri())
    page.evaluate("() => slides[0].append(...Array.from({ length: 40 }, () => document.createElement('hr')))")
    assert page.evaluate(BEYOND) > 0


def test_keys_and_buttons_change_the_slide(page, decks):
    page.goto((decks / f"{LESSONS[1].stem}.html").as_uri())
    count = page.locator(".slide").count()
    pressed = {"ArrowRight": 2, "Space": 3, "PageDown": 4, "Shift+Space": 3, "ArrowLeft": 2, "PageUp": 1}
    for key, shown in (pressed | {"End": count, "Home": 1}).items():
        page.keyboard.press(key)
        assert number(page) == f"{shown} / {count}", key
        expect(page.locator(".slide:visible")).to_have_count(1)
    page.get_by_role("button", name="Next slide").click()
    assert number(page) == f"2 / {count}"
    expect(page.get_by_role("heading", name="What you'll learn")).to_be_focused()
    expect(page.get_by_role("button", name="Next slide")).to_be_enabled()


def test_neither_end_can_be_passed(page, decks):
    page.goto((decks / f"{LESSONS[0].stem}.html").as_uri())
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("button", name="Previous slide")).to_be_disabled()
    assert number(page).startswith("1 / ")
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("heading", name="Rule of thumb")).to_be_visible()


def test_a_slide_has_an_address(page, decks):
    address = (decks / f"{LESSONS[0].stem}.html").as_uri()
    page.goto(f"{address}#5")
    assert number(page).startswith("5 / ")
    page.evaluate("() => { location.hash = '#7'; }")
    expect(page.locator("#number")).to_contain_text("7 / ")


def test_a_deck_is_printed_one_slide_a_page(page, decks):
    page.goto((decks / f"{LESSONS[8].stem}.html").as_uri())
    printed = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type /Page\b", printed)) == page.locator(".slide").count()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_dark_on_light_or_light_on_dark(page, decks, scheme):
    page.emulate_media(color_scheme=scheme)
    page.goto((decks / f"{LESSONS[0].stem}.html").as_uri())
    ink, paper = (
        page.evaluate(f"() => getComputedStyle(document.body).{name}.match(/\\d+/g).map(Number)")
        for name in ("color", "backgroundColor")
    )
    lighter, darker = (paper, ink) if scheme == "light" else (ink, paper)
    assert min(lighter[:3]) - max(darker[:3]) > 150


@pytest.mark.parametrize("path", [*SOME, *OTHERS], ids=lambda path: path.stem)
def test_on_a_phone_nothing_is_wider_than_the_window(page, decks, path):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto((decks / f"{path.stem}.html").as_uri())
    for _ in range(page.locator(".slide").count()):
        wider = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
        assert wider <= 0, number(page)
        page.keyboard.press("ArrowRight")
