import itertools

import keras
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from nbhelpers.compare import SHARED_IMAGES, flattery, image_error_of, leaders, results, ruler, tuned
from nbhelpers.data import load_mnist, load_runs
from nbhelpers.models import batches, build_mlp

# Few, five as in the course, many.
SEEDS = (3, 5, 20)


def false_alarms(seeds, *, spread, image_error, paired=False, comparisons=1, repetitions=6000):
    """The share of sets of comparisons of equals in which the ruler calls at least one of them real."""
    rng = np.random.default_rng(seeds)
    alarms = 0
    for _ in range(repetitions):
        rows = rng.normal(0.9, 0.003, (comparisons, seeds))
        others = rng.normal(0.9, spread, (comparisons, seeds)) + rng.normal(0, image_error, (comparisons, 1))
        if paired:
            others += rows
        options = {"image_error": image_error, "paired": paired, "comparisons": comparisons}
        alarms += any(ruler(a, b - 0.9 * paired, **options).real for a, b in zip(rows, others, strict=True))
    return alarms / repetitions


@pytest.mark.parametrize("image_error", [0.0, 0.001, 0.003])
@pytest.mark.parametrize("spread", [0.003, 0.001])
@pytest.mark.parametrize("seeds", SEEDS)
def test_equals_are_called_different_in_one_case_of_twenty(seeds, spread, image_error):
    # Three seeds leave Welch's test itself a little outside: too careful with equal spreads, too bold with others.
    low, high = (0.028, 0.08) if seeds == 3 else (0.04, 0.06)
    assert low < false_alarms(seeds, spread=spread, image_error=image_error) < high


@pytest.mark.parametrize("image_error", [0.0, 0.001])
@pytest.mark.parametrize("seeds", SEEDS)
def test_in_pairs_too(seeds, image_error):
    low, high = (0.028, 0.08) if seeds == 3 else (0.04, 0.06)
    assert low < false_alarms(seeds, spread=0.003, image_error=image_error, paired=True) < high


@pytest.mark.parametrize("comparisons", [3, 20])
def test_many_comparisons_together_are_not_called_different_more_often(comparisons):
    found = false_alarms(5, spread=0.003, image_error=0.001, comparisons=comparisons, repetitions=1500)
    assert 0.02 < found < 0.07
    a, b = np.random.default_rng(0).normal(0.9, 0.003, (2, 5))
    margins = [ruler(a, b, comparisons=n).margin for n in (1, 3, 20)]
    assert margins == sorted(set(margins))


def test_two_standard_errors_would_cry_wolf_with_three_seeds():
    a, b = [0.90, 0.92, 0.91], [0.95, 0.95, 0.98]
    found = ruler(a, b, image_error=0.002)
    error = np.sqrt(0.0001 / 3 + 0.0003 / 3 + 0.002**2)
    assert found.difference == pytest.approx(0.05)
    assert 2.7 * error < found.margin < 4 * error
    many = ruler(a * 40, b * 40, image_error=0.002)
    assert many.margin == pytest.approx(1.96 * np.sqrt((0.0001 + 0.0003) * 2 / 3 / 119 + 0.002**2), rel=0.02)


@pytest.mark.parametrize(
    ("b", "verdict"), [(0.95, "better"), (0.85, "worse"), (0.9001, "cannot be told"), (0.8999, "cannot be told")]
)
def test_the_verdict_speaks_of_the_second(b, verdict):
    spread = np.array([-0.001, 0, 0.001])
    found = ruler(0.9 + spread, b + spread)
    assert found.verdict == verdict
    assert found.real == (verdict != "cannot be told")
    assert str(found).endswith(f": {verdict}")
    difference, margin = found
    assert str(found).startswith(f"difference {difference:+.4f}, margin {margin:.4f}")


