"""Guesses: committed before the answer, drawn beside it, summed up."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import traitlets
from matplotlib.figure import Figure

from nbhelpers.compare import Comparison
from nbhelpers.widgets import Predictions
from nbhelpers.widgets.base import new_figure


@pytest.fixture
def guesses():
    guesses = Predictions()
    guesses.ask("accuracy", "Accuracy of 100 units", low=0, high=1)
    guesses.ask("winner", "Which one wins", options=["sgd", "adam"])
    return guesses


def axes():
    return Figure().subplots()


def test_a_number_is_drawn_as_a_level_line(guesses):
    guesses.ask("accuracy", "again", low=0, high=1).guess = 0.9
    before, ax = plt.get_fignums(), axes()
    assert guesses.reveal("accuracy", 0.953, ax=ax) is ax
    assert list(ax.lines[0].get_ydata()) == [0.9, 0.9]
    assert ax.texts[0].get_text() == "your guess" and ax.get_legend() is None
    assert ax.get_xlabel().replace("\n", " ") == "you guessed 0.9, it is 0.953: 0.053 too low"
    assert plt.get_fignums() == before


@pytest.mark.parametrize("guess", [0.5, 0.995, 1])
def test_the_words_beside_the_line_stay_within_the_panel(guesses, guess):
    guesses.ask("accuracy", "", low=0, high=1).guess = guess
    figure = new_figure(figsize=(4, 3), layout="constrained")
    ax = figure.subplots()
    ax.plot([0.8, 0.95])
    guesses.reveal("accuracy", 0.953, ax=ax)
    figure.canvas.draw()
    assert ax.texts[0].get_window_extent().y1 <= ax.get_window_extent().y1 + 1


@pytest.mark.parametrize("panels", [1, 2, 4])
def test_the_verdict_stays_within_the_figure(guesses, panels):
    figure = new_figure(figsize=(9, 3.2), layout="constrained")
    guesses.ask("accuracy", "", low=0, high=1).guess = 0.123
    for ax in np.atleast_1d(figure.subplots(1, panels)):
        guesses.reveal("accuracy", 0.953, ax=ax)
    figure.canvas.draw()
    for ax in figure.axes:
        box = ax.xaxis.label.get_window_extent()
        assert box.x0 >= 0 and box.x1 <= figure.bbox.width


def test_an_option_is_written_into_the_figure(guesses):
    guesses.ask("winner", "again", options=["a", "b"]).guess = "sgd"
    ax = axes()
    ax.set_xlabel("epoch")
    guesses.reveal("winner", "adam", ax=ax)
    assert ax.get_xlabel() == "epoch\nyou guessed “sgd”, and the answer is “adam”"


def test_without_axes_the_comparison_is_printed(guesses, capsys):
    guesses.ask("accuracy", "again", low=0, high=1).guess = 1
    guesses.reveal("accuracy", 0.953)
    assert capsys.readouterr().out == "you guessed 1, it is 0.953: 0.047 too high\n"


def test_without_a_guess_nothing_is_drawn_or_printed(guesses, capsys):
    ax = axes()
    guesses.reveal("accuracy", 0.953, ax=ax)
    guesses.reveal("winner", "adam")
    assert not ax.lines and not ax.texts and not ax.get_xlabel() and capsys.readouterr().out == ""
    guesses.summary()
    assert capsys.readouterr().out.startswith("2 answers and no guess. Run the notebook")


def test_one_answer_without_a_guess_is_one_answer(guesses, capsys):
    guesses.reveal("winner", "adam")
    guesses.summary()
    assert capsys.readouterr().out.startswith("1 answer and no guess.")


def test_what_was_guessed_after_the_answer_does_not_count(guesses):
    guesses.reveal("accuracy", 0.953)
    control = guesses._asked["accuracy"]
    control.guess = 0.953
    assert control.guess is None
    assert control.verdict == "the answer is 0.953"


@pytest.mark.parametrize(
    ("guess", "truth", "verdict"),
    [
        (27, 27, "you guessed 27, right"),
        (0, 0, "you guessed 0, right"),
        (150, 27, "you guessed 150, it is 27: 123 too high"),
        (0.1, 0.1234, "you guessed 0.1, it is 0.123: 0.0234 too low"),
    ],
)
def test_verdicts_on_numbers(guesses, guess, truth, verdict):
    control = guesses.ask("number", "", low=0, high=500)
    control.guess = guess
    guesses.reveal("number", truth)
    assert control.verdict == verdict


@pytest.mark.parametrize(
    ("guess", "truth", "options", "verdict"),
    [
        (0.96, 0.953, {"margin": 0.01}, "you guessed 0.96, right: it is 0.953 ± 0.01"),
        (0.98, 0.953, {"margin": 0.01}, "you guessed 0.98, it is 0.953 ± 0.01: 0.027 too high"),
        (0.02, Comparison(0.01, 0.02), {}, "you guessed 0.02, right: it is 0.01 ± 0.02"),
        (None, Comparison(0.01, 0.02), {}, "the answer is 0.01 ± 0.02"),
    ],
)
def test_a_number_within_the_margin_is_right(guesses, guess, truth, options, verdict):
    control = guesses.ask("number", "", low=-1, high=1)
    control.guess = guess
    guesses.reveal("number", truth, **options)
    assert control.verdict == verdict


@pytest.mark.parametrize(
    ("guess", "truth", "verdict"),
    [
        ("better", Comparison(0.3, 0.1), "you guessed “better”, right"),
        ("better", Comparison(-0.3, 0.1), "you guessed “better”, and the answer is “worse”"),
        ("better", Comparison(0.03, 0.1), "you guessed “better”, not wrong: they cannot be told apart"),
        ("cannot be told apart", Comparison(0.03, 0.1), "you guessed “cannot be told apart”, right"),
        (
            "cannot be told apart",
            Comparison(0.3, 0.1),
            "you guessed “cannot be told apart”, and the answer is “better”",
        ),
        (None, Comparison(0.03, 0.1), "they cannot be told apart"),
        (
            "worse",
            ["worse", "better"],
            "you guessed “worse”, right: the answer is “worse”, which cannot be told apart from “better”",
        ),
        (
            "better",
            ["worse", "better"],
            "you guessed “better”, not wrong: the answer is “worse”, which cannot be told apart from “better”",
        ),
        (
            "cannot be told apart",
            ["worse", "better"],
            "you guessed “cannot be told apart”, right: "
            "the answer is “worse”, which cannot be told apart from “better”",
        ),
        ("cannot be told apart", ["worse"], "you guessed “cannot be told apart”, and the answer is “worse”"),
        ("better", ["worse"], "you guessed “better”, and the answer is “worse”"),
    ],
)
def test_a_choice_that_cannot_be_told_from_the_best_is_not_wrong(guesses, guess, truth, verdict):
    control = guesses.ask("choice", "", options=["better", "worse", "cannot be told apart"])
    control.guess = guess
    guesses.reveal("choice", truth)
    assert control.verdict == verdict


def test_that_nothing_can_be_told_is_right_only_if_all_are_alike(guesses):
    for name, leaders, word in [("some", ["4", "2"], "not wrong"), ("all", ["4", "2", "1"], "right")]:
        control = guesses.ask(name, "", options=["1", "2", "4", "cannot be told apart"])
        control.guess = "cannot be told apart"
        guesses.reveal(name, leaders)
        assert f"you guessed “cannot be told apart”, {word}: the answer is “4”" in control.verdict


def test_a_revealed_question_takes_no_guess_and_keeps_the_one_it_has(guesses):
    control = guesses.ask("accuracy", "", low=0, high=1)
    control.guess = 0.5
    guesses.reveal("accuracy", 0.6)
    control.guess = 0.9
    assert control.guess == 0.5 and "you guessed 0.5" in control.verdict


def test_the_first_answer_stays(guesses):
    control = guesses.ask("accuracy", "again", low=0, high=1)
    control.guess = 0.9
    guesses.reveal("accuracy", 0.95)
    guesses.reveal("accuracy", 0.2)
    assert "it is 0.95:" in control.verdict


def test_a_cell_run_again_keeps_a_guess_that_is_not_revealed_and_asks_anew_after(guesses):
    control = guesses.ask("accuracy", "again", low=0, high=1)
    control.guess = 0.9
    assert guesses.ask("accuracy", "again", low=0, high=1) is control
    guesses.reveal("accuracy", 0.95)
    anew = guesses.ask("accuracy", "again", low=0, high=1)
    assert anew is not control and anew.guess is None


def test_the_summary_says_how_far_off(guesses, capsys):
    guesses.ask("accuracy", "", low=0, high=1).guess = 0.9
    guesses.ask("winner", "", options=["a", "b"]).guess = "adam"
    guesses.ask("third", "Third", low=0, high=9)
    for name, truth in [("accuracy", 0.953), ("winner", "adam"), ("third", 3)]:
        guesses.reveal(name, truth, ax=axes())
    guesses.summary()
    assert capsys.readouterr().out.splitlines() == [
        "Accuracy of 100 units: you guessed 0.9, it is 0.953: 0.053 too low",
        "Which one wins: you guessed “adam”, right",
        "1 of 3 answers came without a guess.",
    ]


@pytest.mark.parametrize("guess", [1.5, -0.1, float("nan"), "much", True])
def test_a_guess_out_of_range_is_refused_and_the_one_before_stays(guesses, guess):
    control = guesses.ask("accuracy", "", low=0, high=1)
    control.guess = 0.5
    with pytest.raises((ValueError, traitlets.TraitError), match="from 0 to 1"):
        control.guess = guess
    assert control.guess == 0.5


def test_the_guess_of_the_browser_is_noted(guesses):
    control = guesses.ask("accuracy", "", low=0, high=1)
    control._answer(control, {"do": "guess", "guess": 1, "number": "1"}, [])
    assert control.guess == 1
    control._answer(control, {"do": "guess", "guess": None, "number": "2"}, [])
    assert control.guess is None


def test_options_may_be_a_coordinate(guesses):
    control = guesses.ask("units", "Best units", options=np.array([16, 64]))
    control.guess = "64"
    guesses.reveal("units", np.int64(64))
    assert control.options == ["16", "64"] and control.verdict == "you guessed “64”, right"


def test_an_option_that_is_none_is_refused(guesses):
    with pytest.raises(ValueError, match="choose one of sgd, adam"):
        guesses.ask("winner", "", options=["x", "y"]).guess = "rmsprop"


@pytest.mark.parametrize(
    "arguments",
    [{}, {"low": 1}, {"low": 1, "high": 1}, {"options": []}, {"options": ["one"]}, {"options": ["a", "a"]}],
)
def test_questions_without_a_choice_are_refused(arguments):
    with pytest.raises(ValueError, match="needs"):
        Predictions().ask("name", "Question", **arguments)


def test_answers_that_cannot_be_are_refused(guesses):
    with pytest.raises(KeyError, match="asked was: accuracy, winner"):
        guesses.reveal("loss", 1)
    with pytest.raises(ValueError, match="none of the options"):
        guesses.reveal("winner", "rmsprop")
    with pytest.raises(ValueError, match="not a finite number"):
        guesses.reveal("accuracy", float("nan"))


def test_the_saved_notebook_keeps_a_picture_and_a_sentence(guesses):
    data, metadata = guesses.ask("accuracy", "", low=0, high=1)._repr_mimebundle_()
    assert data["text/plain"] == "Run the cell, and enter your guess before you read on."
    assert metadata["image/png"]["alt"] == data["text/plain"]
