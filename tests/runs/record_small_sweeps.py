"""Record a block of one task for real: python record_small_sweeps.py FOLDER small_mnist."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from recorders import runs
from recorders.sweeps import Sweep

SMALL = {
    "blocks": {"activation": ("relu",)},
    "beside": {"learning_rate": (0.000316, 0.00316), "dropout": (0.0, 0.2)},
    "fixed": {"units": 32, "hidden_layers": 2, "optimizer": "adam"},
}
SWEEPS = {
    "small_mnist": Sweep(task="mnist", images=2000, batch_size=50, epochs=3, **SMALL),
    "small_mnist1d": Sweep(task="mnist1d", images=4000, batch_size=100, epochs=10, every=5, **SMALL),
}


if __name__ == "__main__":
    list(runs.record(sys.argv[2:], folder=sys.argv[1], sweeps=SWEEPS))