def test_in_pairs_what_both_share_does_not_count_as_spread():
    a = np.array([0.5, 0.9, 0.7])
    difference, margin = ruler(a, a + np.array([0.02, 0.03, 0.025]), paired=True, image_error=0.0)
    assert (difference, margin) == pytest.approx((0.025, 4.303 * 0.005 / 3**0.5), rel=1e-3)
    assert ruler(a, a + 0.02, image_error=0.0).margin > 0.1
    with pytest.raises(ValueError, match="same length"):
        ruler(a, a[:2], paired=True)


def test_the_error_from_the_images_falls_with_their_number_and_with_fewer_errors():
    a = np.array([0.96, 0.961])
    assert image_error_of(a, a, images=10_000) == pytest.approx(0.00098, rel=0.01)
    assert image_error_of(a, a, images=2500) == pytest.approx(2 * image_error_of(a, a, images=10_000))
    assert image_error_of(a - 0.3, a - 0.3, images=10_000) > 2 * image_error_of(a, a, images=10_000)
    assert ruler(a, a, images=100).margin > ruler(a, a, images=10_000).margin


@pytest.mark.slow
def test_networks_err_on_the_same_images_as_the_error_from_the_images_supposes():
    train, (images, labels) = load_mnist("train", n=10_000), load_mnist("valid")
    right = {}
    for units in [(64,), (16, 16), (64, 64)]:
        rows = []
        for seed in range(4):
            keras.utils.set_random_seed(seed)
            model = build_mlp(units, learning_rate=0.003)
            model.fit(batches(*train), epochs=5, shuffle=False, verbose=0)
            rows.append(np.argmax(model(images), axis=1) == labels)
        right[units] = np.array(rows, float)
    shares = []
    for a, b in itertools.combinations(right.values(), 2):
        noise = (a.var(axis=0, ddof=1) + b.var(axis=0, ddof=1)).mean() / len(a)
        found = np.sqrt(max(0, (b.mean(axis=0) - a.mean(axis=0)).var() - noise) / len(images))
        shares.append(found / image_error_of(a.mean(axis=1), b.mean(axis=1), images=len(images)) * SHARED_IMAGES)
    assert 0.25 < max(shares) < SHARED_IMAGES * 1.1, "no pair differs by more than is supposed, and some by most of it"


@pytest.mark.parametrize(
    ("a", "b", "options", "message"),
    [
        ([0.9], [0.9, 0.8], {}, "two seeds or more.*the first candidate has 1"),
        ([0.9, np.nan], [0.9, 0.8], {}, "first candidate is missing or not finite"),
        ([0.9, 0.8], np.ones((2, 3)), {}, r"one score per seed.*second candidate has the shape \(2, 3\)"),
        ([0.9, 0.8], 0.9, {}, r"one score per seed.*shape \(\)"),
        ([9.0, 8.0], [7.0, 7.5], {}, "7 to 9 are no accuracies.*image_error=0"),
        ([0.9, 0.8], [0.9, 0.8], {"images": 0}, "images must be the number"),
        ([0.9, 0.8], [0.9, 0.8], {"comparisons": 0}, "comparisons must be"),
        ([0.9, 0.8], [0.9, 0.8], {"comparisons": 2.5}, "comparisons must be a whole number"),
        ([0.9, 0.8], [0.9, 0.8], {"image_error": -0.1}, "image_error must be"),
        ([0.9, 0.8], [0.9, 0.8], {"image_error": np.nan}, "image_error must be"),
        (["much", "more"], [0.9, 0.8], {}, "one number per seed; the first candidate is"),
    ],
)
def test_bad_scores_are_named(a, b, options, message):
    with pytest.raises(ValueError, match=message) as raised:
        ruler(a, b, **options)
    assert "\n" not in str(raised.value)


def grid():
    values = np.array([[[1.0, 3.0], [4.0, 0.0], [0, 0]], [[2.0, 2.0], [9.0, np.nan], [2, 3]]])
    coords = {"units": [8, 16], "learning_rate": [0.1, 0.2, 0.3], "seed": [0, 1]}
    return xr.DataArray(values, dims=list(coords), coords=coords)


