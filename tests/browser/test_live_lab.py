"""A reader trains in the live lab, stops, breaks and compares."""

import csv
import re

import pytest
from playwright.sync_api import expect

from nbhelpers.widgets.lab import DEFAULTS
from tests.browser.conftest import SCRATCH, execute, open_cells, open_notebook

# Trainings of 30 epochs are those that a test stops: they last long enough on any machine, and leave it its cores.
IMPORTS = """import time

import matplotlib.pyplot as plt

from nbhelpers.data import load_mnist, load_runs
from nbhelpers.widgets import live_lab
from nbhelpers.widgets.lab.training import Training

if not hasattr(Training, "check_at_once"):  # the tests that follow run this cell in the same kernel
    Training.check_at_once = Training.check


def check(training):
    if training.settings["epochs"] == 30:
        time.sleep(0.01)
    training.check_at_once()


Training.check = check
plt.style.use("nbhelpers.course")
train, valid = load_mnist("train", n=10_000), load_mnist("valid")"""
CONTROLS = [name for name in DEFAULTS if name != "seed"]
LAB = f"""lab = live_lab(train, valid, controls={CONTROLS}, recorded=load_runs(task="mnist"))
lab"""

SIGNALS = f"""from nbhelpers.data import load_mnist1d

signals = live_lab(
    load_mnist1d("train"),
    load_mnist1d("valid"),
    controls={CONTROLS},
    recorded=load_runs(task="mnist1d"),
)
signals"""


@pytest.fixture
def notebook(page, lab):
    """A notebook with two labs in two cells."""
    return open_cells(page, lab, [IMPORTS, LAB, LAB.replace("lab", "other").replace("live_other", "live_lab")])


def lab_in(notebook, place=0):
    return notebook.locator(".live-lab").nth(place)


def set_to(live, **settings):
    """Move controls to the option with this text."""
    for label, text in settings.items():
        control = live.get_by_label(label.replace("_", " "), exact=True)
        if control.evaluate("c => c.tagName") == "SELECT":
            control.select_option(label=text)
            continue
        control.focus()
        control.press("Home")
        for _ in range(12):
            if control.get_attribute("aria-valuetext") == text:
                break
            control.press("ArrowRight")
        assert control.get_attribute("aria-valuetext") == text


def press_train(live, *, guess="0.5"):
    """Give a guess and press Train, by keyboard."""
    live.get_by_label("Your guess").fill(guess)
    live.get_by_role("button", name="Train", exact=True).press("Enter")


def row(live, place):
    return live.locator("tbody tr").nth(place)


def wait_for_status(live, place, status):
    expect(row(live, place).locator("td").nth(2)).to_have_text(status)


def test_train_stop_and_train_again(page, notebook):
    live = lab_in(notebook)
    train, stop = (live.get_by_role("button", name=name, exact=True) for name in ("Train", "Stop"))
    # A guess is asked for first, where the reader looks.
    train.press("Enter")
    expect(live).to_contain_text("What do you expect?")
    expect(live.get_by_label("Your guess")).to_be_focused()
    assert live.locator("tbody tr").count() == 0
    set_to(live, epochs="30", units="256")
    press_train(live, guess="0.77")
    image = live.locator("img")
    expect(image).to_have_attribute("alt", re.compile("validation accuracy"))
    expect(stop).to_have_attribute("aria-disabled", "false")
    stop.press("Enter")
    wait_for_status(live, 0, "stopped")
    expect(stop).to_have_attribute("aria-disabled", "true")
    # The interface was usable meanwhile, and a second training with other settings finishes.
    set_to(live, epochs="2", units="64")
    press_train(live, guess="0.6")
    wait_for_status(live, 1, "finished")
    expect(live).to_contain_text(re.compile(r"Run 2 finished after 2 epochs: .* You guessed 0\.6, 0\.\d+ too low"))
    expect(image).to_have_attribute("alt", re.compile("run 2 .* band of recorded runs"))
    # What a cell sets is shown by the control.
    execute(page, "lab.set(units=128)")
    expect(live.get_by_label("units", exact=True)).to_have_attribute("aria-valuetext", "128")
    # The reader's own network is there in the next cell.
    accuracy = float(execute(page, "print((lab.model(valid[0]).numpy().argmax(1) == valid[1]).mean())"))
    assert f"validation accuracy {accuracy:.3f}" in live.inner_text()


