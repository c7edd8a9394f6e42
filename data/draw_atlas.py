"""Draw data/atlas.png, the atlas at a glance: python data/draw_atlas.py."""

from pathlib import Path

import matplotlib.pyplot as plt
from PIL import Image

from nbhelpers.data import load_runs


def draw(runs):
    """One panel an optimizer and activation; one thin line a configuration, its mean over the seeds."""
    figure, axes = plt.subplots(2, 3, figsize=(9, 5), sharex=True, sharey=True)
    accuracy = runs["val_accuracy"].sel(epoch=15).mean("seed")
    for row, optimizer in zip(axes, runs.optimizer.values, strict=True):
        for ax, activation in zip(row, runs.activation.values, strict=True):
            for normalized, style in [
                (False, {"color": "C1", "linestyle": "--"}),
                (True, {"color": "C0", "linestyle": "-"}),
            ]:
                lines = accuracy.sel(optimizer=optimizer, activation=activation, batch_norm=normalized)
                lines = lines.stack(setting=["units", "hidden_layers", "dropout"]).transpose("learning_rate", "setting")
                ax.plot(runs.learning_rate, lines, linewidth=0.5, alpha=0.6, **style)
            ax.set(xscale="log", title=f"{optimizer}, {activation}")
    for ax in axes[1]:
        ax.set_xlabel("learning rate")
    for ax in axes[:, 0]:
        ax.set_ylabel("validation accuracy")
    axes[0, 0].plot([], [], "--", color="C1", label="plain")
    axes[0, 0].plot([], [], "-", color="C0", label="batch normalization")
    axes[0, 0].legend(loc="upper left")
    return figure


if __name__ == "__main__":
    plt.style.use("nbhelpers.course")
    path = Path(__file__).with_name("atlas.png")
    draw(load_runs()).savefig(path, dpi=80)
    Image.open(path).convert("RGB").quantize(48).save(path, optimize=True)
