import pytest

from impasto.errors import DataError
from impasto.survey.create import Pair, match, spread


@pytest.fixture
def put(tmp_path):
    def write(folder, *names):
        (tmp_path / folder).mkdir(exist_ok=True)
        for name in names:
            (tmp_path / folder / name).touch()
        return tmp_path / folder

    return write


def test_results_of_one_name_and_results_named_by_stylize(put):
    content, style = put("c", "a.jpg", "tree.jpg", "sea-side.png"), put("s", "a.png", "wave.jpg", "old-wave.jpg")
    result = put("r", "a.png", "tree-wave.jpg", "sea-side-old-wave.png", "a-wave.png", "stranger.png")
    pairs, left_out = match(content, style, {"m": result})
    assert [pair.name for pair in pairs] == ["a", "a-wave", "sea-side-old-wave", "tree-wave"]
    assert pairs[2] == Pair(
        "sea-side-old-wave", content / "sea-side.png", style / "old-wave.jpg",
        {"m": result / "sea-side-old-wave.png"},
    )  # fmt: skip
    assert left_out == [result / "stranger.png"]


def test_only_pairs_that_every_method_has(put):
    content, style = put("c", "a.jpg", "b.jpg"), put("s", "a.jpg", "b.jpg")
    one, two = put("one", "a.png", "b.png"), put("two", "b.jpg")
    pairs, left_out = match(content, style, {"one": one, "two": two})
    assert [(pair.name, list(pair.results)) for pair in pairs] == [("b", ["one", "two"])]
    assert left_out == [one / "a.png"]


@pytest.mark.parametrize(
    ("contents", "styles", "results", "said"),
    [
        (["a.jpg", "a-b.jpg"], ["c.jpg", "b-c.jpg"], ["a-b-c.png"], "may be of a and b-c or of a-b and c"),
        (["a.jpg"], ["a.jpg"], ["a.png", "a.jpg"], "have the same name"),
        (["a.jpg", "a.png"], ["a.jpg"], ["a.png"], "have the same name"),
        (["a.jpg", "a-a.jpg"], ["a.jpg", "a-a.jpg"], ["a.png", "a-a.png"], "may be of a-a and a-a or of a and a"),
        (["a.jpg"], ["b.jpg"], ["c.jpg"], "no result has the name of a content and a style"),
        (["a.jpg"], ["a.jpg"], [], "holds no pictures"),
    ],
)
def test_names_that_leave_something_open(contents, styles, results, said, put):
    with pytest.raises(DataError, match=said):
        match(put("c", *contents), put("s", *styles), {"m": put("r", *results)})


def test_pairs_are_spread_over_all():
    assert spread(list(range(20)), 5) == [0, 4, 8, 12, 16]
    assert spread([1, 2], 5) == [1, 2]
