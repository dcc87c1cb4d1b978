"""Which output belongs to which picture, and when none of them is guessed."""

import pytest
from PIL import Image, PngImagePlugin

from impasto.errors import DataError
from impasto.evaluation.pictures import PictureSet, partners


@pytest.fixture
def drawn(tmp_path):
    """drawn('a.png', ...) -> a set of pictures of these names."""

    def make(*names, **how):
        for name in names:
            Image.new("RGB", (4, 4)).save(tmp_path / name, **how)
        return PictureSet(tuple(tmp_path / name for name in names))

    return make


@pytest.mark.parametrize(
    ("outputs", "others", "role", "rule", "found"),
    [
        # Whatever the order and the suffix.
        (["b.png", "a.png"], ["a.jpg", "b.jpg"], "content", "name", ["b.jpg", "a.jpg"]),
        # As impasto names its paintings.
        (["tree-ink.png", "tree-house-ink.png"], ["tree.jpg", "tree-house.jpg"], "content", "name",
         ["tree.jpg", "tree-house.jpg"]),
        (["tree-ink.png", "tree-house-cubes.png"], ["cubes.jpg", "ink.jpg"], "style", "name", ["ink.jpg", "cubes.jpg"]),
        (["a.png", "b.png"], ["ink.jpg"], "style", "name", ["ink.jpg", "ink.jpg"]),
        (["1.png", "2.png"], ["x.jpg", "y.jpg"], "content", "order", ["x.jpg", "y.jpg"]),
    ],
)  # fmt: skip
def test_partners(outputs, others, role, rule, found, drawn):
    assert [path.name for path in partners(drawn(*outputs), drawn(*others), role, rule).paths] == found


def test_by_the_record_in_the_picture(drawn):
    text = PngImagePlugin.PngInfo()
    text.add_itxt("impasto", '{"content": "tree.jpg", "style": ["swirls.jpg"]}')
    outputs = drawn("1.png", pnginfo=text)
    for names, role in ((["tree.jpg"], "content"), (["ink.jpg", "swirls.jpg"], "style")):
        assert [path.name for path in partners(outputs, drawn(*names), role, "name").paths] == names[-1:]


@pytest.mark.parametrize(
    ("outputs", "others", "rule", "said"),
    [
        ([f"q{n}.png" for n in range(7)], ["q0.jpg"], "name",
         r"no content picture is called like q1.png, q2.png, .* q5.png and 1 more"),
        (["a.png"], ["a.jpg", "z.jpg"], "name", "no output belongs to the content z.jpg"),
        (["a.png"], ["a.jpg", "a.webp"], "name", "have one name"),
        (["1.png", "2.png"], ["x.jpg"], "order", "2 outputs cannot be paired with 1 content"),
    ],
)  # fmt: skip
def test_what_does_not_match_is_named(outputs, others, rule, said, drawn):
    with pytest.raises(DataError, match=said):
        partners(drawn(*outputs), drawn(*others), "content", rule)
