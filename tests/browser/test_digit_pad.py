"""A reader draws digits on the pad."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import execute, open_cells
from tests.drawings import DIGITS

CELLS = [
    """import keras
import matplotlib.pyplot as plt

from nbhelpers.data import load_mnist
from nbhelpers.models import batches, build_mlp
from nbhelpers.widgets import digit_pad

plt.style.use("nbhelpers.course")
if "networks" not in globals():  # the tests that follow find the kernel with networks that are trained
    train = load_mnist("train", n=10_000)
    keras.utils.set_random_seed(0)  # before the networks are built, which draws their weights
    networks = {"no hidden layer": build_mlp(()), "100 hidden units": build_mlp((100,))}
    for model in networks.values():
        model.fit(batches(*train), epochs=3, shuffle=False, verbose=0)""",
    "pad = digit_pad(networks)\npad",
]


@pytest.fixture
def pad(page, lab):
    return open_cells(page, lab, CELLS).locator(".digit-pad")


def draw(page, pad, strokes):
    """Draw with the mouse, as a reader does."""
    box = pad.locator("canvas.pad").bounding_box()
    for stroke in strokes:
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for x, y in points[1:]:
            page.mouse.move(x, y)
        page.mouse.up()


def test_drawn_digits_are_read_by_both_networks(page, pad):
    said = pad.locator(".said")
    clear = pad.get_by_role("button", name="Clear")
    pad.locator("canvas.pad").scroll_into_view_if_needed()
    right = []
    for digit, strokes in DIGITS.items():
        draw(page, pad, strokes)
        try:
            expect(said).to_have_text(re.compile(rf"no hidden layer says {digit} .*, 100 hidden units says {digit} "))
            right.append(digit)
        except AssertionError:
            print(digit, said.inner_text())
        clear.press("Enter")
        expect(said).to_be_empty()
    assert right == list(DIGITS)
    assert execute(page, "print(len(plt.get_fignums()))") == "0"


def test_what_the_networks_see_is_shown_and_kept(page, pad):
    pad.locator("canvas.pad").scroll_into_view_if_needed()
    draw(page, pad, DIGITS[7])
    expect(pad.locator(".said")).to_contain_text("says 7")
    shown = pad.locator("canvas.seen").evaluate(
        "c => [...c.getContext('2d').getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 === 3)"
    )
    kept = execute(page, "print((pad.image * 255).round().astype(int).ravel().tolist())")
    assert shown == eval(kept)
    meters = pad.locator("meter").evaluate_all("all => all.map(m => m.value)")
    assert len(meters) == 20
    assert sum(meters) == pytest.approx(2, abs=1e-3)


def test_a_finger_draws(page, pad):
    canvas = pad.locator("canvas.pad")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    points = [{"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]} for x, y in DIGITS[7][0]]
    finger = page.context.new_cdp_session(page)
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points[:1]})
    for point in points[1:]:
        finger.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(pad.locator(".said")).to_contain_text("100 hidden units says 7")


def test_the_keyboard_draws_and_clears_and_the_cell_stays(page, pad):
    cells = page.locator(".jp-Cell").count()
    pad.locator("canvas.pad").focus()
    for _ in range(9):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    for _ in range(18):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(pad.locator(".said")).to_contain_text("100 hidden units says 1")
    page.keyboard.press("d")
    page.keyboard.press("d")
    assert page.locator(".jp-Cell").count() == cells
    page.keyboard.press("Delete")
    expect(pad.locator(".said")).to_be_empty()
    assert execute(page, "print(pad.probabilities)") == "[]"
