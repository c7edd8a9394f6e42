"""The live lab: set hyperparameters, guess, train, stop, and compare the runs."""

from nbhelpers.widgets.lab.settings import DEFAULTS
from nbhelpers.widgets.lab.widget import LiveLab, live_lab

__all__ = ["DEFAULTS", "LiveLab", "live_lab"]
