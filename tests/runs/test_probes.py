"""The recorded probes are complete, described, and come out the same when one base is looked at again."""

import numpy as np
import pytest

from nbhelpers.data import TASKS, load_probes
from recorders import probes
from recorders.store import save
from recorders.transfers import build, train_base


@pytest.mark.parametrize("task", TASKS)
def test_each_probe_is_there_with_five_seeds_that_differ(task):
    recorded = load_probes(task=task)
    for name, dimensions in probes.DIMENSIONS.items():
        values = recorded[name]
        assert values.dims == dimensions and values.attrs["long_name"] and values.attrs["comment"]
        assert (values >= 0.1).all() and (values <= 1).all()
        hidden = values.isel(read_from=slice(1, None)) if "read_from" in dimensions else values
        rows = hidden.transpose("seed", ...).values.reshape(5, -1)
        assert len(np.unique(rows, axis=0)) == 5
    for name, values in probes.AXES.items():
        assert recorded[name].values.tolist() == list(values) and recorded[name].attrs["long_name"]
    assert {"title", "task", "made_by", "versions", "license", "labelled"} <= set(recorded.attrs)


@pytest.mark.parametrize("task", TASKS)
def test_the_input_is_read_the_same_whatever_the_network(task):
    of_input = load_probes(task=task)["probe_accuracy"].sel(read_from="input")
    assert (of_input == of_input.isel(network=0, source=0)).all()


@pytest.mark.parametrize(("task", "network"), [("mnist", "cnn"), ("mnist1d", "mlp")])
def test_an_untrained_base_looked_at_again_lies_near_the_recorded_ones(task, network):
    model, _ = train_base(lambda: build(task, network), "untrained", 7, task=task)
    inputs, digit = probes.digits(task, "valid", 0, 9)
    places = {"network": network, "source": "untrained"}
    recorded = load_probes(task=task).sel(places)
    for layer, outputs in enumerate(probes.outputs_of(model, inputs), start=1):
        for name, found in zip(("one_digit", "old_digits"), probes.favourites(outputs, digit), strict=True):
            of_seeds = recorded[name].sel(layer=layer)
            assert abs(found - of_seeds.mean()) < 5 * max(of_seeds.std(ddof=1), 0.01)


def test_what_a_unit_likes_is_counted_over_units_that_answer():
    """One that answers to a single digit, one to all ten alike, one to nothing; and a filter, wherever it answers."""
    digit = np.arange(1000) % 10
    outputs = np.stack([digit == 3, 1 + np.arange(1000) / 1e4, np.zeros(1000)], axis=-1).astype("float32")
    one, old = probes.favourites(outputs, digit)
    assert one == pytest.approx((1 + 0.1) / 2) and old == pytest.approx((1 + 0.5) / 2)
    elsewhere = np.zeros((1000, 4, 3), "float32")
    elsewhere[np.arange(1000), np.arange(1000) % 4] = outputs
    assert probes.favourites(elsewhere, digit) == pytest.approx((one, old))


def test_a_probe_reads_what_can_be_read_and_is_scored_on_two_halves():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(400, 3)), np.arange(400) % 2
    x[:, 0] += 10 * y
    wrong = np.where(np.arange(400) % 2, 1 - y, y)  # wrong on the second half
    assert probes.probe((x, y), (x, y), 0.1) == (1, 1)
    assert probes.probe((x, y), (x, wrong), 0.1) == (1, 0)


CHANGES = {"VERSION": 0, "LABELLED": 500, "TOP": 10, "SILENT": 0.1, "AXES": {**probes.AXES, "c": (1.0,)}}


def blocks(folder):
    return {path: block for task in TASKS for path, block in probes.blocks_of(task, folder).items()}


@pytest.mark.parametrize("name", CHANGES)
def test_what_the_results_depend_on_changes_the_mark_of_a_block(name, tmp_path, monkeypatch):
    before = set(blocks(tmp_path))
    assert len(before) == 8
    monkeypatch.setattr(probes, name, CHANGES[name])
    assert not before & set(blocks(tmp_path))


def test_a_finished_block_is_not_made_again_and_comes_to_its_place(tmp_path):
    sizes = {name: len(values) for name, values in probes.AXES.items()}
    for number, path in enumerate(blocks(tmp_path / "parts" / "probes")):
        shapes = {name: [sizes[d] for d in dims[2:]] for name, dims in probes.DIMENSIONS.items()}
        save(path, {name: np.full(shape, number / 10) for name, shape in shapes.items()})
    made = list(probes.record(folder=tmp_path, processes=1))
    assert [path.name for path in made] == ["probes_mnist.nc", "probes_mnist1d.nc"]
    found = [load_probes(task=task, folder=tmp_path)["one_digit"].mean(("layer", "seed")).values for task in TASKS]
    assert np.ravel(found) == pytest.approx(np.arange(8) / 10, abs=1e-4)
