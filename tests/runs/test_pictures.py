"""The pictures of data/README.md can be drawn again, and are small."""

import numpy as np
import pytest
from PIL import Image

from nbhelpers.data import DATA_FOLDER
from recorders import pictures


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return {path.name: path for path in pictures.record(folder=tmp_path_factory.mktemp("pictures"))}


@pytest.mark.parametrize(("name", "kilobytes"), [("tasks", 60), ("atlas_mnist", 100), ("atlas_mnist1d", 100)])
def test_a_picture_is_drawn_as_it_is_stored(drawn, name, kilobytes):
    paths = drawn[f"{name}.png"], DATA_FOLDER / f"{name}.png"
    assert all(path.stat().st_size < 1000 * kilobytes for path in paths)
    # Ten pixels at a time, since another version of Matplotlib may set all a pixel further.
    again, stored = (np.asarray(Image.open(path).convert("RGB").reduce(10), float) for path in paths)
    assert np.abs(again - stored).mean() < 5, "draw it again: python -m recorders.pictures"


def test_the_readme_shows_every_picture(drawn):
    readme = (DATA_FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"]({name})" in readme for name in drawn)
    assert sorted(drawn) == sorted(path.name for path in DATA_FOLDER.glob("*.png"))
