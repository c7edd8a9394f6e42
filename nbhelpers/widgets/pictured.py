"""What all widgets of the course share: they leave a picture in the saved notebook."""

import base64
import io
import textwrap
from pathlib import Path

import anywidget
import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

FOLDER = Path(__file__).parent


def script(name):
    """Return the JavaScript of a widget, after the parts that all of them use."""
    return (FOLDER / "controls.js").read_text("utf-8") + (FOLDER / name).read_text("utf-8")


def new_figure(*args, **kwargs):
    """Return a Figure that pyplot does not know: callbacks run in several threads, and pyplot is made for one."""
    figure = Figure(*args, **kwargs)
    FigureCanvasAgg(figure)
    return figure


def to_png(figure):
    """Draw the figure and return it as a PNG, made for speed rather than for size."""
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3]
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, format="PNG", compress_level=1)
    return png.getvalue()


def captioned(png, sentence):
    """Return the picture with the sentence below it."""
    picture = Image.open(io.BytesIO(png))
    lines = textwrap.wrap(sentence, picture.width // 6)
    figure = new_figure(figsize=(picture.width / mpl.rcParams["figure.dpi"], 0.12 + 0.17 * len(lines)), layout="none")
    figure.text(0.01, 0.5, "\n".join(lines), va="center", fontsize=9, fontstyle="italic")
    caption = Image.open(io.BytesIO(to_png(figure)))
    both = Image.new("RGB", (picture.width, picture.height + caption.height))
    both.paste(picture, (0, 0))
    both.paste(caption, (0, picture.height))
    whole = io.BytesIO()
    both.save(whole, format="PNG")
    return whole.getvalue()


def named(problem):
    """Return an exception as a sentence for the reader, "" for none."""
    return f"{type(problem).__name__}: {problem}" if problem else ""


class PicturedWidget(anywidget.AnyWidget):
    """A widget that leaves a picture and a sentence in the saved notebook, for readers without a kernel."""

    _css = FOLDER / "widgets.css"

    def stored(self):
        """Return the picture as a PNG, and the sentence that says what the widget does when its cell is run."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        png, sentence = self.stored()
        picture = {"image/png": base64.b64encode(captioned(png, sentence)).decode(), "text/plain": sentence}
        return {**data, **picture}, {**metadata, "image/png": {"alt": sentence}}
