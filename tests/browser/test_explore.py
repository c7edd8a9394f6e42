"""A reader moves the sliders of the notebooks by keyboard."""

import re

import nbformat
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SCRATCH, open_cells, open_notebook

# Of each notebook, a slider of its figure, and the cells that `explore` needs, by a piece of their code: the
# rest would train for a minute.
NEEDED = {
    "02_choose_the_number_of_hidden_layers": (
        "units",
        ["plt.style", 'runs = {task: load_runs("atlas"', "def plot_depth", "explore(plot_depth"],
    ),
    "03_choose_the_number_of_neurons": (
        "learning rate",
        ["plt.style", "guesses.ask(", 'runs = {task: load_runs("widths"', "def plot_width", "explore("],
    ),
    "05_regularize": (
        "learning rate",
        ["plt.style", "def plot_overfitting", "explore(plot_overfitting"],
    ),
    "06_normalize_batches": (
        "units",
        ["plt.style", "def plot_normalized", "explore(plot_normalized"],
    ),
    "07_set_the_training_parameters": (
        "rate",
        ["plt.style", "STEEPNESS = ", "explore(plot_valley"],
    ),
    "08_search_a_grid_and_at_random": (
        "points",
        ["plt.style", "def plot_points", "explore(plot_points"],
    ),
    "09_search_where_it_pays": (
        "trainings",
        ["optuna.logging.set_verbosity", "def plot_process", "explore(plot_process"],
    ),
    "10_search_on_many_machines": (
        "machines",
        ["plt.style", "explore(plot_machines"],
    ),
    "12_report_one_honest_score": (
        "images",
        ["plt.style", "def plot_flattery", "explore(plot_flattery"],
    ),
    "13_tune_a_task_of_your_own": (
        "better",
        ["plt.style", "explore(plot_sureness"],
    ),
}

STORED = [*NEEDED, "04_choose_an_activation_and_an_initialization", "11_transfer_what_was_learned"]


def needed_cells(lab, name):
    """The code of the needed cells, without imports of TensorFlow, which they do not use."""
    _, pieces = NEEDED[name]
    cells = nbformat.read(lab.folder / f"{name}.ipynb", as_version=4).cells
    sources = [c.source for c in cells if any(piece in c.source for piece in pieces)]
    assert len(sources) == len(pieces)
    return [re.sub(r"^import (keras|tensorflow as tf)$", "", source, flags=re.M) for source in sources]


ALWAYS = ("02", "09")  # the other lessons only by `make data`


def some(names):
    return [name if name[:2] in ALWAYS else pytest.param(name, marks=pytest.mark.slow) for name in names]


@pytest.mark.parametrize("name", some(NEEDED))
def test_a_slider_moved_by_keyboard_changes_the_figure(page, lab, name):
    notebook = open_cells(page, lab, needed_cells(lab, name))
    label, _ = NEEDED[name]
    slider, image = notebook.get_by_label(label, exact=True), notebook.locator(".explore img")
    cells = notebook.locator(".jp-Cell").count()
    seen = {image.get_attribute("src"): image.get_attribute("alt")}
    slider.focus()
    for key in ("End", "ArrowLeft", "ArrowLeft", "Home"):
        move(page, slider, image, key)
        seen[image.get_attribute("src")] = image.get_attribute("alt")
    assert len(seen) >= 4, "the figure hardly changed"
    assert len(set(seen.values())) == len(seen), "the text for screen readers did not change with it"
    assert all(re.match(rf"plot .* for .*{label}", alt) for alt in seen.values())
    # Keys typed in a slider are the slider's: this would delete the cell.
    page.keyboard.press("d")
    page.keyboard.press("d")
    move(page, slider, image, "End")
    assert notebook.locator(".jp-Cell").count() == cells


def move(page, slider, image, key):
    """Press the key; wait for another picture, if the slider moved."""
    value, picture = slider.input_value(), image.get_attribute("src")
    page.keyboard.press(key)
    if slider.input_value() != value:
        expect(image).not_to_have_attribute("src", picture)
        expect(image).to_have_js_property("complete", True)


@pytest.mark.parametrize("name", some(STORED))
def test_without_a_kernel_the_stored_page_shows_the_picture(page, lab, name):
    stored = nbformat.read(lab.folder / f"{name}.ipynb", as_version=4)
    cell = next(c for c in stored.cells if re.search(r"^explore\(", c.source, re.M))
    for c in stored.cells:
        if c.cell_type == "code" and c is not cell:
            c.outputs = []
    nbformat.write(stored, lab.folder / SCRATCH)
    notebook = open_notebook(page, lab, SCRATCH)
    image = notebook.locator(".jp-OutputArea-output img")
    assert image.count() == 1
    assert image.evaluate("image => image.naturalWidth") > 300
    assert "Error displaying widget" not in notebook.inner_text()


def test_a_problem_is_shown_where_the_reader_looks_and_passes(page, lab):
    extra = """def plot_some(*, units=1, kind="good", ax=None):
    if kind == "bad":
        raise ValueError("nothing was recorded here")
    ax.plot([0, units])
explore(plot_some, units=[1, 2, 3], kind=["good", "bad"])"""
    notebook = open_cells(page, lab, [*needed_cells(lab, "03_choose_the_number_of_neurons"), extra])
    problem = notebook.get_by_role("alert").last
    expect(problem).to_be_empty()
    menu = notebook.get_by_label("kind")
    menu.select_option(label="bad")
    expect(problem).to_contain_text("nothing was recorded here")
    expect(problem).to_contain_text("units=1, kind='bad'")
    menu.select_option(label="good")
    expect(problem).to_be_empty()
