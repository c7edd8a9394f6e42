"""For every test: the drawing style of one, and its figures, are not those of the next; and all share a browser."""

import os

import matplotlib
import matplotlib.pyplot as plt
import pytest
from playwright.sync_api import sync_playwright

from tests.browser.conftest import FLAGS, find_chromium


@pytest.fixture(autouse=True)
def plain_figures():
    with matplotlib.rc_context():
        yield
    plt.close("all")


@pytest.fixture(scope="session")
def browser():
    path = find_chromium()
    if path is None:
        sentence = (
            "No Chromium was found: install it (on Debian: apt install chromium), or name one in the variable CHROMIUM."
        )
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(sentence)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()
