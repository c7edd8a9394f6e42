"""The search methods, on small made-up tables of recorded runs."""

import itertools
from collections import Counter

import numpy as np
import optuna
import pytest
import xarray as xr

from nbhelpers import search
from nbhelpers.search import (
    SEARCH_METHODS,
    Trial,
    bracket,
    distributions,
    grid_axes,
    in_hand,
    incumbents,
    run_search,
    space_of,
    split_by_seed,
)

SPACE = {"units": [8, 16, 32, 64], "activation": ["relu", "tanh"], "learning_rate": [0.001, 0.01, 0.1]}
SHAPE = tuple(len(values) for values in SPACE.values())


def table():
    """Accuracy rises with the epochs, with more units, and is best at the middle rate."""
    units, activation, rate, epoch = np.meshgrid(*map(np.arange, (*SHAPE, 27)), indexing="ij")
    return 0.5 + 0.05 * units + 0.01 * activation - 0.1 * abs(rate - 1) + 0.005 * epoch


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", SEARCH_METHODS)
def test_every_method_stays_in_its_budget_and_in_the_space(name):
    trials, overhead = run_search(SEARCH_METHODS[name](SPACE, rng()), table(), budget=16 * 27)
    assert len(trials) == len(overhead) > 2
    for spent, configuration, epochs, score in trials:
        assert spent <= 16 * 27 and epochs in search.RUNGS
        assert score == table()[configuration][epochs - 1]
        assert all(isinstance(index, int) for index in configuration)
    assert [trial[0] for trial in trials] == sorted(trial[0] for trial in trials)


@pytest.mark.parametrize("name", SEARCH_METHODS)
def test_every_method_repeats_itself_with_the_same_seed(name):
    first, second, other = (
        run_search(SEARCH_METHODS[name](SPACE, rng(s)), table(), budget=12 * 27)[0] for s in (0, 0, 1)
    )
    assert first == second
    assert first != other or name in ("grid of 30", "grid of 100")  # which hold this whole space


@pytest.mark.parametrize("name", ["gaussian process", "tpe", "evolution", "tpe with hyperband"])
def test_methods_that_learn_find_the_best_place_of_an_easy_table(name):
    trials, _ = run_search(SEARCH_METHODS[name](SPACE, rng()), table(), budget=14 * 27)
    assert max(trial[3] for trial in trials) >= np.sort(table()[..., -1].ravel())[-2]


def test_zoom_draws_from_ever_smaller_boxes_around_the_best():
    scores = -abs(np.arange(27) - 20.0)[:, None] + np.zeros((27, 27))  # best at 20, at once
    trials, _ = run_search(SEARCH_METHODS["zoom"]({"a": range(27)}, rng()), scores, budget=20 * 27)
    places = [place for _, (place,), _, _ in trials]
    best = max(places[:8], key=lambda place: -abs(place - 20))
    box = sorted(range(27), key=lambda place: abs(place - best))[:18]
    assert set(places[8:16]) <= set(box) and min(places[:8]) < min(box)


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
    assert len(trials) == 1 + search.PATIENCE and trials[-1].spent == 15


def test_a_trial_beyond_the_budget_is_not_shown_to_the_search():
    sent = []

    def proposals():
        for index in range(4):
            sent.append((yield (index, 0, 0), 15))

    trials, _ = run_search(proposals(), table(), budget=40)
    assert len(trials) == 2 and len(sent) == 2


def test_a_bracket_keeps_the_best_third_at_each_rung():
    candidates = [(u, a, r) for u, a, r in itertools.product(range(4), range(2), range(3))][:9]
    trials, _ = run_search(bracket(candidates, rungs=(2, 6, 15)), table(), budget=10_000)
    assert [trial[2] for trial in trials] == [2] * 9 + [6] * 3 + [15]
    order = sorted(candidates, key=lambda c: table()[c][1], reverse=True)
    assert {trial[1] for trial in trials[9:12]} == set(order[:3])
    assert trials[-1][0] == 9 * 2 + 3 * 4 + 9


def longest(name, rungs):
    """How often a method trains a configuration to each rung, and no further."""
    scores = np.random.default_rng(0).random((200, 27))
    trials, _ = run_search(SEARCH_METHODS[name]({"a": range(200)}, rng(), rungs=rungs), scores, budget=400)
    epochs = {}
    for trial in trials:
        epochs[trial.configuration] = max(trial.epochs, epochs.get(trial.configuration, 0))
    return Counter(epochs.values())


def test_the_pruner_stops_trials_at_each_of_its_rungs():
    assert set(longest("tpe with hyperband", (1, 3, 9, 27))) == {1, 3, 9, 27}
    assert set(longest("tpe with hyperband", (2, 6, 15))) == {2, 6, 15}


