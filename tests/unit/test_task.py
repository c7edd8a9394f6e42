"""A reader's own data set: what the door lets in, what it mends, and what it refuses, a sentence each."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nbhelpers.task import open_task, preparation


def table(rows=60, **columns):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"length": rng.normal(size=rows), "weight": rng.normal(size=rows)})
    frame["kind"] = np.resize(["oak", "elm"], rows)
    return frame.assign(**columns)


def test_a_table_with_words_as_classes():
    task = open_task(table(), target="kind")
    assert task.classes == ("elm", "oak")
    assert list(task.targets[:3]) == [1, 0, 1]
    assert list(task.inputs) == ["length", "weight"]
    assert str(task).splitlines() == [
        "the table: 60 examples, 2 inputs, 2 classes",
        "The classes are words, numbered 0 elm, 1 oak.",
    ]


def test_a_csv_file_with_a_semicolon_and_columns_of_words(tmp_path):
    path = tmp_path / "trees.csv"
    table(colour=np.resize(["red", "green", "red"], 60)).to_csv(path, sep=";", index=False)
    task = open_task(path, target="length")
    assert task.name == "trees.csv"
    assert task.classes is None
    assert task.targets.dtype == float
    assert list(task.inputs) == ["weight", "kind", "colour"]


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (np.arange(60) % 3, ("0", "1", "2")),
        (1.0 + np.arange(60) % 3, ("1", "2", "3")),
        (np.arange(60) % 2 == 0, ("False", "True")),
        (np.arange(60), None),
        (np.linspace(0, 1, 60), None),
    ],
)
def test_what_is_a_class_and_what_a_quantity(values, classes):
    assert open_task(table(y=values), target="y").classes == classes


def test_whole_numbers_may_be_a_quantity():
    assert open_task(table(y=np.arange(60) % 3), target="y", kind="regression").classes is None


def test_arrays(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "signals.npz", X=rng.normal(size=(60, 4, 5)), y=np.arange(60) % 2)
    task = open_task(tmp_path / "signals.npz")
    assert task.inputs.shape == (60, 20)
    assert task.classes == ("0", "1")


def pictures(folder, sizes=((8, 8),)):
    rng = np.random.default_rng(0)
    for label in ("cat", "dog"):
        (folder / label).mkdir(parents=True)
        for number in range(30):
            size = sizes[number % len(sizes)]
            Image.fromarray(rng.integers(256, size=size[::-1], dtype="uint8")).save(folder / label / f"{number}.png")


def test_a_folder_of_pictures(tmp_path):
    pictures(tmp_path / "pets")
    task = open_task(tmp_path / "pets")
    assert (task.name, task.classes) == ("pets", ("cat", "dog"))
    assert task.inputs.shape == (60, 64)
    assert 0 <= task.inputs.min().min() < task.inputs.max().max() <= 1
    assert len(task.notes) == 1


def test_pictures_of_several_sizes_are_scaled_to_the_middle_one(tmp_path):
    pictures(tmp_path / "pets", sizes=((8, 8), (10, 12), (20, 20)))
    (tmp_path / "pets" / "cat" / "notes.txt").write_text("no picture", encoding="utf-8")
    task = open_task(tmp_path / "pets")
    assert task.inputs.shape == (60, 10 * 12)
    assert "1 file(s) are no pictures and were left out." in task.notes
    assert "Pictures of 3 size(s): all were scaled to 10 × 12 pixels." in task.notes


def holes(values, count=3):
    return np.where(np.arange(len(values)) < count, np.nan, values)


NOTED = {
    "constant": (table(always=7), "Never change, and were left out: always."),
    "missing values": (
        table(weight=holes(np.random.default_rng(1).normal(size=60))),
        "Values are missing, and will be filled from the training set: weight (3).",
    ),
    "infinite values": (
        table(weight=[np.inf, *range(59)]),
        "Values are missing, and will be filled from the training set: weight (1).",
    ),
    "names": (table(name=[f"tree {n}" for n in range(60)]), "Words that hardly ever come twice, as names do"),
    "missing targets": (table(kind=[None, *["elm", "oak"] * 29, "elm"]), "1 example(s) have no target"),
    "copies": (pd.concat([table(), table().head(5)]), "5 example(s) are copies of others"),
    "copies with names": (
        pd.concat([table(), table().head(5)]).assign(name=[f"tree {n}" for n in range(65)], row=range(65)),
        "5 example(s) are copies of others",
    ),
    "row numbers": (table(row=range(60)), "Count the examples, as numbers of rows do, and were left out: row."),
    "a copy of the target": (table(again=np.resize(["oak", "elm"], 60)), "Say what is asked, word for word"),
    "dates": (table(day=pd.date_range("2026-01-01", periods=60)), "Dates were left out: day."),
    "decimal commas": (
        table(height=[f"{n / 7:.2f}".replace(".", ",") for n in range(60)]),
        "Words that are numbers were read as numbers: height.",
    ),
    "signs for gaps": (
        table(height=["?", "wide", *(f"{n / 7:.2f}" for n in range(58))]),
        "Words that are numbers were read as numbers: height (2 of them no numbers, now missing).",
    ),
    "one-sided classes": (
        table(rows=200, kind=["elm"] * 12 + ["oak"] * 188),
        "The most frequent class has 94% of the examples: an accuracy of 0.94 is nothing here.",
    ),
}


@pytest.mark.parametrize("fault", NOTED)
def test_what_can_be_mended_is_mended_and_said(fault):
    frame, note = NOTED[fault]
    task = open_task(frame, target="kind")
    assert any(said.startswith(note) for said in task.notes), task.notes
    assert len(task.inputs) == len(task.targets)
    assert len(task.inputs.drop_duplicates()) == len(task.inputs)
    assert not set(task.inputs) & {"always", "name", "row", "again", "day"}
    numbers = preparation().fit(task.inputs).transform(task.inputs)
    assert np.isfinite(numbers).all()


REFUSED = {
    "no such column": ({"source": table(), "target": "species"}, "no column 'species'.*length, weight, kind"),
    "no column named": ({"source": table()}, "no column None"),
    "few examples": ({"source": table(rows=20), "target": "kind"}, "20 examples.*fewer than 50"),
    "a small class": (
        {"source": table(kind=["yew"] * 2 + ["elm", "oak"] * 29), "target": "kind"},
        r"have fewer: yew \(2\)",
    ),
    "a target that never changes": ({"source": table(kind="elm"), "target": "kind"}, "never changes"),
    "a target of names": (
        {"source": table(kind=[f"t{n}" for n in range(60)]), "target": "kind"},
        "60 different values",
    ),
    "words as a quantity": ({"source": table(), "target": "kind", "kind": "regression"}, "'oak'"),
    "unknown kind": ({"source": table(), "target": "kind", "kind": "classes"}, "classification, regression"),
    "nothing left": ({"source": table()[["kind"]].assign(always=1), "target": "kind"}, "no column is left"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_what_cannot_be_mended_is_refused_in_a_sentence(fault):
    options, message = REFUSED[fault]
    with pytest.raises(ValueError, match=message):
        open_task(**options)


def test_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="Paths begin in"):
        open_task(tmp_path / "nothing.csv")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: (path / "t.xlsx").write_bytes(b"PK"), "Save it as one of these"),
        (lambda path: (path / "t.csv").write_bytes(b"a,b\n\xff\xfe\xe4,1\n"), "UTF-8"),
        (lambda path: (path / "t.csv").write_text("", encoding="utf-8"), "cannot be read as a table"),
        (lambda path: (path / "t.csv").write_text("b\n1\n2\n", encoding="utf-8"), "t.csv"),
        (lambda path: np.savez(path / "t.npz", a=[1]), "and has: a"),
        (lambda path: np.savez(path / "t.npz", x=np.ones((9, 2)), y=np.ones(8)), r"\(9, 2\) and \(8,\)"),
        (lambda path: (path / "t").mkdir(), "no folders with pictures"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, make, message):
    make(tmp_path)
    (path,) = tmp_path.iterdir()
    with pytest.raises(ValueError, match=message):
        open_task(path, target="a")


def test_equal_examples_of_few_values_are_no_copies():
    frame = pd.DataFrame({"a": np.arange(300) % 3, "b": np.arange(300) % 2, "y": np.arange(300) % 2})
    task = open_task(frame, target="y")
    assert len(task.inputs) == 300
    assert "294 example(s) equal others, as happens where columns have few values: all were kept." in task.notes


def test_a_target_with_decimal_commas_is_a_quantity():
    task = open_task(table(y=[f"{n / 7:.2f}".replace(".", ",") for n in range(60)]), target="y")
    assert task.classes is None and task.notes[0] == "Words that are numbers were read as numbers: y."


def test_dates_are_no_target():
    with pytest.raises(ValueError, match="The target is made of dates"):
        open_task(table(y=pd.date_range("2026-01-01", periods=60)), target="y")


def test_two_columns_of_one_name_are_named():
    frame = table()
    frame.columns = ["length", "length", "kind"]
    with pytest.raises(ValueError, match="more than one column of the name length"):
        open_task(frame, target="kind")


def test_names_of_columns_and_of_the_file_may_have_spaces_and_capitals(tmp_path):
    text = table().to_csv(index=False).replace("kind", " kind")
    (tmp_path / "Bäume 1.CSV").write_text(text, encoding="utf-8")
    assert open_task(tmp_path / "Bäume 1.CSV", target="kind").classes == ("elm", "oak")
    table().to_csv(tmp_path / "trees.tsv", sep="\t", index=False)
    assert open_task(tmp_path / "trees.tsv", target="kind").classes == ("elm", "oak")


def test_many_words_become_few_columns():
    frame = table(rows=600, town=[f"town {n}" for n in np.random.default_rng(0).integers(100, size=600)])
    inputs = open_task(frame, target="kind").inputs
    assert preparation().fit_transform(inputs).shape == (600, 22)


def test_a_broken_picture_is_named(tmp_path):
    pictures(tmp_path / "pets")
    (tmp_path / "pets" / "cat" / "3.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"cat/3\.png cannot be read"):
        open_task(tmp_path / "pets")


def test_arrays_of_words_say_so_and_infinite_numbers_are_gaps(tmp_path):
    np.savez(tmp_path / "words.npz", x=np.full((60, 2), "a"), y=np.arange(60) % 2)
    with pytest.raises(ValueError, match="x needs numbers"):
        open_task(tmp_path / "words.npz")
    x = np.random.default_rng(0).normal(size=(60, 2))
    x[0, 1] = np.inf
    np.savez(tmp_path / "signals.npz", x=x, y=np.array(["a", "b"] * 30))
    task = open_task(tmp_path / "signals.npz")
    assert task.inputs.isna().sum().sum() == 1 and task.classes == ("a", "b")


def test_a_fingerprint_changes_with_any_value():
    frame = table()
    first = open_task(frame, target="kind").fingerprint
    assert first == open_task(frame.copy(), target="kind").fingerprint
    assert first != open_task(frame.assign(weight=[9.0, *frame.weight[1:]]), target="kind").fingerprint
    assert first != open_task(frame.assign(kind=["elm", *frame.kind[1:]]), target="kind").fingerprint
