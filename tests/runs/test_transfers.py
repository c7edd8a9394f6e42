"""The recorded transfers are complete, described, and come out the same when some of them are trained again."""

import importlib
import sys
from functools import cache

import keras
import numpy as np
import pytest

from nbhelpers.data import DATA_FOLDER, load_transfers
from nbhelpers.models import build_cnn, build_mlp

sys.path.insert(0, str(DATA_FOLDER))
make_transfers = importlib.import_module("make_transfers")


@pytest.fixture(scope="module")
def transfers():
    return load_transfers()


def test_the_file_has_the_axes_that_the_script_describes(transfers):
    assert list(transfers["val_accuracy"].dims) == list(make_transfers.AXES)
    for name, values in make_transfers.AXES.items():
        assert transfers[name].values.tolist() == list(values)
        assert transfers[name].attrs["long_name"]
    for variable in transfers.data_vars.values():
        assert {"long_name", "comment", "units"} <= set(variable.attrs)
    assert {"title", "license", "versions", "made_by", "steps"} <= set(transfers.attrs)
    assert transfers.sizes["seed"] >= 5


def test_recorded_is_what_the_script_lists_and_nothing_else(transfers):
    for network in make_transfers.AXES["network"]:
        for source in make_transfers.SOURCES:
            cube = transfers.sel(network=network, source=source)
            listed = make_transfers.TREATMENTS_OF[source] if source in make_transfers.NETWORKS[network] else ()
            for treatment in make_transfers.TREATMENTS:
                for measure in make_transfers.MEASURES:
                    scores = cube[measure].sel(treatment=treatment)
                    assert np.isfinite(scores).all() if treatment in listed else np.isnan(scores).all()
                    assert not (scores < 0).any() and not (scores > 1).any()
            assert np.isfinite(cube["source_accuracy"]).all() == bool(listed)


def test_no_two_bases_are_the_same(transfers):
    scores = transfers["val_accuracy"].sel(treatment="frozen", layers_kept=3).stack(base=["network", "source", "seed"])
    recorded = scores.dropna("base", how="all").transpose("base", ...).values.reshape(-1, 7 * 7)
    assert len(np.unique(recorded, axis=0)) == len(recorded)


@pytest.mark.parametrize(
    ("kept", "treatment", "expected"),
    [
        (0, "frozen", ((0, 0, 0), 1.0)),
        (2, "fine-tuned", ((0, 0, 0), 1.0)),
        (2, "frozen", ((300, 300, 0), 1.0)),
        (3, "lowest frozen", ((300, 0, 0), 1.0)),
        (3, "thawed", ((100, 100, 100), 1.0)),
        (1, "thawed gently", ((100, 0, 0), 0.1)),
    ],
)
def test_a_treatment_says_how_long_each_layer_stays_frozen(kept, treatment, expected):
    assert make_transfers.plan(kept, treatment) == expected


def test_each_training_is_recorded_once_and_stands_for_all_its_names():
    found = make_transfers.arms("digits 0 to 4")
    assert len(found) == 1 + 4 + 5 + 5  # with one layer, frozen and lowest frozen are the same
    assert sum(map(len, found.values())) == 4 * 5


def test_cut_out_patches_give_what_convolutions_give():
    model, images = build_cnn(classes=5), np.random.default_rng(0).random((7, 28, 28), "float32")
    before = np.asarray(model(images))
    assert np.allclose(make_transfers.share_patches(model)(images), before, atol=1e-6)


def test_fewer_labels_are_part_of_more():
    few, _ = make_transfers.labelled(2, 0)
    more, digits = make_transfers.labelled(5, 0)
    assert np.bincount(digits).tolist() == [5] * 5
    assert {image.tobytes() for image in few} < {image.tobytes() for image in more}
    assert make_transfers.batches_of(10, 0).shape == (300, 10)
    assert all(sorted(step) == list(range(10)) for step in make_transfers.batches_of(10, 0).tolist())


def new_network(network):
    return build_cnn(classes=5) if network == "cnn" else build_mlp((100, 100, 100), classes=5)


@cache
def base_of(network, source):
    return make_transfers.train_base(lambda: new_network(network), source, 0, epochs=5)[0]


def with_weights(model):
    return [layer for layer in model.layers if layer.weights]


def train_again(network, source, kept, treatment, labels, rate):
    """Transfer by plain Keras on TensorFlow; return the validation accuracy."""
    frozen, factor = make_transfers.plan(kept, treatment)
    model = new_network(network)
    for layer, old in zip(with_weights(model)[:kept], with_weights(base_of(network, source)), strict=False):
        layer.set_weights(old.get_weights())
    images, digits = make_transfers.labelled(labels, 0)
    order = make_transfers.batches_of(len(images), 0)
    thaw = make_transfers.THAW
    for steps, done, speed in ((order[:thaw], 0, 1.0), (order[thaw:], thaw, factor)):
        for layer, until in zip(with_weights(model), frozen, strict=False):
            layer.trainable = until <= done
        if done == 0 or make_transfers.THAW in frozen:
            model.compile(keras.optimizers.Adam(rate * speed), loss="sparse_categorical_crossentropy")
        for batch in steps:
            model.train_on_batch(images[batch], digits[batch])
    valid, valid_digits = make_transfers.digits("valid", 5, 9)
    half = slice(1, 2 * make_transfers.HALF, 2)
    return float(np.mean(np.argmax(model(valid[half]), axis=1) == valid_digits[half]))


ROWS = [
    ("mlp", "digits 0 to 4", 0, "fine-tuned", 50, 0.00316),
    ("mlp", "digits 0 to 4", 3, "frozen", 50, 0.01),
    ("mlp", "digits 0 to 4", 3, "thawed", 500, 0.001),
    ("mlp", "shuffled pixels", 2, "frozen", 100, 0.00316),
    ("cnn", "digits 0 to 4", 3, "fine-tuned", 50, 0.00316),
    ("cnn", "digits 0 to 4", 3, "thawed gently", 50, 0.01),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: " ".join(map(str, row)))
def test_a_transfer_trained_again_lies_within_the_spread_of_its_seeds(transfers, row):
    names = ("network", "source", "layers_kept", "treatment", "labels", "learning_rate")
    recorded = transfers["val_accuracy"].sel(dict(zip(names, row, strict=True))).values
    deviation = max(recorded.std(ddof=1), 0.005) * np.sqrt(1 + 1 / len(recorded))
    again = train_again(*row)
    assert abs(again - recorded.mean()) < 4 * deviation, f"{again:.3f} against {recorded}"


def test_another_treatment_would_be_noticed(transfers):
    rows = transfers["val_accuracy"].sel(network="mlp", source="digits 0 to 4", labels=500, learning_rate=0.001)
    frozen, tuned = (rows.sel(layers_kept=3, treatment=name).values for name in ("frozen", "fine-tuned"))
    assert tuned.min() - frozen.max() > 4 * max(frozen.std(ddof=1), tuned.std(ddof=1))
