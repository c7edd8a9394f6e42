"""Predictions: the reader guesses before a figure or a number is shown, and sees both."""

import math
import textwrap

import traitlets

from nbhelpers.compare import Comparison
from nbhelpers.widgets.base import CourseWidget, new_figure, script, to_png

# The option for a reader who expects a difference within the margin.
ALIKE = "cannot be told apart"
HOW = "Run the cell, and enter your guess before you read on."


class Predictions:
    """The guesses of one notebook: ask for each before the answer is seen, reveal it, and sum them up at the end.

    Examples
    --------
    >>> guesses = Predictions()
    >>> guesses.ask("accuracy", "Validation accuracy of 100 hidden units", low=0, high=1)
    >>> guesses.reveal("accuracy", 0.953, ax=ax)
    >>> guesses.summary()
    """

    def __init__(self):
        self._asked = {}

    def ask(self, name, question, *, low=None, high=None, options=None):
        """Return a control for one guess: a number from `low` to `high`, or one of the `options`.

        Parameters
        ----------
        name : str
            By which `reveal` finds the guess.
        question : str
            What is to be guessed, in a few words; the label of the control.
        low, high : float, optional
            The smallest and the largest number that can be meant.
        options : sequence of str, optional
            The answers to choose from. Where they are compared by measurements, "cannot be told apart" is one of them.

        Returns
        -------
        Prediction
            A widget. Asked again before the answer was revealed, it keeps its guess.

        Raises
        ------
        ValueError
            Unless there is either a range, with low below high, or at least two options.
        """
        before = self._asked.get(name)
        if before is None or before.closed:
            self._asked[name] = Prediction(question, low=low, high=high, options=options)
        return self._asked[name]

    def reveal(self, name, truth, *, margin=0.0, ax=None):
        """Compare a guess with what was measured: draw it on `ax`, or print it where there is no Axes.

        A guess that the measurement cannot tell from the truth is not wrong. Without a guess nothing is drawn or
        printed. What is guessed afterwards does not count.

        Parameters
        ----------
        name : str
            As in `ask`.
        truth : float, str, list of str or nbhelpers.compare.Comparison
            What was measured: a number, or one of the options. A list of options is the best one, and then those
            that cannot be told from it, as `nbhelpers.compare.leaders` gives them. Of a comparison, the difference
            and its margin, or with options the verdict.
        margin : float
            How far the number may be off by chance.
        ax : Axes, optional
            The figure's Axes: a number becomes a level line on it, and how far off it was a sentence below it.

        Returns
        -------
        Axes or None
            `ax`.

        Raises
        ------
        KeyError
            If nothing of this name was asked.
        ValueError
            If `truth` is not finite, or none of the options.
        """
        prediction = self._find(name)
        sentence = prediction.reveal(truth, margin=margin)
        if prediction.guess is not None and ax is not None:
            prediction.draw(ax)
        elif prediction.guess is not None:
            print(sentence)
        return ax

    def _find(self, name):
        if name not in self._asked:
            known = ", ".join(self._asked) or "nothing yet"
            raise KeyError(f"Nothing named {name!r} was asked; asked was: {known}. Run the cell that asks it first.")
        return self._asked[name]

    def summary(self):
        """Print how far off each revealed guess was, in the order in which they were asked."""
        revealed = [p for p in self._asked.values() if p.verdict]
        guessed = [p for p in revealed if p.guess is not None]
        for prediction in guessed:
            print(f"{prediction.question}: {prediction.verdict}")
        if not guessed:
            answers = "1 answer" if len(revealed) == 1 else f"{len(revealed)} answers"
            print(f"{answers} and no guess. Run the notebook, and guess before each answer is shown.")
        elif len(guessed) < len(revealed):
            print(f"{len(revealed) - len(guessed)} of {len(revealed)} answers came without a guess.")


