"""What is shown belongs to what is set, and nothing is lost or mute without a word, when the world is not kind."""

import re
from contextlib import contextmanager

import nbformat
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SCRATCH, execute, expect_printed, open_cells, open_notebook, run_all
from tests.browser.test_digit_pad import draw
from tests.drawings import DIGITS

SET_UP = """import time

import numpy as np
import matplotlib.pyplot as plt

from nbhelpers.widgets import Predictions, digit_pad, explore, live_lab

plt.style.use("nbhelpers.course")


def plot_gray(*, value=3, other=0, ax=None):
    # The gray level in the middle says which value was drawn.
    ax.set_facecolor((value / 10,) * 3)


def sure_of(digit):
    return lambda images: np.eye(10)[[digit]]


guesses = Predictions()"""
EXPLORE = "explorer = explore(plot_gray, value=list(range(8)), other=[0, 1])\nexplorer"
ASK = 'guess = guesses.ask("accuracy", "Accuracy of 100 units", low=0, high=1)\nguess'
PAD = 'pad = digit_pad({"three": sure_of(3), "broken": lambda images: np.full((1, 10), broken)})\npad'
LAB = """from nbhelpers.data import load_mnist

lab = live_lab(load_mnist("train", n=1000), load_mnist("valid", n=500), controls=["units"], epochs=30, units=64)
lab"""
# A figure that waits until the test lets it through.
SLOW = """import threading

gate = threading.Event()


def plot_slow(*, value=0, ax=None):
    value and gate.wait(30)
    plot_gray(value=value, ax=ax)"""
# A figure that tells a running cell, which has begun a figure of its own, when it is drawn.
TELL = """import threading

moved = threading.Event()


def plot_and_tell(*, value=3, ax=None):
    plot_gray(value=value, ax=ax)
    value == 7 and moved.set()"""
DRAW = """fig, ax = plt.subplots()
while not moved.is_set():
    time.sleep(0.1)
ax.plot([1, 2])
plt.show()"""
# A cell that runs until the guess has come, which it must while the cell runs.
WAIT = """end = time.monotonic() + 120
while guess.guess is None:
    assert time.monotonic() < end
    time.sleep(0.1)"""
SILENCE = "No answer from the kernel"
# The gray level in the middle of an image, 0 to 10.
GRAY = """(image) => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const page = canvas.getContext("2d");
  page.drawImage(image, 0, 0);
  return page.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data[0] / 25.5;
}"""


def slider(scope, name="value"):
    return scope.get_by_label(name, exact=True)


def assert_agrees(view, value):
    """Slider, figure and alternative text of a view of the explorer all say this value."""
    expect(slider(view)).to_have_attribute("aria-valuetext", str(value))
    image = view.locator("img")
    expect(image).to_have_attribute("alt", re.compile(f"plot gray for value {value},"))
    expect(image).to_have_js_property("complete", True)
    assert image.evaluate(GRAY) == pytest.approx(value, abs=0.3)


@contextmanager
def running(page, notebook, code):
    """Run code in a new cell meanwhile, and give its prompt, which is [*] while it waits or runs.

    In the end it is interrupted, should it still run, since the next test takes its kernel.
    """
    page.evaluate(
        """(source) => {
          const { content } = jupyterapp.shell.currentWidget;
          content.model.sharedModel.addCell({ cell_type: "code", source, metadata: {} });
          content.activeCellIndex = content.widgets.length - 1;
          jupyterapp.commands.execute("notebook:run-cell");
        }""",
        f"print('begun')\n{code}",
    )
    cell = notebook.locator(".jp-Cell").last
    prompt = cell.locator(".jp-InputPrompt")
    try:
        # By then the notebook has the focus, so no key is lost. The kernel's status says nothing: once a widget has
        # been answered it is idle, though the cell runs.
        expect(cell.locator(".jp-OutputArea-output").first).to_contain_text("begun")
        yield prompt
    finally:
        if prompt.inner_text() == "[*]:":
            page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()")
            expect(prompt).not_to_have_text("[*]:")


def wait_until_idle(page):
    page.wait_for_function("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'")


