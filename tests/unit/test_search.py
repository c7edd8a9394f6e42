"""The search methods, on small made-up tables of recorded runs."""

import itertools

import numpy as np
import optuna
import pytest
import xarray as xr

from nbhelpers import search
from nbhelpers.search import (
    SEARCH_METHODS,
    bracket,
    distributions,
    grid_axes,
    incumbents,
    run_search,
    space_of,
    split_by_seed,
)

SPACE = {"units": [8, 16, 32, 64], "activation": ["relu", "tanh"], "learning_rate": [0.001, 0.01, 0.1]}
SHAPE = tuple(len(values) for values in SPACE.values())


def table():
    """Accuracy rises with the epochs, with more units, and is best at the middle rate."""
    units, activation, rate, epoch = np.meshgrid(*map(np.arange, (*SHAPE, 15)), indexing="ij")
    return 0.5 + 0.05 * units + 0.01 * activation - 0.1 * abs(rate - 1) + 0.01 * epoch


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", SEARCH_METHODS)
def test_every_method_stays_in_its_budget_and_in_the_space(name):
    trials, overhead = run_search(SEARCH_METHODS[name](SPACE, rng()), table(), budget=16 * 15)
    assert len(trials) == len(overhead) > 2
    for spent, configuration, epochs, score in trials:
        assert spent <= 16 * 15 and epochs in search.RUNGS
        assert score == table()[configuration][epochs - 1]
        assert all(isinstance(index, int) for index in configuration)
    assert [trial[0] for trial in trials] == sorted(trial[0] for trial in trials)


@pytest.mark.parametrize("name", SEARCH_METHODS)
def test_every_method_repeats_itself_with_the_same_seed(name):
    first, second, other = (
        run_search(SEARCH_METHODS[name](SPACE, rng(s)), table(), budget=12 * 15)[0] for s in (0, 0, 1)
    )
    assert first == second
    assert first != other or name in ("grid of 30", "grid of 100")  # which hold this whole space


@pytest.mark.parametrize("name", ["gaussian process", "tpe", "evolution", "tpe with hyperband"])
def test_methods_that_learn_find_the_best_place_of_an_easy_table(name):
    trials, _ = run_search(SEARCH_METHODS[name](SPACE, rng()), table(), budget=14 * 15)
    assert max(trial[3] for trial in trials) >= np.sort(table()[..., -1].ravel())[-2]


def test_a_training_that_goes_on_costs_the_epochs_beyond_and_a_repetition_nothing():
    def proposals():
        for epochs in (2, 5, 5, 2, 15):
            yield (0, 0, 0), epochs

    trials, _ = run_search(proposals(), table(), budget=100)
    assert [trial[0] for trial in trials] == [2, 5, 5, 5, 15]


def test_a_proposal_may_be_a_list_or_an_array_of_numpy():
    def proposals():
        yield [0, 0, 0], np.int64(2)
        yield np.array([1, 0, 0]), 15

    trials, _ = run_search(proposals(), table(), budget=100)
    assert [trial[:3] for trial in trials] == [(2, (0, 0, 0), 2), (17, (1, 0, 0), 15)]


def test_a_search_that_only_repeats_itself_is_ended():
    def proposals():
        while True:
            yield (0, 0, 0), 15

    trials, _ = run_search(proposals(), table(), budget=100)
    assert len(trials) == 1 + search.PATIENCE and trials[-1][0] == 15


def test_a_trial_beyond_the_budget_is_not_shown_to_the_search():
    sent = []

    def proposals():
        for index in range(4):
            sent.append((yield (index, 0, 0), 15))

    trials, _ = run_search(proposals(), table(), budget=40)
    assert len(trials) == 2 and len(sent) == 2


def test_a_bracket_keeps_the_best_third_at_each_rung():
    candidates = [(u, a, r) for u, a, r in itertools.product(range(4), range(2), range(3))][:9]
    trials, _ = run_search(bracket(candidates), table(), budget=10_000)
    assert [trial[2] for trial in trials] == [2] * 9 + [6] * 3 + [15]
    order = sorted(candidates, key=lambda c: table()[c][1], reverse=True)
    assert {trial[1] for trial in trials[9:12]} == set(order[:3])
    assert trials[-1][0] == 9 * 2 + 3 * 4 + 9


def test_the_pruner_stops_trials_at_both_of_its_rungs():
    trials, _ = run_search(
        SEARCH_METHODS["tpe with hyperband"]({"a": range(40)}, rng()),
        np.random.default_rng(0).random((40, 15)),
        budget=300,
    )
    longest = {}
    for _, configuration, epochs, _ in trials:
        longest[configuration] = max(epochs, longest.get(configuration, 0))
    assert set(longest.values()) == set(search.RUNGS)


