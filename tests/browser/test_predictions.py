"""A reader guesses, sees the answer beside the guess, and reads the summary."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import expect_printed, open_cells

CELLS = [
    """import matplotlib.pyplot as plt

from nbhelpers.widgets import Predictions

guesses = Predictions()""",
    'guesses.ask("accuracy", "Accuracy of 100 hidden units", low=0, high=1)',
    'guesses.ask("winner", "Which one wins", options=["sgd", "adam"])',
]


def test_a_guess_is_made_revealed_and_summed_up(page, lab):
    notebook = open_cells(page, lab, CELLS)
    number, menu = notebook.get_by_label("Accuracy of 100"), notebook.get_by_label("Which one wins")
    number.press_sequentially("7")
    number.press("Enter")
    expect(notebook).to_contain_text("Please guess a number from 0 to 1, such as 0.5.")
    number.press("ControlOrMeta+a")
    number.press_sequentially("0.91")
    number.press("Enter")
    menu.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(notebook.locator(".prediction").last).to_contain_text("Noted")
    cells = notebook.locator(".jp-Cell").count()
    for _ in range(2):
        menu.press("d")
    assert notebook.locator(".jp-Cell").count() == cells
    menu.select_option("adam")
    expect_printed(page, "print(guesses._asked['winner'].guess)", "adam")  # the keys and the choice arrive one by one
    add_and_run(page, 'guesses.reveal("accuracy", 0.953)\nguesses.reveal("winner", "adam")\nguesses.summary()')
    for control in (number, menu):
        expect(control).to_be_disabled()
    expect(notebook.locator(".prediction").first).to_contain_text("you guessed 0.91, it is 0.953: 0.043 too low")
    output = notebook.locator(".jp-Cell").last.locator(".jp-OutputArea-output")
    expect(output).to_contain_text(re.compile("Accuracy of 100 hidden units: you guessed 0.91.*"))
    expect(output).to_contain_text("Which one wins: you guessed “adam”, right")


def add_and_run(page, code):
    """Write code in a new last cell and run it."""
    page.evaluate(
        """async (code) => {
          const { commands, shell } = jupyterapp;
          const notebook = shell.currentWidget.content;
          notebook.activeCellIndex = notebook.widgets.length - 1;
          await commands.execute('notebook:insert-cell-below');
          notebook.activeCell.model.sharedModel.setSource(code);
          await commands.execute('notebook:run-cell');
        }""",
        code,
    )
