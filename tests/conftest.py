"""For every test: the drawing style of one test, and its figures, are not those of the next."""

import matplotlib
import matplotlib.pyplot as plt
import pytest


@pytest.fixture(autouse=True)
def plain_figures():
    with matplotlib.rc_context():
        yield
    plt.close("all")