def test_all_widgets_work_at_plain_http_from_a_host_with_a_name(browser, lab):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    named = type(lab)(lab.address.replace("127.0.0.1", "classroom.test"), lab.token, lab.folder)
    notebook = open_cells(page, named, [SET_UP, EXPLORE, ASK, "broken = 0.1\n" + PAD, LAB])
    assert page.evaluate("() => window.isSecureContext") is False
    slider(notebook).press("End")
    assert_agrees(notebook.locator(".explore"), 7)
    notebook.get_by_label("Accuracy of").fill("0.5")
    notebook.get_by_label("Accuracy of").press("Enter")
    expect(notebook.locator(".prediction")).to_contain_text("Noted")
    pad = notebook.locator(".digit-pad")
    pad.locator("canvas.pad").scroll_into_view_if_needed()
    draw(page, pad, DIGITS[3])
    expect(pad.locator(".said")).to_contain_text("three says 3")
    live = notebook.locator(".live-lab")
    live.get_by_label("Your guess").fill("0.5")
    live.get_by_role("button", name="Train", exact=True).press("Enter")
    expect(live.locator("tbody tr")).to_have_count(1)
    live.get_by_role("button", name="Stop", exact=True).press("Enter")
    expect(live.locator("tbody tr td").nth(2)).to_have_text(re.compile("stopped|finished"))
    context.close()


def test_after_a_reload_figure_words_and_slider_agree(page, lab):
    notebook = open_cells(page, lab, [SET_UP, EXPLORE])
    slider(notebook).press("ArrowRight")
    assert_agrees(notebook.locator(".explore"), 4)
    page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    page.goto("about:blank")
    notebook = open_notebook(page, lab, SCRATCH)
    view = notebook.locator(".explore")
    assert_agrees(view, 4)
    slider(notebook).press("ArrowRight")
    assert_agrees(view, 5)
    slider(notebook).press("ArrowLeft")
    assert_agrees(view, 4)
    expect_printed(page, "print(explorer.values['value'])", "4")


def test_two_views_of_one_explorer_agree_and_follow_each_other(page, lab):
    notebook = open_cells(page, lab, [SET_UP, EXPLORE, "explorer"])
    one, two = notebook.locator(".explore").first, notebook.locator(".explore").last
    slider(one).press("End")
    for view in (one, two):
        assert_agrees(view, 7)
    slider(two).press("ArrowLeft")
    for view in (two, one):
        assert_agrees(view, 6)
    for _ in range(4):
        slider(one).press("ArrowLeft")
    for view in (one, two):
        assert_agrees(view, 2)


def test_a_guess_entered_while_a_cell_runs_counts(page, lab):
    notebook = open_cells(page, lab, [SET_UP, "pass"])
    set_cells(page, [SET_UP, ASK, WAIT, 'guesses.reveal("accuracy", 0.9)'])
    page.evaluate("() => { window.ran = jupyterapp.commands.execute('notebook:run-all-cells'); }")
    control = notebook.get_by_label("Accuracy of")
    control.fill("0.75")
    control.press("Enter")
    assert page.evaluate("() => window.ran"), "the guess did not come while the cell ran"
    expect(notebook.locator(".jp-OutputArea-output").last).to_contain_text("you guessed 0.75, it is 0.9")


def set_cells(page, cells):
    """Replace the cells of the open notebook."""
    page.evaluate(
        """(cells) => {
          const model = jupyterapp.shell.currentWidget.content.model.sharedModel;
          model.transact(() => {
            model.deleteCellRange(0, model.cells.length);
            model.insertCells(0, cells.map((source) => ({ cell_type: "code", source, metadata: {} })));
          });
        }""",
        cells,
    )


