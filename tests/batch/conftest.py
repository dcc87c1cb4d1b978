"""Small pictures, and batches of them in this process by a method that only darkens."""

import io
import os
import tarfile

import pytest
import torch
from fake_stylizer import Darkener
from picture_files import encoded

pytest.importorskip("fsspec")
pytest.importorskip("pyarrow")

from impasto import api
from impasto.batch import local
from impasto.batch.run import Batch
from impasto.batch.task import Settings
from impasto.methods import StylizeOptions


@pytest.fixture(autouse=True)
def same_threads(monkeypatch):
    """A worker sets how many there are, for its process."""
    monkeypatch.setenv("OMP_NUM_THREADS", os.environ["OMP_NUM_THREADS"])
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def darkener(monkeypatch):
    stylizer = Darkener()
    monkeypatch.setattr(api, "load", lambda *_, **__: stylizer)
    return stylizer


@pytest.fixture
def photos(tmp_path):
    """a.png, b.jpg and deep/c.gif, and what is no picture."""
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    for number, (name, kind) in enumerate({"a.png": "PNG", "b.jpg": "JPEG", "deep/c.gif": "GIF"}.items()):
        (folder / name).write_bytes(encoded(number, kind=kind))
    (folder / ".hidden" / "d.png").write_bytes(encoded())
    (folder / "notes.md").write_text("no picture")
    return folder


@pytest.fixture
def shard(tmp_path):
    """A tar of x.png and y.png."""

    def make(path=tmp_path / "pairs.tar", names=("x.png", "y.png")):
        with tarfile.open(path, "w") as tar:
            for number, name in enumerate(names):
                data = encoded(number + 7)
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
        return path

    return make


@pytest.fixture
def batch(darkener):
    """{output's name: row} of a batch."""

    def paint(*words, output, style=("swirls",), suffix=None, per_shard=1000, **how):
        options = StylizeOptions(strength=how.pop("strength", 1.0))
        made = Batch(
            list(map(str, words)), Settings(pixel_limit=10**6, **how), output=str(output), options=options,
            styles=style, format=suffix, per_shard=per_shard,
        )  # fmt: skip
        rows = list(made.run(lambda chunks, settings: local.run(chunks, settings, 1)))
        assert len(rows) == made.total
        return {(row.output or row.input).rpartition("/")[2]: row for row in rows}

    return paint


@pytest.fixture
def states(batch):
    """{output's name: state} of one."""
    return lambda *words, **how: {name: row.state for name, row in batch(*words, **how).items()}