def test_each_candidate_gets_its_best_mean_and_a_diverged_one_never_wins():
    scores = grid()
    best = tuned(scores)
    assert best.dims == ("units", "seed")
    assert best.values.tolist() == [[1, 3], [2, 3]]
    assert best.learning_rate.values.tolist() == [0.1, 0.3]
    scores.loc[{"units": 8, "learning_rate": 0.2, "seed": 1}] = 5
    assert tuned(scores).learning_rate.values.tolist() == [0.2, 0.3]


def test_scores_that_are_tuned_twice_keep_the_edge_of_the_first():
    axes = {"schedule": ["constant", "step"], "learning_rate": [0.01, 0.1, 1.0], "seed": [0, 1]}
    scores = xr.DataArray(np.zeros((2, 3, 2)), axes)
    scores.loc[{"learning_rate": 1.0, "schedule": "step"}] = 0.9
    scores.loc[{"learning_rate": 0.1, "schedule": "constant"}] = 0.8
    best = tuned(tuned(scores), over="schedule")
    assert (best.schedule.item(), best.learning_rate.item(), best.at_edge.item()) == ("step", 1.0, True)
    assert not tuned(tuned(scores - 0.5 * (scores == 0.9)), over="schedule").at_edge


def test_a_best_value_at_the_edge_is_marked_whichever_way_the_values_are_sorted():
    scores = grid()
    scores.loc[{"units": 8, "learning_rate": 0.2}] = 5
    assert tuned(scores).at_edge.values.tolist() == [False, True]
    shuffled = scores.isel(learning_rate=[1, 0, 2])
    assert tuned(shuffled).at_edge.values.tolist() == [False, True]
    assert tuned(scores.isel(units=1)).at_edge.item() is True
    names = scores.assign_coords(learning_rate=["a", "b", "c"])
    assert not tuned(names).at_edge.any(), "names have no edge"


@pytest.mark.parametrize("missing", ["seed", "learning_rate"])
def test_tuning_names_a_missing_dimension(missing):
    with pytest.raises(ValueError, match=f"'{missing}'"):
        tuned(grid().isel({missing: 0}))


@pytest.fixture
def depths():
    """Accuracy of one to four layers by rate, five seeds: two are better, four worse, three like one, at an edge."""
    spread = np.random.default_rng(0).normal(0, 0.001, 5)
    values = [
        [[0.80], [0.90], [0.80]],
        [[0.80], [0.95], [0.80]],
        [[0.80], [0.85], [0.9001]],
        [[0.70], [0.85], [0.80]],
    ]
    coords = {"hidden_layers": [1, 2, 3, 4], "learning_rate": [0.1, 0.2, 0.3], "seed": range(5)}
    return xr.DataArray(np.array(values) + spread, dims=list(coords), coords=coords)


def test_the_table_has_all_that_a_reader_needs(depths):
    table = results(depths, candidates="hidden_layers", against=1)
    assert isinstance(table, pd.DataFrame)
    assert table.index.tolist() == [1, 2, 3, 4] and table.index.name == "hidden layers"
    assert table["learning_rate"].tolist() == [0.2, 0.2, 0.3, 0.2]
    assert table["at_edge"].tolist() == [False, False, True, False]
    assert table["verdict"].tolist() == ["", "better", "cannot be told", "worse"]
    assert set(table["seeds"]) == {5}
    best = tuned(depths)
    found = ruler(best.sel(hidden_layers=1), best.sel(hidden_layers=2), comparisons=3)
    assert tuple(table.loc[2, ["difference", "margin"]]) == pytest.approx(found)
    assert table["mean"].tolist() == pytest.approx(best.mean("seed").values.tolist())
    assert table["deviation"].tolist() == pytest.approx(best.std("seed", ddof=1).values.tolist())


