import numpy as np
import pytest
import xarray as xr

from nbhelpers.compare import ruler, tuned


def test_in_pairs_what_both_share_does_not_count_as_spread():
    a = np.array([0.5, 0.9, 0.7])
    difference, margin = ruler(a, a + np.array([0.02, 0.03, 0.025]), paired=True, image_error=0.0)
    assert (difference, margin) == pytest.approx((0.025, 2 * 0.005 / 3**0.5))
    assert ruler(a, a + 0.02, image_error=0.0)[1] > 0.1
    with pytest.raises(ValueError, match="must be as many"):
        ruler(a, a[:2], paired=True)


def test_the_margin_is_two_standard_errors_of_both_sources():
    a, b = [0.90, 0.92], [0.95, 0.95, 0.98]
    difference, margin = ruler(a, b, image_error=0.002)
    assert difference == pytest.approx(0.05)
    assert margin == pytest.approx(2 * np.sqrt(0.0002 / 2 + 0.0003 / 3 + 0.002**2))


def test_two_candidates_alike_exceed_the_margin_in_about_one_case_of_twenty():
    """With many seeds and the image error drawn too, the margin is what the notebook says it is."""
    rng = np.random.default_rng(0)
    exceeded = 0
    for _ in range(2000):
        a, b = rng.normal(0.95, 0.003, (2, 20))
        difference, margin = ruler(a, b + rng.normal(0, 0.001))
        exceeded += abs(difference) > margin
    assert 0.03 < exceeded / 2000 < 0.07


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [([0.9], [0.9, 0.8], "two seeds or more.*1 and 2"), ([0.9, np.nan], [0.9, 0.8], "not finite")],
)
def test_bad_scores_are_named(a, b, message):
    with pytest.raises(ValueError, match=message):
        ruler(a, b)


def grid():
    values = np.array([[[1.0, 3.0], [4.0, 0.0]], [[2.0, 2.0], [9.0, np.nan]]])
    coords = {"units": [8, 16], "learning_rate": [0.1, 0.2], "seed": [0, 1]}
    return xr.DataArray(values, dims=list(coords), coords=coords)


def test_each_candidate_gets_its_best_mean_and_a_diverged_one_never_wins():
    scores = grid()
    best = tuned(scores)
    assert best.dims == ("units", "seed")
    assert best.values.tolist() == [[1, 3], [2, 2]]
    assert best.learning_rate.values.tolist() == [0.1, 0.1]
    scores.loc[{"units": 8, "learning_rate": 0.2, "seed": 1}] = 5
    assert tuned(scores).learning_rate.values.tolist() == [0.2, 0.1]


@pytest.mark.parametrize("missing", ["seed", "learning_rate"])
def test_tuning_names_a_missing_dimension(missing):
    with pytest.raises(ValueError, match=f"'{missing}'"):
        tuned(grid().isel({missing: 0}))