def test_stop_is_answered_and_a_slider_is_right_while_another_cell_computes(page, lab):
    notebook = open_cells(page, lab, [SET_UP, EXPLORE, LAB, "pass"])
    live = notebook.locator(".live-lab")
    live.get_by_label("Your guess").fill("0.5")
    with running(page, notebook, "while True:\n    np.ones((300, 300)) @ np.ones((300, 300))") as prompt:
        live.get_by_role("button", name="Train", exact=True).press("Enter")
        expect(live.locator("tbody tr")).to_have_count(1)
        expect(live.locator("img")).to_have_attribute("alt", re.compile("validation accuracy"))
        live.get_by_role("button", name="Stop", exact=True).press("Enter")
        expect(live.locator("tbody tr td").nth(2)).to_have_text("stopped")
        slider(notebook).press("End")
        assert_agrees(notebook.locator(".explore"), 7)
        expect(prompt).to_have_text("[*]:")


def test_a_slow_picture_is_said_to_follow(page, lab):
    notebook = open_cells(page, lab, [SET_UP, SLOW, "explore(plot_slow, value=[0, 7])"])
    view = notebook.locator(".explore")
    slider(view).press("End")
    expect(view.locator(".waits")).to_have_text("The kernel is busy; the figure follows.")
    execute(page, "gate.set()")
    expect(view.locator("img")).to_have_attribute("alt", "plot slow for value 7")
    expect(view.locator(".waits")).to_be_empty()
    expect(view.locator(".silence")).to_be_empty()


def test_a_cell_keeps_its_figure_while_a_slider_is_moved(page, lab):
    explore_and_tell = "explore(plot_and_tell, value=list(range(8)))"
    notebook = open_cells(page, lab, [SET_UP, TELL, explore_and_tell, "pass"])
    with running(page, notebook, DRAW) as prompt:
        slider(notebook).press("End")
        expect(prompt).not_to_have_text("[*]:")
    expect(notebook.locator(".jp-Cell").last.locator("img")).to_have_count(1)


def test_every_widget_says_that_the_kernel_was_restarted_and_what_to_do(page, lab):
    notebook = open_cells(page, lab, [SET_UP, EXPLORE, ASK, "broken = 0.1\n" + PAD, LAB])
    expect(notebook.locator(".course-widget")).to_have_count(4)
    page.evaluate("() => { jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart(); }")
    for name in ("explore", "prediction", "digit-pad", "live-lab"):
        said = notebook.locator(f".{name} .silence")
        expect(said).to_contain_text(SILENCE)
        expect(said).to_contain_text("Run the cell")
    wait_until_idle(page)
    assert run_all(page)
    expect(notebook.locator(".course-widget .silence:not(:empty)")).to_have_count(0)


def test_a_lost_reply_is_said_and_the_next_move_is_answered(page, lab):
    notebook = open_cells(page, lab, [SET_UP, EXPLORE, ASK, "broken = 0.1\n" + PAD, LAB])
    execute(page, "for w in (explorer, guess, pad, lab): w.on_msg(w._answer, remove=True)")
    live = notebook.locator(".live-lab")
    moves = {
        "explore": lambda: slider(notebook).press("End"),
        "prediction": lambda: (
            notebook.get_by_label("Accuracy of").fill("0.5"),
            notebook.get_by_label("Accuracy of").press("Enter"),
        ),
        "digit-pad": lambda: notebook.locator(".digit-pad").get_by_role("button", name="Clear").press("Enter"),
        "live-lab": lambda: live.get_by_label("units", exact=True).press("End"),
    }
    for name, move in moves.items():
        move()
        expect(notebook.locator(f".{name} .silence")).to_contain_text(SILENCE)
    execute(page, "for w in (explorer, guess, pad, lab): w.on_msg(w._answer)")
    moves["explore"] = lambda: slider(notebook).press("ArrowLeft")
    moves["live-lab"] = lambda: live.get_by_label("units", exact=True).press("Home")
    for name, move in moves.items():
        move()
        if name == "prediction":
            notebook.get_by_label("Accuracy of").fill("0.6")
            notebook.get_by_label("Accuracy of").press("Enter")
        expect(notebook.locator(f".{name} .silence")).to_be_empty()
    assert_agrees(notebook.locator(".explore"), 6)
    expect(notebook.locator(".prediction")).to_contain_text("Noted")