def test_a_random_grid_is_a_grid_within_its_size_and_spreads_its_values():
    sizes = set()
    for seed in range(50):
        axes = grid_axes(SPACE, rng(seed), size=12)
        assert all(
            set(axis) <= set(range(n)) and len(set(axis)) == len(axis) for axis, n in zip(axes, SHAPE, strict=True)
        )
        sizes.add(np.prod([len(axis) for axis in axes]))
        if len(axes[0]) == 2:
            assert axes[0][1] - axes[0][0] == 2
    assert max(sizes) == 12 and min(sizes) > 6


def test_the_incumbent_is_the_best_seen_so_far_and_valued_by_what_was_not_seen():
    trials = [(10, (0,), 15, 0.5), (20, (1,), 15, 0.4), (30, (2,), 15, 0.6)]
    worth = incumbents(trials, np.array([0.55, 0.9, 0.3]), marks=[5, 10, 25, 30, 99])
    assert np.allclose(worth, [np.nan, 0.55, 0.55, 0.3, 0.3], equal_nan=True)


def runs():
    values = np.arange(2 * 3 * 15, dtype=float).reshape(2, 3, 15)
    coords = {"units": [8, 16], "seed": [0, 1, 2], "epoch": np.arange(1, 16)}
    return xr.Dataset({"val_accuracy": (list(coords), values)}, coords=coords)


def test_a_split_shows_one_seed_and_judges_by_the_others():
    seen, unseen = split_by_seed(runs(), 1)
    values = runs()["val_accuracy"].values
    assert (seen == values[:, 1]).all()
    assert (unseen == (values[:, 0, -1] + values[:, 2, -1]) / 2).all()
    assert space_of(runs()) == {"units": [8, 16]}


@pytest.mark.parametrize("name", SEARCH_METHODS)
@pytest.mark.parametrize(("space", "words"), [({}, "no hyperparameter"), ({"units": []}, "units has no values")])
def test_an_empty_space_is_refused(name, space, words):
    with pytest.raises(ValueError, match=words):
        run_search(SEARCH_METHODS[name](space, rng()), table(), budget=100)


@pytest.mark.parametrize("budget", [0, -15])
def test_a_budget_of_nothing_is_refused(budget):
    with pytest.raises(ValueError, match="budget above zero"):
        run_search(SEARCH_METHODS["random"](SPACE, rng()), table(), budget=budget)


@pytest.mark.parametrize(
    ("proposal", "words"),
    [
        (((9, 0, 0), 15), "4, 2, 3 values"),
        (((0, 0), 15), "4, 2, 3"),
        (((0, 0, 0), 16), "1 to 15"),
        (((0, 0, 0), 0), "1 to 15"),
        (((0, 0, 0), 2.5), "a whole number from 1 to 15"),
        (((0.5, 0, 0), 2), "one index for each axis"),
        ((0, 0, 0), "one index for each axis, and a number of epochs"),
        (None, "and a number of epochs; got None"),
    ],
)
def test_a_proposal_that_was_not_recorded_is_refused(proposal, words):
    def proposals():
        yield proposal

    with pytest.raises(ValueError, match=words):
        run_search(proposals(), table(), budget=100)


def test_a_measure_or_a_seed_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="'f1' was not recorded. Choose one of: val_accuracy"):
        split_by_seed(runs(), 0, measure="f1")
    with pytest.raises(ValueError, match="from 0 to 2.*got 3"):
        split_by_seed(runs(), 3)
    with pytest.raises(ValueError, match="have only one seed"):
        split_by_seed(runs().isel(seed=[0]), 0)


def test_a_measure_without_epochs_or_seeds_is_refused():
    last = runs().assign(test_accuracy=runs()["val_accuracy"].isel(epoch=-1, drop=True))
    with pytest.raises(ValueError, match="'test_accuracy' has no dimension epoch.*as 'val_accuracy'"):
        split_by_seed(last, 0, measure="test_accuracy")
    with pytest.raises(ValueError, match="has no dimension seed"):
        split_by_seed(runs().isel(seed=0), 0)


def test_a_seed_may_be_a_number_of_numpy():
    assert (split_by_seed(runs(), np.int64(1))[0] == split_by_seed(runs(), 1)[0]).all()


def test_optuna_sees_the_order_of_numbers_and_none_of_words():
    found = distributions(SPACE)
    assert list(found) == list(SPACE)
    assert found["units"] == optuna.distributions.IntDistribution(0, 3)
    assert found["activation"] == optuna.distributions.CategoricalDistribution((0, 1))