class Prediction(CourseWidget):
    """The control for one guess; `guess` is what the reader committed, None before."""

    _esm = script("predictions.js")
    question = traitlets.Unicode().tag(sync=True)
    options = traitlets.List(traitlets.Unicode()).tag(sync=True)
    low = traitlets.Float(allow_none=True, default_value=None).tag(sync=True)
    high = traitlets.Float(allow_none=True, default_value=None).tag(sync=True)
    guess = traitlets.Any(allow_none=True, default_value=None).tag(sync=True)
    closed = traitlets.Bool(False).tag(sync=True)
    verdict = traitlets.Unicode().tag(sync=True)

    def __init__(self, question, *, low=None, high=None, options=None):
        if options is None and (low is None or high is None or not low < high):
            raise ValueError(
                f"{question!r} needs a range, such as low=0, high=1, or options to choose from; "
                f"got low={low!r}, high={high!r}."
            )
        texts = [] if options is None else [str(option) for option in options]
        if options is not None and len(set(texts)) < 2:
            raise ValueError(f"{question!r} needs at least two options to choose from, got {texts}.")
        super().__init__(question=question, options=texts, low=low, high=high, sentence=HOW)
        self._truth = None

    def receive(self, message, buffers):
        """Note the guess that the page sends."""
        self.guess = message["guess"]

    @traitlets.validate("guess")
    def _check_guess(self, proposal):
        value = proposal.value
        if self.closed:  # too late: what was seen cannot be guessed
            return self.guess
        if value is None or (self.options and value in self.options):
            return value
        if self.options:
            raise ValueError(f"{self.question}: choose one of {', '.join(self.options)}; got {value!r}.")
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not self.low <= value <= self.high:
            raise ValueError(f"{self.question}: guess a number from {self.low:g} to {self.high:g}; got {value!r}.")
        return value

    def reveal(self, truth, *, margin=0.0):
        """Set and return the verdict, a sentence; the first one stays."""
        if self.options:
            truth = self._options_of(truth)
        else:
            truth = self._finite(*(truth if isinstance(truth, Comparison) else (truth, margin)))
        if not self.verdict:
            self._truth, self.verdict = truth, self._verdict(truth, self.guess)
        self.closed = True
        return self.verdict

    def answer(self):
        """What guesses were compared with, for pages without a kernel, a dict of plain values; None before it is out.

        With options it has the ``verdicts`` on each of them, and on no guess, "". For a number it has the ``truth``,
        the ``margin``, and how they are ``shown``.
        """
        if self._truth is None:
            return None
        if self.options:
            return {"verdicts": {guess or "": self._verdict(self._truth, guess) for guess in [None, *self.options]}}
        truth, margin = map(float, self._truth)
        return {"truth": truth, "margin": margin, "shown": _shown(truth, margin)}

    def _verdict(self, truth, guess):
        return self._choice_verdict(truth, guess) if self.options else self._number_verdict(*truth, guess)

    def _options_of(self, truth):
        """The best option, and those that cannot be told from it, as texts."""
        if isinstance(truth, Comparison):
            truth = truth.verdict if truth.real else ALIKE
        texts = [str(option) for option in (truth if isinstance(truth, list) else [truth])]
        for text in texts:
            if text not in self.options:
                raise ValueError(f"{text!r} is none of the options of {self.question!r}: {', '.join(self.options)}.")
        return texts

    def _choice_verdict(self, texts, guess):
        best, *others = texts
        answer = "they cannot be told apart" if best == ALIKE else f"the answer is “{best}”"
        if others:
            answer += f", which cannot be told apart from {', '.join(f'“{other}”' for other in others)}"
        if guess is None:
            return answer
        guessed, all_alike = f"you guessed “{guess}”", {*self.options} <= {ALIKE, *texts}
        if guess == best or (guess == ALIKE and all_alike):
            return f"{guessed}, right" + (f": {answer}" if others else "")
        if guess in others or best == ALIKE or (guess == ALIKE and others):
            return f"{guessed}, not wrong: {answer}"
        return f"{guessed}, and {answer}"

    def _finite(self, truth, margin):
        if not math.isfinite(truth):
            raise ValueError(f"The answer to {self.question!r} is not a finite number: {truth!r}.")
        return truth, margin

    def _number_verdict(self, truth, margin, guess):
        shown = _shown(truth, margin)
        if guess is None:
            return f"the answer is {shown}"
        off = guess - truth
        if off == 0:
            return f"you guessed {guess:g}, right"
        if abs(off) <= margin:
            return f"you guessed {guess:g}, right: it is {shown}"
        return f"you guessed {guess:g}, it is {shown}: {abs(off):.3g} too {'high' if off > 0 else 'low'}"

    def draw(self, ax):
        """Write the verdict below an Axes, and draw a number on it as a level dash-dotted line."""
        if not self.options:
            ax.axhline(self.guess, color="black", linestyle="-.", linewidth=1.5)
            below = ax.transAxes.inverted().transform(ax.transData.transform((0, self.guess)))[1] > 0.9
            place = {"transform": ax.get_yaxis_transform(), "va": "top" if below else "bottom", "clip_on": True}
            ax.text(0.01, self.guess, "your guess", fontsize="small", **place).set_in_layout(False)
        # In lines that fit below a narrow panel, too; a letter is some seven pixels wide.
        lines = textwrap.fill(self.verdict, max(18, int(ax.get_window_extent().width // 7)))
        ax.set_xlabel(f"{ax.get_xlabel()}\n{lines}".strip())

    def fallback(self):
        figure = new_figure(figsize=(7.6, 0.35), layout="none")
        answer = "choose one" if self.options else f"a number from {self.low:g} to {self.high:g}"
        figure.text(0.01, 0.5, f"{self.question}:  [ {answer} ]", va="center", fontsize=10)
        return to_png(figure), HOW


def _shown(truth, margin):
    return f"{truth:.3g}" + (f" ± {margin:.2g}" if margin else "")
