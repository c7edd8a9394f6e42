import numpy as np
import pytest

from nbhelpers.numbers import whole_number


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3), np.array(3)])
def test_a_whole_number_of_any_type_becomes_an_int(value):
    number = whole_number(value, "epochs")
    assert number == 3 and type(number) is int


@pytest.mark.parametrize("value", [0, True, np.True_, 2.0, 2.5, "3", None, float("nan"), np.array([1, 2])])
def test_what_is_no_whole_number_or_too_small_is_refused(value):
    with pytest.raises(ValueError, match="epochs must be a whole number of at least 1, got"):
        whole_number(value, "epochs")


def test_both_bounds_are_allowed_and_named():
    assert [whole_number(n, "n", low=0, high=2000) for n in (0, 2000)] == [0, 2000]
    for n in (-1, 2001):
        with pytest.raises(ValueError, match=f"^n must be a whole number from 0 to 2,000, or none, got {n}.$"):
            whole_number(n, "n", low=0, high=2000, note=", or none")