def test_signals_are_learned_before_the_band_that_was_recorded_with_the_defaults(page, lab):
    live = lab_in(open_cells(page, lab, [IMPORTS, SIGNALS]))
    for label, text in [("epochs", "54"), ("batch size", "100"), ("training signals", "4000")]:
        expect(live.get_by_label(label, exact=True)).to_have_attribute("aria-valuetext", text)
    set_to(live, epochs="5")
    press_train(live)
    wait_for_status(live, 0, "finished")
    expect(live.locator("img")).to_have_attribute("alt", re.compile("run 1 .* band of recorded .* up to epoch 4$"))
    expect(live.locator("thead")).to_contain_text("training signals")
    expect(live.locator("pre[role=alert]")).to_be_empty()
    assert "image" not in live.inner_text()


def test_the_table_is_sorted_drawn_and_saved(page, notebook):
    live = lab_in(notebook)
    for units, place in [("16", 0), ("4", 1), ("64", 2)]:
        set_to(live, units=units, epochs="1", training_images="1000")
        press_train(live)
        wait_for_status(live, place, "finished")
    heads = live.locator("thead th").all_inner_texts()
    column = heads.index("units")
    live.get_by_role("button", name="units", exact=True).press("Enter")
    assert live.locator(f"tbody td:nth-child({column + 1})").all_inner_texts() == ["4", "16", "64"]
    live.get_by_role("button", name="units", exact=True).press("Enter")
    assert live.locator(f"tbody td:nth-child({column + 1})").all_inner_texts() == ["64", "16", "4"]
    expect(live.locator("th[aria-sort=descending]")).to_have_text("units")
    live.get_by_label("draw run 1").press("Space")
    expect(live.locator("img")).to_have_attribute("alt", re.compile("beside it run 1"))
    with page.expect_download() as download:
        live.get_by_role("button", name="Save the table").press("Enter")
    with open(download.value.path(), newline="", encoding="utf-8") as file:
        saved = list(csv.DictReader(file))
    assert [r["units"] for r in saved] == ["16", "4", "64"]
    assert {r["status"] for r in saved} == {"finished"}
    assert all(float(r["off_by"]) == pytest.approx(0.5 - float(r["val_accuracy"])) for r in saved)
    assert execute(page, "print(len(plt.get_fignums()))") == "0"


def test_what_breaks_is_said_and_leaves_the_lab_usable(page, notebook):
    live = lab_in(notebook)
    problem = live.locator("pre[role=alert]")
    # An exception within the training thread: too few steps for a schedule.
    set_to(live, schedule="cosine", epochs="1", batch_size="1000", training_images="500")
    press_train(live)
    wait_for_status(live, 0, "failed")
    expect(problem).to_contain_text("ValueError: steps must be a whole number of at least 10")
    # A training that diverges.
    set_to(live, schedule="constant", activation="linear", hidden_layers="8", optimizer="momentum", learning_rate="10")
    set_to(live, batch_size="50", training_images="10000", units="512")
    press_train(live)
    wait_for_status(live, 1, "diverged")
    expect(problem).to_be_empty()
    expect(live).to_contain_text("The loss is not finite any more")
    # A guess that cannot be.
    press_train(live, guess="7")
    expect(problem).to_contain_text("Guess an accuracy from 0 to 1")
    assert live.locator("tbody tr").count() == 2
    # And on it goes.
    set_to(live, activation="relu", hidden_layers="1", optimizer="adam", learning_rate="0.001", units="32")
    press_train(live)
    wait_for_status(live, 2, "finished")
    expect(problem).to_be_empty()
    assert [row(live, i).locator("td").nth(2).inner_text() for i in range(2)] == ["failed", "diverged"]


