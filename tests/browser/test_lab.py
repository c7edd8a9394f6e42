"""A reader opens the course in JupyterLab and runs it from top to bottom."""

import nbformat

from tests.browser.conftest import ROOT, open_notebook, run_all

FIRST = "01_train_a_first_network.ipynb"
SHORTEST = "04_choose_an_activation_and_an_initialization.ipynb"  # the others run in the notebook tests


def test_a_notebook_runs_from_top_to_bottom_and_shows_its_figures(page, lab):
    stored = nbformat.read(ROOT / "notebooks" / SHORTEST, as_version=4)
    figures = sum("image/png" in o.get("data", {}) for c in stored.cells for o in c.get("outputs", []))
    figures -= sum("guesses.ask(" in c.source for c in stored.cells)  # live, these are controls without a picture
    notebook = open_notebook(page, lab, SHORTEST)
    page.evaluate("() => jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    images = notebook.locator(".jp-OutputArea-output img")
    assert images.count() == 0
    page.set_default_timeout(240_000)
    assert run_all(page), "a cell raised"
    assert images.count() == figures > 0
    for i in range(figures):
        width, height = images.nth(i).evaluate("image => [image.naturalWidth, image.naturalHeight]")
        assert width > 300
        assert height > 100
    assert notebook.locator(".jp-OutputArea-output[data-mime-type*=stderr]").count() == 0


def test_headings_and_tables_are_rendered(page, lab):
    notebook = open_notebook(page, lab, FIRST)
    assert notebook.get_by_role("heading", name="Measure with a ruler").count() == 1
    assert notebook.locator("table").count() >= 2


def test_a_failing_cell_is_noticed(page, lab):
    """So that the test above can fail: one cell that raises turns `run_all` false."""
    broken = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("assert 1 == 2")])
    broken.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(broken, lab.folder / "broken.ipynb")
    open_notebook(page, lab, "broken.ipynb")
    assert not run_all(page)
