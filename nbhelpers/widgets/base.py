"""What all widgets of the course share: how they talk to the page, and the picture that stands where no kernel runs."""

import base64
import io
import textwrap
from pathlib import Path

import anywidget
import matplotlib as mpl
import numpy as np
import traitlets
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

FOLDER = Path(__file__).parent


def script(name):
    """Return the JavaScript of a widget, after the parts that all of them use."""
    return (FOLDER / "shared.js").read_text("utf-8") + (FOLDER / name).read_text("utf-8")


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


def as_picture(text):
    """Return a text as a PNG, for where a figure could not be drawn."""
    lines = [part for line in text.splitlines() for part in textwrap.wrap(line, 90) or [""]]
    figure = new_figure(figsize=(7.6, 0.2 + 0.2 * len(lines)), layout="none")
    figure.text(0.01, 0.5, "\n".join(lines), va="center", fontsize=9, parse_math=False)
    return to_png(figure)


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


def describe_error(error):
    """Return an exception as a sentence for the reader, "" for none."""
    return f"{type(error).__name__}: {error}" if error else ""


class CourseWidget(anywidget.AnyWidget):
    """A widget whose page asks and whose kernel answers, and that leaves a picture for pages without a kernel.

    The page sends messages, each with a number, and changes no trait itself: it shows what the traits say. So what is
    shown belongs to what is set, in every view, after a reload, too. Each message is answered; when no answer comes,
    the page says so (see shared.js).
    """

    _css = FOLDER / "widgets.css"
    sentence = traitlets.Unicode().tag(sync=True)

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        answer_beside_a_running_cell(self.comm)
        self.on_msg(self._answer)

    def receive(self, message, buffers):
        """Do what the page asks for; an exception is answered as a sentence."""
        raise NotImplementedError

    def fallback(self):
        """Return a picture as a PNG, and the sentence that says what the widget does when its cell is run."""
        raise NotImplementedError

    def _answer(self, _, message, buffers):
        problem = ""
        try:
            if message["do"] != "greet":
                self.receive(message, buffers)
        except Exception as error:
            problem = describe_error(error)
        self.send({"answered": message["number"], "problem": problem})

    def _repr_mimebundle_(self, **kwargs):
        png, self.sentence = self.fallback()
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        picture = {"image/png": base64.b64encode(captioned(png, self.sentence)).decode(), "text/plain": self.sentence}
        return {**data, **picture}, {**metadata, "image/png": {"alt": self.sentence}}


def answer_beside_a_running_cell(comm):
    """Let messages of the page be handled while a cell runs, and without touching the figures of that cell.

    JupyterLab sends them over a subshell, which is a thread of its own. But ipykernel 7.4 hands a message to the loop
    that spoke last on the same comm, at first the one that ran the cell, where it would wait for the end of whatever
    runs there. And comm 0.2 fires IPython's post_execute for each message, on which matplotlib shows and closes all
    figures of pyplot, those of a running cell included; our widgets draw on Figures that pyplot does not know.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda data, subshell: subshell
    if hasattr(comm, "_msg_callback"):
        comm.handle_msg = lambda message: comm._msg_callback and comm._msg_callback(message)