def test_an_interrupt_and_a_second_run_of_the_cell_lose_nothing(page, notebook):
    live = lab_in(notebook)
    set_to(live, epochs="30", units="256")
    press_train(live)
    expect(live.locator("img")).to_have_attribute("alt", re.compile("validation accuracy"))
    page.evaluate("() => jupyterapp.commands.execute('notebook:interrupt-kernel')")
    reached = live.locator("progress").evaluate("bar => bar.value")
    page.wait_for_function("([bar, x]) => bar.value > x", arg=[live.locator("progress").element_handle(), reached])
    # The cell is run once more while it trains.
    run_cell(page, 1)
    wait_for_status(live, 0, "stopped")
    expect(live.get_by_role("button", name="Stop")).to_have_attribute("aria-disabled", "true")
    set_to(live, epochs="1")
    press_train(live)
    wait_for_status(live, 1, "finished")
    wait_for_status(live, 0, "stopped")
    assert execute(page, "print(len(lab.runs), lab.model is lab.runs[1].model)") == "2 True"


def test_a_kernel_that_does_not_answer_is_said_and_the_cell_run_again_helps(page, notebook):
    live = lab_in(notebook)
    set_to(live, epochs="1")
    press_train(live)
    wait_for_status(live, 0, "finished")
    execute(page, "lab.on_msg(lab._answer, remove=True)")
    press_train(live)
    expect(live.locator(".silence")).to_contain_text("No answer from the kernel")
    run_cell(page, 1)
    press_train(live)
    wait_for_status(live, 1, "finished")
    wait_for_status(live, 0, "finished")


def run_cell(page, place):
    page.evaluate("(i) => { jupyterapp.shell.currentWidget.content.activeCellIndex = i; }", place)
    page.evaluate("() => jupyterapp.commands.execute('notebook:run-cell')")


def test_two_labs_train_at_once_and_a_closed_tab_comes_back(page, notebook, lab):
    one, two = lab_in(notebook), lab_in(notebook, 1)
    set_to(one, epochs="30", batch_size="8")
    set_to(two, epochs="2", units="8")
    press_train(one, guess="0.91")
    press_train(two, guess="0.51")
    wait_for_status(two, 0, "finished")
    wait_for_status(one, 0, "training")
    page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    page.goto("about:blank")
    one, two = labs_again(page, lab)
    expect(one.locator("tbody tr")).to_have_count(1)
    wait_for_status(two, 0, "finished")
    expect(one.locator("img")).to_have_attribute("alt", re.compile("validation accuracy"))
    one.get_by_role("button", name="Stop").press("Enter")
    no_answer = one.locator(".silence").filter(has_text="Run the cell")
    expect(row(one, 0).filter(has_text="stopped").or_(no_answer).first).to_be_visible()
    if no_answer.is_visible():  # JupyterLab has lost the way to the kernel: do what the lab says
        run_cell(page, 1)
        run_cell(page, 2)
    wait_for_status(one, 0, "stopped")
    set_to(two, epochs="1")
    press_train(two)
    wait_for_status(two, 1, "finished")


def labs_again(page, lab):
    """Load JupyterLab anew with the notebook, whose kernel has gone on; return both labs."""
    page.goto("about:blank")
    notebook = open_notebook(page, lab, SCRATCH)
    return lab_in(notebook), lab_in(notebook, 1)


def test_every_control_has_a_name_and_keeps_its_keys(page, notebook):
    live = lab_in(notebook)
    cells = notebook.locator(".jp-Cell").count()
    set_to(live, epochs="1", training_images="1000")
    for place in range(2):
        press_train(live)
        wait_for_status(live, place, "finished")
    controls = live.locator("input:visible:enabled, select:visible, button:visible")
    assert controls.count() > 40
    live.get_by_label(controls.first.evaluate("c => c.labels[0].textContent"), exact=True).focus()
    for i in range(controls.count()):
        control = controls.nth(i)
        expect(control).to_be_focused()
        name = control.evaluate("c => c.labels?.[0]?.textContent || c.textContent || c.getAttribute('aria-label')")
        assert name
        for key in "ddab":
            page.keyboard.press(key)
        page.keyboard.press("Tab")
    assert notebook.locator(".jp-Cell").count() == cells