def test_it_reads_as_text_and_on_a_page_with_its_edges_marked(depths):
    table = results(depths, candidates="hidden_layers", against=1)
    lines = str(table).splitlines()
    assert len({len(line) for line in lines[2:6]}) == 1, "the columns are aligned"
    assert lines[0].split() == ["learning", "rate", "mean", "deviation", "seeds", "difference", "margin", "verdict"]
    assert "0.3*" in lines[4] and "+0.0001" in lines[4] and "0.2*" not in str(table)
    assert lines[-1].startswith("* at the edge of what was tried")
    page = table._repr_html_()
    assert page.count("<tr") == 6 and "0.3*" in page and "at the edge of what was tried" in page
    assert "*" not in str(results(depths.isel(learning_rate=1), candidates="hidden_layers", against=1))


def test_the_conclusion_follows_the_verdicts(depths):
    sentence = results(depths, candidates="hidden_layers", against=1).conclusion()
    margin = results(depths, candidates="hidden_layers", against=1)["margin"]
    assert sentence == (
        f"Better than hidden layers = 1: 2 (by 0.0500, margin {margin[2]:.4f}). "
        f"Worse than hidden layers = 1: 4 (by 0.0500, margin {margin[4]:.4f}). "
        "Cannot be told apart from hidden layers = 1: 3. With the best learning rate at the edge of those tried: 3."
    )
    turned = results(depths, candidates="hidden_layers", against=4).conclusion()
    assert turned.startswith("Better than hidden layers = 4: 1 (by 0.0500") and "Worse" not in turned


def test_candidates_of_two_dimensions_or_of_a_dict(depths):
    both = xr.concat([depths, depths - 0.1], pd.Index(["relu", "tanh"], name="activation"))
    table = results(both, candidates=["activation", "hidden_layers"], against=("relu", 1))
    assert len(table) == 8 and table.loc[[("tanh", 2)], "verdict"].tolist() == ["worse"]
    assert "(tanh, 2)" in str(table) and "(relu, 2) (by 0.05" in table.conclusion()
    plain = results({"plain": [0.9, 0.901], "new": [0.95, 0.951]}, against="plain")
    assert plain["verdict"].tolist() == ["", "better"] and "learning_rate" not in plain


def test_the_recorded_runs_of_two_hundred_candidates_make_one_table():
    scores = load_runs(task="mnist")["val_accuracy"].sel(epoch=15, dropout=0.0, activation="relu", batch_norm=True)
    names = ["units", "hidden_layers", "optimizer"]
    table = results(scores, candidates=names, against=(64, 1, "adam"))
    assert len(table) == 40 and not table["at_edge"].any()
    one = table.loc[[(8, 8, "sgd")]].iloc[0]
    best = tuned(scores).sel(units=8, hidden_layers=8, optimizer="sgd")
    assert (one["learning_rate"], one["mean"]) == pytest.approx((best.learning_rate.item(), best.mean().item()))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"against": 7}, "no candidate 7.*Choose one of: 1, 2, 3, 4"),
        ({"candidates": "units"}, "hidden_layers; got 'units'"),
        ({"candidates": None}, "hidden_layers; got None"),
    ],
)
def test_what_cannot_be_compared_is_named(depths, change, message):
    with pytest.raises(ValueError, match=message):
        results(depths, **{"candidates": "hidden_layers", "against": 1} | change)


def test_missing_scores_name_their_candidate(depths):
    depths.loc[{"hidden_layers": 3}] = np.nan
    with pytest.raises(ValueError, match="A score of 3 is missing"):
        results(depths, candidates="hidden_layers", against=1)
    with pytest.raises(ValueError, match="only 1"):
        results(depths.sel(hidden_layers=[1]), candidates="hidden_layers", against=1)


def test_the_leaders_are_the_best_and_those_that_cannot_be_told_from_it(depths):
    assert leaders(depths, candidates="hidden_layers") == [2]
    assert leaders(depths.sel(hidden_layers=[1, 3, 4]), candidates="hidden_layers") == [3, 1]
    assert leaders({"a": [0.9, 0.91], "b": [0.5, 0.51], "c": [0.9, 0.92]}) == ["c", "a"]


