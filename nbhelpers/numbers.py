"""Whole numbers, as people write them, and the count of parameters: what needs neither NumPy nor Keras."""

import itertools
import operator


def whole_number(value, name, *, low=1, high=None, note=""):
    """Return a whole number as int, whatever its type: int, NumPy's integers, a whole number from a table.

    Parameters
    ----------
    value : int
        What ``operator.index`` takes; True and False are no numbers.
    name : str
        What it is, for the message, as "epochs".
    low, high : int
        The smallest and the largest that is allowed, both included; no largest by default.
    note : str
        What else the message should say about it, as " for the 'valid' split".

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If it is another kind of value, or out of range.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or number < low or (high is not None and number > high):
        allowed = f"of at least {low:,}" if high is None else f"from {low:,} to {high:,}"
        raise ValueError(f"{name} must be a whole number {allowed}{note}, got {value!r}.")
    return number


def count_parameters(units, *, inputs=784, outputs=10):
    """Count the weights and biases of a multilayer perceptron, without those of batch normalization.

    Parameters
    ----------
    units : sequence of int
        Units of each hidden layer, first to last; empty for none.
    inputs, outputs : int
        How many numbers go in, and come out.

    Returns
    -------
    int
    """
    return sum((n_in + 1) * n_out for n_in, n_out in itertools.pairwise((inputs, *units, outputs)))