def test_a_saved_notebook_opened_without_its_kernel_shows_pictures_and_sentences(page, lab):
    notebook = open_cells(page, lab, [SET_UP, EXPLORE, ASK, "broken = 0.1\n" + PAD, LAB])
    slider(notebook).press("End")
    assert_agrees(notebook.locator(".explore"), 7)
    page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    assert "application/vnd.jupyter.widget-state+json" in nbformat.read(lab.folder / SCRATCH, 4).metadata.widgets
    page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    page.goto("about:blank")
    notebook = open_notebook(page, lab, SCRATCH)
    assert_agrees(notebook.locator(".explore"), 7)
    expect(notebook.locator(".course-widget")).to_have_count(4)
    for name in ("explore", "prediction", "digit-pad", "live-lab"):
        expect(notebook.locator(f".{name} .silence")).to_contain_text("Run the cell")
    assert "Error displaying" not in notebook.inner_text()


def test_one_network_that_fails_does_not_silence_the_other(page, lab):
    notebook = open_cells(page, lab, [SET_UP, "broken = np.nan\n" + PAD])
    pad = notebook.locator(".digit-pad")
    pad.locator("canvas.pad").scroll_into_view_if_needed()
    draw(page, pad, DIGITS[3])
    expect(pad.locator(".said")).to_have_text("three says 3 (1.00), broken failed")
    expect(pad.locator("pre[role=alert]")).to_contain_text("'broken' returns numbers that are not finite")


@pytest.mark.parametrize("zoom", [0.67, 1, 1.5])
def test_ink_lands_under_the_pen_at_any_zoom(page, lab, zoom):
    notebook = open_cells(page, lab, [SET_UP, "broken = 0.1\n" + PAD])
    page.evaluate("(zoom) => (document.body.style.zoom = zoom)", zoom)
    try:
        pad = notebook.locator(".digit-pad")
        canvas = pad.locator("canvas.pad")
        canvas.scroll_into_view_if_needed()
        draw(page, pad, [[(0.25, 0.7), (0.26, 0.7)], [(0.8, 0.2), (0.8, 0.21)]])
        inked = "([c, x, y]) => c.getContext('2d').getImageData(x * 280, y * 280, 1, 1).data[3] > 0"
        marks = [(0.25, 0.7), (0.8, 0.2), (0.5, 0.5), (0.25, 0.55), (0.4, 0.7), (0.65, 0.2)]
        found = [canvas.evaluate(f"(c, [x, y]) => ({inked})([c, x, y])", list(mark)) for mark in marks]
        assert found == [True, True, False, False, False, False]
    finally:
        page.evaluate("() => (document.body.style.zoom = 1)")


def test_long_lines_break_between_words_in_code_and_in_what_it_prints(page, lab):
    """So that nothing is hidden beside a narrow window."""
    notebook = open_cells(page, lab, [f"print('{'sentence ' * 60}')"])
    expect(notebook.locator(".jp-OutputArea-output pre").last).to_have_css("word-break", "normal")
    code = notebook.locator(".cm-scroller").first
    assert code.evaluate("code => code.scrollWidth <= code.clientWidth")


def test_pictures_do_not_glare_in_the_dark_theme_and_print_light(page, lab):
    notebook = open_cells(page, lab, [SET_UP, EXPLORE, "broken = 0.1\n" + PAD, "plt.plot([1, 2])\nplt.show()"])
    pictures = [
        notebook.locator(".explore img"),
        notebook.locator("canvas.pad"),
        notebook.locator(".jp-Cell").last.locator("img"),
    ]
    light = [picture.evaluate("p => getComputedStyle(p).filter") for picture in pictures]
    assert light == ["none"] * 3
    try:
        page.evaluate("() => jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' })")
        page.wait_for_function("() => document.body.dataset.jpThemeLight === 'false'")
        for picture in pictures:
            picture.scroll_into_view_if_needed()
            expect(picture).to_have_css("filter", "invert(0.87) hue-rotate(180deg)")
        page.emulate_media(media="print")
        assert [picture.evaluate("p => getComputedStyle(p).filter") for picture in pictures] == ["none"] * 3
    finally:
        page.emulate_media(media="screen")
        page.evaluate("() => jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Light' })")
        page.wait_for_function("() => document.body.dataset.jpThemeLight === 'true'")