@pytest.mark.parametrize(("candidates", "seeds"), [(4, 5), (10, 5), (10, 20)])
def test_of_candidates_alike_the_best_is_seldom_called_better(candidates, seeds):
    rng, alarms = np.random.default_rng(0), 0
    for _ in range(300):
        scores = {name: rng.normal(0.9, 0.003, seeds) for name in range(candidates)}
        alarms += len(leaders(scores, image_error=0.0)) < candidates
    assert alarms / 300 < 0.07


def test_what_was_tuned_is_named_whatever_else_the_scores_carry():
    coords = {"candidate": ["x", "z"], "dropout": [0.0, 0.2, 0.5], "seed": [0, 1]}
    values = np.array([[[0.1, 0.1], [0.5, 0.51], [0.2, 0.2]], [[0.1, 0.1], [0.2, 0.2], [0.9, 0.91]]])
    scores = xr.DataArray(values, dims=list(coords), coords=coords).assign_coords(learning_rate=0.1)
    for given in ({"scores": tuned(scores, over="dropout")}, {"scores": scores, "over": "dropout"}):
        table = results(**given, candidates="candidate", against="x")
        assert table["dropout"].tolist() == [0.2, 0.5]
        assert table.conclusion().endswith("With the best dropout at the edge of those tried: z.")
    without_values = tuned(scores.drop_vars("dropout"), over="dropout")
    assert without_values["dropout"].values.tolist() == [1, 2]


def test_with_nothing_to_tune_even_a_learning_rate_can_be_the_candidate():
    scores = grid().isel(units=0)
    table = results(scores, candidates="learning_rate", against=0.1, over=None, image_error=0)
    assert table.index.tolist() == [0.1, 0.2, 0.3] and "learning rate = 0.1: 0.2 and 0.3" in table.conclusion()


def test_the_number_of_comparisons_can_be_said():
    scores = {"a": [0.9, 0.91], "b": [0.9, 0.92]}
    one, many = (results(scores, against="a", comparisons=n)["margin"].iloc[1] for n in (1, 20))
    assert one < many


def test_the_best_of_many_is_too_good_on_the_images_that_chose_it():
    right = np.random.default_rng(1).random((32, 10_000)) < 0.8  # alike in all but luck
    one, few, many = flattery(right, among=[1, 4, 32], images=400)
    error = np.sqrt(0.8 * 0.2 / 400)
    assert abs(one) < 4 * error / np.sqrt(300)
    # The largest of n normal numbers lies 1.03 deviations above the mean for four, 2.07 for 32.
    assert few == pytest.approx(1.03 * error, rel=0.15) and many == pytest.approx(2.07 * error, rel=0.1)


def test_networks_that_err_on_the_same_images_do_not_flatter():
    right = np.tile(np.random.default_rng(0).random(10_000) < 0.8, (32, 1))
    assert abs(flattery(right, among=[32], images=400)[0]) < 0.005


@pytest.mark.parametrize("options", [{"among": [5], "images": 10}, {"among": [1], "images": 100}])
def test_no_more_networks_and_images_than_there_are(options):
    with pytest.raises(ValueError, match="cannot be had"):
        flattery(np.ones((4, 100)), **options)


def test_scores_may_be_tuned_by_others():
    axes = {"learning_rate": [0.1, 1.0, 10.0], "seed": [0, 1]}
    scores = xr.DataArray([[0.9, 0.9], [0.5, 0.5], [0.7, 0.7]], axes)
    best = tuned(scores, by=xr.DataArray([[0.2, 0.2], [0.8, 0.8], [0.1, 0.1]], axes))
    assert best.values.tolist() == [0.5, 0.5] and best.learning_rate == 1 and not best.at_edge
    with pytest.raises(ValueError, match="by needs the dimensions of scores, learning_rate, seed, and has seed"):
        tuned(scores, by=scores.isel(learning_rate=0, drop=True))
