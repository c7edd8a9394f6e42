"""Draw the pictures of data/README.md: both tasks, and both atlases at a glance.

    python -m recorders.pictures

Each is a PNG of a few colours, so that it stays small.
"""

import io
from functools import partial
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from nbhelpers.data import DATA_FOLDER, TASKS, load_mnist, load_mnist1d, load_runs
from recorders.store import replace

COLORS = 48
STYLES = {
    False: {"color": "C1", "linestyle": "--", "label": "best without batch normalization"},
    True: {"color": "C0", "linestyle": "-", "label": "best with batch normalization"},
}


def record(*, folder=DATA_FOLDER):
    """Draw all pictures into a folder; yield the path of each."""
    mpl.use("agg")
    pictures = {"tasks": draw_tasks} | {f"atlas_{task}": partial(draw_atlas, task) for task in TASKS}
    for name, draw in pictures.items():
        path = Path(folder) / f"{name}.png"
        with plt.style.context("nbhelpers.course"):
            save(path, draw())
        yield path


def save(path, figure):
    """Write a figure, and close it."""
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=80)
    plt.close(figure)
    image = Image.open(drawn).convert("RGB").quantize(COLORS, kmeans=1)
    replace(path, lambda draft: image.save(draft, format="png", optimize=True))


def draw_tasks():
    """Ten columns, a digit each: above a signal of MNIST-1D, read downwards, below an image of MNIST."""
    signals, images = load_mnist1d("train", n=100), load_mnist("train", n=100)
    figure, axes = plt.subplots(2, 10, figsize=(9, 3.3), height_ratios=[2, 1])
    for digit, (above, below) in enumerate(axes.T):
        signal = first_of(digit, *signals)
        above.axvline(0, color="0.85", linewidth=1, linestyle="-")
        above.plot(signal, np.arange(len(signal)), color="C0", linestyle="-")
        above.set(xlim=(-4, 4), ylim=(len(signal), -1))
        above.set_title(digit, loc="center")
        below.imshow(first_of(digit, *images))
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[], frame_on=False)
        ax.grid(False)
    axes[0, 0].set_ylabel("MNIST-1D\n40 numbers")
    axes[1, 0].set_ylabel("MNIST\n28 × 28")
    return figure


def first_of(digit, inputs, labels):
    return inputs[np.argmax(labels == digit)]


def draw_atlas(task):
    """One panel an optimizer and activation."""
    accuracy = load_runs("atlas", task=task)["val_accuracy"].isel(epoch=-1).mean("seed")
    figure, axes = plt.subplots(2, 3, figsize=(9, 5), sharex=True, sharey=True)
    for row, optimizer in zip(axes, accuracy.optimizer.values, strict=True):
        for ax, activation in zip(row, accuracy.activation.values, strict=True):
            draw_panel(ax, accuracy.sel(optimizer=optimizer, activation=activation))
            ax.set(xscale="log", title=f"{optimizer}, {activation}")
    for ax in axes[1]:
        ax.set_xlabel("learning rate")
    for ax in axes[:, 0]:
        ax.set_ylabel("validation accuracy")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return figure


def draw_panel(ax, accuracy):
    """A thin line a configuration, a thick one the best of them at each learning rate."""
    for normalized, style in STYLES.items():
        lines = accuracy.sel(batch_norm=normalized).stack(setting=["units", "hidden_layers", "dropout"])
        lines = lines.transpose("learning_rate", "setting")
        ax.plot(lines.learning_rate, lines, color=style["color"], linestyle="-", linewidth=0.4, alpha=0.4)
        ax.plot(lines.learning_rate, lines.max("setting"), **style)


if __name__ == "__main__":
    for path in record():
        print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")
