"""What the words of `impasto batch` mean."""

import json

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from file_server import File, serving
from picture_files import encoded

from impasto.batch.inputs import find_inputs
from impasto.errors import OptionError


def names(*words, output="/nowhere/out"):
    inputs, problems = find_inputs(list(map(str, words)), str(output))
    assert problems == []
    return [one.name for one in inputs]


def manifest(file, **columns):
    pq.write_table(pa.table(columns), file)
    return file


def test_folders_are_searched_below_and_globs_keep_their_fixed_part(photos):
    assert names(photos) == ["a.png", "b.jpg", "deep/c.gif"]
    assert names(f"{photos}/**/*.gif", f"{photos}/*.png") == ["deep/c.gif", "a.png"]
    assert names(photos / "a.png", photos, photos / "a.png") == ["a.png", "b.jpg", "deep/c.gif"]


def test_own_results_are_no_inputs(photos):
    (photos / "out").mkdir()
    (photos / "out" / "a.png").write_bytes(encoded())
    assert names(photos, output=photos / "out") == ["a.png", "b.jpg", "deep/c.gif"]


def test_members_of_shards_are_named_after_them(photos, shard, tmp_path):
    shard(photos / "deep" / "pairs.tar")
    assert names(photos)[3:] == ["deep/pairs/x.png", "deep/pairs/y.png"]
    one, _ = find_inputs([str(shard())], "/out")[0]
    assert tmp_path.joinpath("pairs.tar").read_bytes()[one.start : one.start + one.size] == encoded(7)


def test_a_list_that_names_itself_says_so(tmp_path):
    (tmp_path / "a.txt").write_text("b.txt\n")
    (tmp_path / "b.txt").write_text("a.txt\nmissing.png\n")
    found, problems = find_inputs([str(tmp_path / "a.txt")], str(tmp_path / "out"))
    assert not found
    (_, looped), (_, missing) = problems
    assert str(looped) == f"{tmp_path}/a.txt: this list names itself, perhaps by way of another"
    assert "missing.png" in str(missing)


@pytest.mark.parametrize("damage", ["page", "text"])
def test_a_manifest_that_is_damaged_inside_says_so(damage, tmp_path):
    rows = manifest(tmp_path / "rows.parquet", path=["photos/a.png", "photos/b.png"])
    data = bytearray(rows.read_bytes())
    if damage == "page":
        data[4:24] = bytes(20)
    else:
        start = data.index(b"photos")
        data[start : start + 6] = b"\xff" * 6
    rows.write_bytes(data)
    found, problems = find_inputs([str(rows)], str(tmp_path / "out"))
    assert not found
    ((word, error),) = problems
    assert word == str(rows)
    assert "damaged" in str(error)


def test_a_list_and_a_manifest_are_seen_from_where_they_lie(photos, tmp_path):
    (tmp_path / "some.txt").write_text("photos/b.jpg\n\nphotos/deep\n")
    assert names(tmp_path / "some.txt") == ["b.jpg", "c.gif"]
    rows = manifest(
        tmp_path / "some.parquet",
        path=["photos/a.png", "photos/a.png", f"{photos}/b.jpg"],
        style=["photos/b.jpg", "ink", None],
        options=[None, json.dumps({"strength": 0.5}), None],
        name=["one.png", "two.png", None],
    )
    first, second, third = find_inputs([str(rows)], "/out")[0]
    assert (first.name, second.name, third.name) == ("one.png", "two.png", "b.jpg")
    assert (first.styles, second.styles, third.styles) == ((f"{photos}/b.jpg",), ("ink",), None)
    assert second.options == {"strength": 0.5}


def test_what_means_nothing_is_told_and_does_not_stop_the_rest(photos, tmp_path):
    (tmp_path / "bad.tar").write_bytes(b"no tar" * 200)
    (tmp_path / "bad.parquet").write_bytes(b"no parquet")
    rows = manifest(tmp_path / "rows.parquet", path=["photos/a.png", None, "b.png"], options=[None, None, "{"])
    odd = manifest(tmp_path / "odd.parquet", path=["a.png"], styel=["ink"])
    words = [tmp_path / "none", photos / "x*.png", tmp_path / "bad.tar", tmp_path / "bad.parquet", rows, odd]
    inputs, problems = find_inputs(list(map(str, words)), "/out")
    assert [one.name for one in inputs] == ["a.png"]
    said = [str(error) for _, error in problems]
    for place, part in enumerate([
        "none: there are no pictures there", "x*.png: there are no pictures there", "bad.tar: is no tar",
        "bad.parquet: this is no Parquet file", "a row's path is None", "the options of b.png are no JSON",
        "has a column styel; a manifest has path, style, options, name",
    ]):  # fmt: skip
        assert part in said[place]
    with pytest.raises(OptionError, match="nosuch://x: this address cannot be used"):
        find_inputs(["nosuch://x"], "/out")


def test_addresses_of_other_systems(shard):
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.pipe_file("/bucket/a.png", encoded())
    memory.pipe_file("/bucket/below/b.png", encoded())
    assert names("memory://bucket") == ["a.png", "below/b.png"]
    assert names("memory://bucket/**/*.png") == ["a.png", "below/b.png"]
    assert find_inputs(["memory://bucket/a.png"], "/out")[0][0].address == "memory:///bucket/a.png"
    with serving() as server:
        server.files["/a.png"] = File(encoded())
        assert names(f"{server.url}/a.png") == ["a.png"]
