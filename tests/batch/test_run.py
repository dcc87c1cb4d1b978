"""A batch from its words to its ledger, in this process."""

import os
import pickle
import tarfile

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from file_server import File, serving
from picture_files import encoded

from impasto import addresses, image
from impasto.batch import steps
from impasto.batch.run import Batch
from impasto.batch.task import Settings
from impasto.errors import ImpastoError, OptionError, PictureError, WeightsError
from impasto.methods import StylizeOptions
from impasto.record import read_record


def rows_of(ledger):
    return {row["output"].rpartition("/")[2]: row for row in pq.read_table(ledger).to_pylist()}


def files(folder):
    """{path: bytes} of all but the ledger."""
    paths = [path for path in folder.rglob("*.[pjg]*") if path.is_file() and path.suffix != ".parquet"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_a_folder_is_painted_with_its_paths_kept(photos, tmp_path, batch):
    batch(photos, output=tmp_path / "out")
    assert sorted(files(tmp_path / "out")) == ["a.png", "b.jpg", "deep/c.gif.png"]
    assert (tmp_path / "out" / "ledger.parquet").is_file()
    painted, before = (image.read(folder / "a.png").pixels for folder in (tmp_path / "out", photos))
    assert abs(painted - before / 2).max() <= 0.5 / 255 + 1e-6
    assert read_record(tmp_path / "out" / "a.png")["content"] == "a.png"
    assert "seconds" not in read_record(tmp_path / "out" / "a.png")


def test_what_is_there_is_skipped_by_the_ledger_or_by_itself(photos, tmp_path, states, darkener):
    out = tmp_path / "out"
    first = states(photos, output=out)
    before = files(out)
    assert {*first.values()} == {"done"}
    assert {*states(photos, output=out).values()} == {"skipped"}
    (out / "ledger.parquet").unlink()
    assert {*states(photos, output=out).values()} == {"skipped"}
    assert sum(darkener.batches) == 3
    (out / "a.png").unlink()
    assert states(photos, output=out) == {"a.png": "done", "b.jpg": "skipped", "c.gif.png": "skipped"}
    assert files(out) == before


def test_other_settings_and_other_contents_replace_only_if_allowed(photos, tmp_path, batch):
    out = tmp_path / "out"
    batch(photos, output=out)
    before = files(out)
    (photos / "a.png").write_bytes(encoded(99))
    rows = batch(photos, output=out)
    assert (rows["a.png"].state, rows["b.jpg"].state) == ("failed", "skipped")
    assert rows["a.png"].reason.endswith("something else than this painting lies there; --overwrite replaces it")
    assert {row.state for row in batch(photos, output=out, strength=0.5).values()} == {"failed"}
    assert files(out)["b.jpg"] == before["b.jpg"]
    assert {row.state for row in batch(photos, output=out, strength=0.5, overwrite=True).values()} == {"done"}
    assert files(out)["b.jpg"] != before["b.jpg"]
    (out / "b.jpg").write_bytes(b"somebody's")
    assert batch(photos, output=out, strength=0.5)["b.jpg"].state == "failed"
    assert (out / "b.jpg").read_bytes() == b"somebody's"


def test_bad_pictures_stop_nothing_and_the_ledger_says_why(photos, tmp_path, batch):
    (photos / "bad.png").write_text("text")
    out = tmp_path / "out"
    rows = batch(photos, tmp_path / "none.png", output=out)
    assert {name: row.state for name, row in rows.items()} == {
        "a.png": "done", "b.jpg": "done", "c.gif.png": "done", "bad.png": "failed", "none.png": "failed"
    }  # fmt: skip
    batch(photos, output=out)
    table = rows_of(out / "ledger.parquet")
    assert (table["bad.png"]["state"], table["bad.png"]["attempt"]) == ("failed", 2)
    assert "it is not a picture" in table["bad.png"]["reason"]
    assert (table["a.png"]["state"], table["a.png"]["attempt"]) == ("skipped", 1)
    (photos / "bad.png").write_bytes(encoded())
    assert batch(photos, output=out)["bad.png"].attempt == 3
    assert len(rows_of(out / "ledger.parquet")) == 4
    (out / "ledger.parquet").write_bytes(b"mine")
    with pytest.raises(PictureError, match="this is no ledger of impasto batch"):
        batch(photos, output=out)
    assert (out / "ledger.parquet").read_bytes() == b"mine"


def test_a_manifest_gives_every_picture_its_own_style_and_options(photos, tmp_path, batch):
    table = pa.table({
        "path": ["photos/a.png", "photos/a.png", "photos/b.jpg", "photos/deep/c.gif"],
        "options": [None, '{"strength": 0.5}', '{"strength": 9}', None],
        "name": ["one.png", "two.png", "three.png", "four.png"],
        "style": [["ink"], ["ink", "cubes"], None, ["nostyle"]],
    })  # fmt: skip
    pq.write_table(table, tmp_path / "m.parquet")
    rows = batch(tmp_path / "m.parquet", output=tmp_path / "out", style=("swirls",))
    assert [row.state for row in rows.values()].count("failed") == 2
    reasons = sorted(row.reason for row in rows.values())
    assert reasons[2].startswith("nostyle: there is no such file")
    assert reasons[3].startswith("strength is 9")
    records = [read_record(tmp_path / "out" / name) for name in ("one.png", "two.png")]
    assert [record["style"] for record in records] == [["ink"], ["ink", "cubes"]]
    assert records[1]["options"]["strength"] == 0.5


def test_shards_in_and_out(shard, tmp_path, states, darkener):
    out = tmp_path / "out" / "painted.tar"
    source = shard(names=("x.png", "y.png", "z.png"))
    assert {*states(source, output=out, per_shard=2).values()} == {"done"}
    made = {path.name: path.read_bytes() for path in sorted((tmp_path / "out").iterdir())}
    assert list(made) == ["painted-000000.tar", "painted-000001.tar", "painted.ledger.parquet"]
    with tarfile.open(tmp_path / "out" / "painted-000000.tar") as tar:
        assert tar.getnames() == ["pairs/x.png", "pairs/y.png"]
    for ledger in (True, False):
        if not ledger:
            (tmp_path / "out" / "painted.ledger.parquet").unlink()
        assert {*states(source, output=out, per_shard=2).values()} == {"skipped"}
    assert sum(darkener.batches) == 3
    assert {*states(source, output=out, per_shard=2, strength=0.5).values()} == {"failed"}
    for name in ("painted-000000.tar", "painted-000001.tar"):
        assert (tmp_path / "out" / name).read_bytes() == made[name]
    assert {*states(source, output=out, per_shard=2, strength=0.5, overwrite=True).values()} == {"done"}


def test_a_shard_with_a_failure_is_completed_later(tmp_path, states, photos, darkener):
    good = (photos / "a.png").read_bytes()
    (photos / "a.png").write_bytes(b"text")
    out = tmp_path / "painted.tar"
    assert sorted(states(photos, output=out).values()) == ["done", "done", "failed"]
    (photos / "a.png").write_bytes(good)
    assert sorted(states(photos, output=out).values()) == ["done", "skipped", "skipped"]
    assert sum(darkener.batches) == 3
    resumed = (tmp_path / "painted-000000.tar").read_bytes()
    states(photos, output=tmp_path / "anew.tar")
    assert resumed == (tmp_path / "anew-000000.tar").read_bytes()


def test_from_one_system_to_another(tmp_path, states, photos):
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    with serving() as server:
        for name in ("a.png", "b.jpg"):
            server.files[f"/{name}"] = File((photos / name).read_bytes())
        words = [f"{server.url}/{name}" for name in ("a.png", "b.jpg", "none.png")]
        assert states(*words, output="memory://bucket/out") == {"a.png": "done", "b.jpg": "done", "none.png": "failed"}
        assert {*states(*words[:2], output="memory://bucket/out").values()} == {"skipped"}
        with pytest.raises(OptionError, match="http is for reading"):
            states(*words, output=server.url)
    states(photos, output=tmp_path / "out")
    for name in ("a.png", "b.jpg"):
        assert memory.cat_file(f"/bucket/out/{name}") == (tmp_path / "out" / name).read_bytes()
    ledger = pa.BufferReader(memory.cat_file("/bucket/out/ledger.parquet"))
    assert pq.read_table(ledger).num_rows == 2


def test_a_style_may_lie_anywhere_and_counts_by_what_it_holds(tmp_path, states, photos):
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/styles/s.png", encoded(5))
    assert {*states(photos, output=tmp_path / "out", style=("memory://styles/s.png",)).values()} == {"done"}
    (tmp_path / "s.png").write_bytes(encoded(5))
    assert {*states(photos, output=tmp_path / "out", style=(str(tmp_path / "s.png"),)).values()} == {"skipped"}
    (tmp_path / "s.png").write_bytes(encoded(6))
    assert {*states(photos, output=tmp_path / "out", style=(str(tmp_path / "s.png"),)).values()} == {"failed"}


def test_inputs_are_never_overwritten(photos, tmp_path, states):
    before = files(photos)
    with pytest.raises(OptionError, match="is read, and would be written"):
        states(photos / "a.png", output=photos, overwrite=True)
    (tmp_path / "link").symlink_to(photos)
    assert {*states(photos / "a.png", output=tmp_path / "link", overwrite=True).values()} == {"failed"}
    assert files(photos) == before


def test_two_pictures_never_get_one_name(photos, shard, tmp_path, states):
    (photos / "c.gif").write_bytes(encoded(kind="GIF"))
    with pytest.raises(OptionError, match=r"would both be written to .*c\.gif\.png; the column name"):
        states(photos / "c.gif", photos / "deep" / "c.gif", output=tmp_path / "out")
    rows = pa.table({"path": ["photos/a.png"], "name": ["../a.png"]})
    pq.write_table(rows, tmp_path / "m.parquet")
    (state,) = states(tmp_path / "m.parquet", output=tmp_path / "out").values()
    assert state == "failed"


def test_formats_and_bits(photos, tmp_path, states):
    states(photos, output=tmp_path / "out", suffix="png", bits=16)
    assert sorted(files(tmp_path / "out")) == ["a.png", "b.jpg.png", "deep/c.gif.png"]
    assert (tmp_path / "out" / "a.png").read_bytes()[24] == 16


def test_what_every_painting_would_meet_ends_the_run(photos, tmp_path, batch, monkeypatch):
    def fail(*_, **__):
        raise WeightsError("no weights here")

    monkeypatch.setattr(steps.api, "load", fail)
    with pytest.raises(ImpastoError, match="no weights here"):
        batch(photos, output=tmp_path / "out")
    assert rows_of(tmp_path / "out" / "ledger.parquet")["a.png"]["reason"] == "no weights here"


def test_only_what_may_pass_is_tried_again(monkeypatch, tmp_path):
    monkeypatch.setattr(addresses, "FIRST_PAUSE", 0)
    tries = []

    def broken():
        tries.append(1)
        raise ConnectionResetError("reset")

    with pytest.raises(PictureError, match="memory://x: it cannot be read: reset"):
        addresses.explained("memory://x", broken, "read")
    assert len(tries) == addresses.TRIES
    tries.clear()

    def later():
        tries.append(1)
        if len(tries) < addresses.TRIES:
            raise TimeoutError
        return "read"

    assert addresses.explained("memory://x", later, "read") == "read"
    tries.clear()
    with pytest.raises(PictureError, match="there is no such file"):
        addresses.explained("memory://x", lambda: tries.append(1) or addresses.read(str(tmp_path / "none")), "read")
    assert len(tries) == 1


@pytest.mark.parametrize("batch_pixels", [0, 10**6])
def test_steps_apart_make_what_steps_together_do(photos, tmp_path, batch, darkener, batch_pixels):
    (photos / "deep" / "large.png").write_bytes(encoded(8, size=(20, 30)))
    (photos / "deep" / "bad.png").write_bytes(b"text")
    expected = batch(photos, output=tmp_path / "together")
    apart = {"output": str(tmp_path / "apart"), "options": StylizeOptions(), "styles": ("swirls",)}
    planned = Batch([str(photos)], Settings(pixel_limit=10**6), **apart)
    (chunk,), settings = planned.chunks, planned.settings
    painter = steps.PaintStep(settings)
    painter._batch_pixels = batch_pixels
    darkener.batches.clear()
    works = pickle.loads(pickle.dumps(list(steps.read(chunk, settings))))
    painted = pickle.loads(pickle.dumps(list(painter(works))))
    rows = list(steps.write(painted, settings))
    assert [row.number for row in rows] == list(range(5))
    assert sorted(row.state for row in rows) == sorted(row.state for row in expected.values())
    assert darkener.batches == ([3, 1] if batch_pixels else [1, 1, 1, 1])
    assert files(tmp_path / "together") == files(tmp_path / "apart")


def test_a_shard_that_has_changed_is_told(shard, tmp_path, batch, monkeypatch):
    path = shard()
    find = addresses.read

    def cut(address, start=None, size=None):
        if start is not None:
            os.truncate(path, 513)  # of the first member's data one byte is left, whichever thread comes first
        return find(address, start, size)

    monkeypatch.setattr(steps.addresses, "read", cut)
    rows = batch(path, output=tmp_path / "out")
    assert "its shard has changed since it was listed" in rows["x.png"].reason
