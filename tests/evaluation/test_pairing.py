"""Which output belongs to which picture, and when none of them is guessed."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from impasto.errors import DataError
from impasto.evaluation import PictureSet
from impasto.evaluation.pairing import partners


@dataclass
class Case:
    folder: Path

    def set(self, *names):
        for name in names:
            Image.new("RGB", (4, 4)).save(self.folder / name)
        return PictureSet(tuple(self.folder / name for name in names))


@pytest.fixture
def case(tmp_path):
    return Case(tmp_path)


def names(found):
    return [path.name for path in found.paths]


def test_by_name_whatever_the_order_and_the_suffix(case):
    outputs, contents = case.set("b.png", "a.png"), case.set("a.jpg", "b.jpg")
    assert names(partners(outputs, contents, "content", "name")) == ["b.jpg", "a.jpg"]


def test_by_the_names_that_impasto_gives(case):
    outputs = case.set("tree-swirls.png", "tree-house-cubes.png")
    contents, styles = case.set("tree.jpg", "tree-house.jpg"), case.set("cubes.jpg", "swirls.jpg")
    assert names(partners(outputs, contents, "content", "name")) == ["tree.jpg", "tree-house.jpg"]
    assert names(partners(outputs, styles, "style", "name")) == ["swirls.jpg", "cubes.jpg"]


def test_by_the_record_in_the_picture(case):
    text = PngImagePlugin.PngInfo()
    text.add_itxt("impasto", '{"content": "tree.jpg", "style": ["swirls.jpg"]}')
    Image.new("RGB", (4, 4)).save(case.folder / "1.png", pnginfo=text)
    outputs = PictureSet((case.folder / "1.png",))
    assert names(partners(outputs, case.set("tree.jpg"), "content", "name")) == ["tree.jpg"]
    assert names(partners(outputs, case.set("ink.jpg", "swirls.jpg"), "style", "name")) == ["swirls.jpg"]


def test_one_style_belongs_to_all(case):
    outputs = case.set("a.png", "b.png")
    assert names(partners(outputs, case.set("swirls.jpg"), "style", "name")) == ["swirls.jpg", "swirls.jpg"]


def test_by_order(case):
    outputs, contents = case.set("1.png", "2.png"), case.set("x.jpg", "y.jpg")
    assert names(partners(outputs, contents, "content", "order")) == ["x.jpg", "y.jpg"]
    with pytest.raises(DataError, match="2 outputs cannot be paired with 1 content"):
        partners(outputs, case.set("x.jpg"), "content", "order")


def test_what_does_not_match_is_named(case):
    outputs = case.set(*(f"q{n}.png" for n in range(7)))
    with pytest.raises(DataError, match=r"no content picture is called like q1.png, q2.png, .* q5.png and 1 more"):
        partners(outputs, case.set("q0.jpg"), "content", "name")
    with pytest.raises(DataError, match=r"no output belongs to the content z.jpg"):
        partners(case.set("a.png"), case.set("a.jpg", "z.jpg"), "content", "name")
    with pytest.raises(DataError, match="have one name"):
        partners(case.set("a.png"), case.set("a.jpg", "a.webp"), "content", "name")
