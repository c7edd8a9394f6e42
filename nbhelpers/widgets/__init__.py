"""The interactive parts of the course: explore recorded runs, predict, train live, draw digits."""

from nbhelpers.widgets.explorer import explore
from nbhelpers.widgets.lab import live_lab
from nbhelpers.widgets.pad import digit_pad
from nbhelpers.widgets.predictions import Predictions

__all__ = ["Predictions", "digit_pad", "explore", "live_lab"]
