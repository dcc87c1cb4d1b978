import hashlib
import io
import zipfile

import pytest
from file_server import File, serving

from impasto.data.archives import ARCHIVES, Archive


@pytest.fixture
def toy(monkeypatch, draw, folder):
    """The data set `toy` on a local server."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for number, name in enumerate(("trainA", "trainB")):
            file.writestr(f"toy/{name}/1.png", draw(folder / "x.png", number).read_bytes())
    with serving() as server:
        monkeypatch.setattr(Archive, "urls", property(lambda self: (f"{server.url}/{self.name}.zip",)))
        monkeypatch.setitem(ARCHIVES, "toy", Archive(name="toy", origin="here"))
        server.files["/toy.zip"] = File(stream.getvalue())
        yield hashlib.sha256(stream.getvalue()).hexdigest()


def test_list(impasto):
    lines = impasto("data", "list").out.splitlines()
    assert [line.split()[0] for line in lines] == list(ARCHIVES)
    [monet] = [line for line in lines if line.startswith("monet2photo")]
    assert "305 MB" in monet
    assert monet.endswith("A: paintings from WikiArt; B: landscape photographs from Flickr (used by Sun)")
    [apples] = [line for line in lines if line.startswith("apple2orange")]
    assert apples.endswith("A: apples; B: oranges; from ImageNet (used by Zhang, Xue and Fu, as Orange2apple)")
    [cat] = [line for line in lines if line.startswith("grumpifycat")]
    assert "no hash of it is published" in cat


def test_fetch_then_check(toy, impasto, folder):
    outcome = impasto("data", "fetch", "toy")
    assert (outcome.code, outcome.out) == (0, "datasets/toy\n")
    assert f"what came has the SHA-256 {toy}" in outcome.err
    outcome = impasto("data", "fetch", "toy", "--sha256", toy)
    assert (outcome.code, outcome.out, outcome.err) == (0, "datasets/toy\n", "")
    outcome = impasto("data", "check", "datasets/toy", "--crop", "20")
    assert (outcome.code, outcome.out) == (
        0, "A: 1 pictures, shorter sides from 24 to 24 pixels\nB: 1 pictures, shorter sides from 24 to 24 pixels\n"
    )  # fmt: skip


def test_fetch_fails_in_words(toy, impasto, monkeypatch):
    assert impasto("data", "fetch", "toy", "--sha256", "12").code == 2
    outcome = impasto("data", "fetch", "toy", "--sha256", "0" * 64)
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    monkeypatch.setenv("IMPASTO_OFFLINE", "1")
    outcome = impasto("data", "fetch", "toy")
    assert (outcome.code, outcome.err.count("\n"), "impasto is offline" in outcome.err) == (1, 1, True)


def test_check_names_what_is_wrong(impasto, folder, draw):
    for kind in ("trainA", "trainB", "testA"):
        (folder / "set" / kind).mkdir(parents=True)
        draw(folder / "set" / kind / "1.png", 3 if kind == "trainB" else 2)
    (folder / "set" / "trainB" / "bad.png").write_bytes(b"nothing")
    outcome = impasto("data", "check", "set")
    assert outcome.code == 1
    lines = outcome.out.splitlines()
    assert lines[:3] == [f"{kind}: 1 pictures, shorter sides from 24 to 24 pixels" for kind in ("A", "B", "testA")]
    assert lines[3].startswith("1 pictures of testA are also in A, byte by byte")
    assert lines[4].startswith("A: 1 of 1 pictures are smaller than a crop of 256 pixels")
    assert lines[-1] == "copy: set/testA/1.png is set/trainA/1.png"
    assert outcome.err.splitlines() == [
        "impasto: 1 of 4 pictures cannot be read:",
        "  set/trainB/bad.png: it is not a picture, or damaged, or of an unknown format; known are JPEG, PNG, WebP,"
        " TIFF, BMP, GIF, AVIF",
    ]


def test_check_of_several_folders(impasto, folder, draw):
    for kind in ("set/trainA", "set/trainB", "more"):
        (folder / kind).mkdir(parents=True)
        draw(folder / kind / "1.png", len(kind))
    outcome = impasto("data", "check", "set", "more", "--crop", "1")
    assert outcome.code == 0
    assert [line.split(":")[0] for line in outcome.out.splitlines()] == [
        "set/A", "set/B", "more",
        "1 pictures of set/B are also in set/A, byte by byte (set/trainB/1.png is set/trainA/1.png)",
        "copy",
    ]  # fmt: skip