@pytest.mark.parametrize("rungs", [(1, 3, 9, 27), (2, 6, 15)])
def test_random_search_with_few_epochs_ends_each_training_at_its_rung(rungs):
    names = ("random 1/27", "random 1/9", "random 1/3")
    assert [set(longest(name, rungs)) for name in names] == [{rung} for rung in rungs[:3]]
    assert set(longest("random", rungs)) == set(longest("sobol", rungs)) == {rungs[-1]}


def test_brackets_of_hyperband_start_with_the_candidates_of_the_paper():
    """Li et al. (2018), table 1, with the largest of 27 epochs: 27, 12, 6 and 4."""
    asked = iter(SEARCH_METHODS["hyperband"]({"a": range(10**6)}, rng()))
    epochs = [next(asked)[1]]
    while len(epochs) < 27 + 9 + 3 + 1 + 12 + 4 + 1 + 6 + 2 + 4:
        epochs.append(asked.send(0.5)[1])
    assert epochs == [1] * 27 + [3] * 9 + [9] * 3 + [27] + [3] * 12 + [9] * 4 + [27] + [9] * 6 + [27] * 2 + [27] * 4


def test_a_sobol_sequence_fills_a_space_more_evenly_than_random_draws():
    """Of 64 cells, its first 64 points hit nearly all, as many random ones about 63 %."""
    space = {"a": range(8), "b": range(8)}
    cells = {name: [len(first_of(name, space, seed=seed)) for seed in range(5)] for name in ("sobol", "random")}
    assert min(cells["sobol"]) >= 60 > 50 > max(cells["random"])


def first_of(name, space, *, seed, n=64):
    """The different configurations among the first proposals."""
    return {configuration for configuration, _ in itertools.islice(SEARCH_METHODS[name](space, rng(seed)), n)}


def test_the_reader_keeps_the_log_level_and_is_told_of_no_study(capfd):
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.DEBUG)
    try:
        run_search(SEARCH_METHODS["tpe"](SPACE, rng()), table(), budget=81)
        assert optuna.logging.get_verbosity() == optuna.logging.DEBUG
        assert "study created" not in capfd.readouterr().err
    finally:
        optuna.logging.set_verbosity(before)


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
    trials = [Trial(10, (0,), 15, 0.5), Trial(20, (1,), 15, 0.4), Trial(30, (2,), 15, 0.6)]
    worth = incumbents(trials, np.array([0.55, 0.9, 0.3]), marks=[5, 10, 25, 30, 99])
    assert np.allclose(worth, [np.nan, 0.55, 0.55, 0.3, 0.3], equal_nan=True)


SEEN = np.array([[0.2, 0.3, 0.5], [0.4, 0.4, 0.4], [0.1, 0.3, 0.6], [0.3, 0.5, 0.2]])  # four configurations, 3 epochs
WORTH = np.array([0.51, 0.41, 0.61, 0.21])


def hand(*proposals, marks=range(1, 13)):
    """What is in hand at each mark after these proposals, each a configuration and its epochs."""
    asked = (((index,), epochs) for index, epochs in proposals)
    trials, _ = run_search(asked, SEEN, budget=99)
    return in_hand(trials, SEEN, WORTH, marks=list(marks)).tolist()


def test_only_a_finished_network_is_in_hand_and_finishing_it_is_paid_for():
    assert hand((0, 1), marks=[2, 3]) == pytest.approx([np.nan, 0.51], nan_ok=True)
    # Two that were started, of which the better one is finished: 1 + 1 + 2 epochs.
    assert hand((0, 1), (1, 1), marks=[2, 3, 4]) == pytest.approx([np.nan, 0.51, 0.41], nan_ok=True)


def test_a_leader_that_disappoints_at_its_end_is_not_handed_over():
    # The fourth has the highest score, after two epochs, and ends with less than the first, which is finished.
    assert hand((0, 3), (3, 2), marks=[3, 5, 6]) == [0.51, 0.51, 0.51]
    assert hand((3, 2), marks=[2, 3]) == pytest.approx([np.nan, 0.21], nan_ok=True)


def test_trainings_to_the_end_are_in_hand_at_once_and_chosen_by_what_was_seen():
    assert hand((1, 3), (0, 3), (2, 3), marks=[2, 3, 5, 6, 9]) == pytest.approx(
        [np.nan, 0.41, 0.41, 0.51, 0.61], nan_ok=True
    )


def test_a_search_stops_in_time_to_finish_its_leader():
    # With 4 epochs the third cannot be started: the leader needs two of them.
    assert hand((0, 1), (1, 1), (2, 1), marks=[4, 5]) == [0.41, 0.41]


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
        (((0, 0, 0), 28), "1 to 27"),
        (((0, 0, 0), 0), "1 to 27"),
        (((0, 0, 0), 2.5), "a whole number from 1 to 27"),
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
