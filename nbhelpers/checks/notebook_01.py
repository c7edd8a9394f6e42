"""Checks of the exercises of notebook 01; that of the third one, `real_improvement`, is shared."""

from nbhelpers.checks.common import AnswerError, call, check, same, shown, whole_number
from nbhelpers.numbers import count_parameters


@check
def steps_of_training(steps):
    """01, exercise 1: how many steps 10 epochs of 50,000 images take, in batches of 125."""
    steps = whole_number(steps, "The number of steps")
    an_epoch, epochs = 50_000 // 125, 10
    right = an_epoch * epochs
    hints = {
        an_epoch: f"{steps:,} are the steps of one epoch.",
        50_000 * epochs: f"{steps:,} is how often an image is seen; one step takes a whole batch of them.",
    }
    if steps != right:
        other = f"{steps:,} is not it. How many batches are in an epoch, and how many epochs are there?"
        raise AnswerError(hints.get(steps, other))
    return f"{right:,} steps, {an_epoch:,} in each epoch."


@check
def parameter_count(count):
    """01, exercise 2: `count(units)` is the number of parameters of a network on MNIST with these hidden units."""
    hints = {
        (): "No hidden layer: every pixel is joined to every output, and each output has a bias.",
        (1,): "One hidden unit: count what goes in, what goes out, and do not forget the biases.",
        (100,): "One hidden layer of 100 units: each unit has one weight a pixel and one bias.",
        (300, 100): "Two hidden layers: the second one reads the first one, not the pixels.",
        (5, 6, 7): "Three hidden layers: each layer reads the one before it.",
    }
    for units, hint in hints.items():
        answer = call(count, units, name="count_parameters")
        if not same(answer, count_parameters(units)):
            raise AnswerError(f"count_parameters({units}) gave {shown(answer)}. {hint}")
    return f"All {len(hints)} networks are counted right."
