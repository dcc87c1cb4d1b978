import hashlib
import io
import struct
import tarfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from impasto.data import check
from impasto.data.check import PictureFacts, check_pictures, warnings_of, write_cache
from impasto.data.folders import list_pictures


def draw(path, seed=0, size=(40, 30)):
    path.parent.mkdir(exist_ok=True, parents=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_size_and_hash_of_every_format(tmp_path):
    paths = [draw(tmp_path / f"a{suffix}") for suffix in (".png", ".jpg", ".webp", ".bmp", ".tif")]
    findings = check_pictures({"": paths})
    assert findings.unreadable == []
    assert findings.facts == {
        path: PictureFacts(40, 30, hashlib.sha256(path.read_bytes()).hexdigest()) for path in paths
    }


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp", ".tif"])
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: data[: len(data) // 2], "it is"),
        (lambda data: data[:-20], "it is"),
        (lambda data: b"", "it is empty"),
        (lambda data: b"text", "it is not a picture"),
    ],
)
def test_what_cannot_be_decoded_is_found(tmp_path, suffix, damage, reason):
    path = draw(tmp_path / f"a{suffix}", size=(100, 80))
    path.write_bytes(damage(path.read_bytes()))
    try:
        Image.open(io.BytesIO(path.read_bytes())).convert("RGB")
    except (OSError, SyntaxError, ValueError):
        findings = check_pictures({"": [path]})
        [(found, said)] = findings.unreadable
        assert found == path
        assert said.startswith(reason)
        assert findings.pictures == {"": []}
    else:
        assert suffix in (".png", ".webp"), "such a file is decoded by training as well"


def test_a_flipped_byte_in_a_png_is_found(tmp_path):
    path = draw(tmp_path / "a.png")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert [picture for picture, _ in check_pictures({"": [path]}).unreadable] == [path]


@pytest.mark.parametrize(
    "spoil", [lambda z: z[: len(z) // 2], lambda z: z[:-1] + b"?", lambda z: zlib.compress(b"\0" * 500)]
)
def test_a_broken_stream_in_sound_chunks_is_found(tmp_path, spoil):
    path = draw(tmp_path / "a.png")
    data = path.read_bytes()
    start = data.index(b"IDAT")
    [length] = struct.unpack(">I", data[start - 4 : start])
    body = b"IDAT" + spoil(data[start + 4 : start + 4 + length])
    path.write_bytes(
        data[: start - 4] + struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)) + data[-12:]
    )
    with Image.open(path) as image:
        image.verify()  # or something else is broken
    [(found, said)] = check_pictures({"": [path]}).unreadable
    assert (found, said.startswith("it is cut short or damaged")) == (path, True)


def test_what_training_refuses_is_found(tmp_path):
    path = tmp_path / "a.tif"
    Image.fromarray(np.full((4, 4), np.nan, np.float32)).save(path)
    [(_, said)] = check_pictures({"": [path]}).unreadable
    assert said == "it holds values that are not numbers (NaN or infinity)"


def test_a_file_that_is_gone(tmp_path):
    [(_, said)] = check_pictures({"": [tmp_path / "a.png"]}).unreadable
    assert said == "there is no such file"


def test_copies_within_and_between_kinds(tmp_path):
    one, two = draw(tmp_path / "A" / "1.png", 1), draw(tmp_path / "A" / "2.png", 2)
    same, other = draw(tmp_path / "A" / "3.png", 1), draw(tmp_path / "testA" / "x.png", 2)
    findings = check_pictures({"A": [one, two, same, two], "testA": [other, draw(tmp_path / "testA" / "y.png", 3)]})
    assert [(copy.kinds, copy.first, copy.second) for copy in findings.copies] == [
        (("A", "A"), one, same),
        (("A", "testA"), two, other),
    ]
    first, second, few = warnings_of(findings)
    assert first.startswith("A: 1 files have the bytes of another one")
    assert str(same) in first
    assert second.startswith("1 pictures of testA are also in A, byte by byte: what is measured")
    assert few == "A: 3 pictures are few: expect the networks to know them by heart"


def test_few_and_small_pictures(tmp_path, monkeypatch):
    paths = [draw(tmp_path / f"{n}.png", n, (10 + n, 40)) for n in range(4)]
    findings = check_pictures({"A": paths, "B": paths[:1] * 2, "testB": paths[1:3]})
    assert findings.smaller_than(12) == {"A": paths[:2], "B": paths[:1], "testB": paths[1:2]}
    assert findings.smaller_than(10) == {}
    said = [line for line in warnings_of(findings, side=12) if "byte" not in line]
    assert said[0].startswith("A: 4 pictures are few")
    assert said[1] == (
        f"A: 2 of 4 pictures are smaller than a crop of 12 pixels and will be enlarged (the smallest is {paths[0]},"
        " 10 x 40)"
    )
    # A single picture is meant, and the size of a test set is no fault.
    assert not any(line.startswith(("B: 1 pictures are few", "testB: 2 pictures are few")) for line in said)
    monkeypatch.setattr(check, "FEW", 4)
    assert not any("are few:" in line for line in warnings_of(findings))


def test_what_has_not_changed_is_not_read_again(tmp_path, monkeypatch):
    paths = [draw(tmp_path / f"{n}.png", n) for n in range(3)]
    cache = tmp_path / "cache.json"
    first = check_pictures({"": paths}, cache=cache)
    write_cache(cache, first)
    read = []
    look = check._look
    monkeypatch.setattr(check, "_look", lambda picture: read.append(picture) or look(picture))
    assert check_pictures({"": paths}, cache=cache) == first
    assert read == []
    draw(paths[1], 9)
    paths.append(draw(tmp_path / "new.png", 7))
    again = check_pictures({"": paths}, cache=cache)
    assert sorted(read) == [paths[1], paths[3]]
    assert again.facts[paths[1]].sha256 == hashlib.sha256(paths[1].read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"version": 1, "pictures": {"a": 1}}', '{"version": 0, "pictures": {}}']
)
def test_a_damaged_cache_is_no_error(tmp_path, content):
    (tmp_path / "cache.json").write_text(content)
    path = draw(tmp_path / "a.png")
    assert list(check_pictures({"": [path]}, cache=tmp_path / "cache.json").facts) == [path]


def test_pictures_in_shards(tmp_path):
    draw(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"nothing")
    with tarfile.open(tmp_path / "shard.tar", "w") as tar:
        for name in ("a.png", "b.png"):
            tar.add(tmp_path / name, name)
    pictures = list_pictures([tmp_path / "shard.tar"], shards=True)
    cache = tmp_path / "cache.json"
    calls = []
    findings = check_pictures({"": pictures}, cache=cache, progress=lambda *call: calls.append(call))
    assert list(findings.facts) == pictures[:1]
    assert [str(picture) for picture, _ in findings.unreadable] == [f"{tmp_path / 'shard.tar'}: b.png"]
    assert calls == [(1, 2), (2, 2)]
    write_cache(cache, findings)
    assert check_pictures({"": pictures}, cache=cache) == findings


def test_a_picture_stands_for_a_folder_of_one(tmp_path):
    path = draw(tmp_path / "a.PNG")
    assert list_pictures([path]) == [path]
    assert list_pictures([path, path], shards=True) == [path, path]
    assert all(isinstance(one, Path) for one in list_pictures([str(path)]))
