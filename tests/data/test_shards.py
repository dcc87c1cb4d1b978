"""Pictures inside tars: found once, read in any order, the same as from a folder, and never from what is damaged."""

import gzip
import io
import os
import pickle
import tarfile
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from impasto.data.folders import Crops, PictureStream, batches, hold_out, list_pictures
from impasto.data.shards import PackedPicture, pictures_at, pictures_in
from impasto.errors import DataError, OptionError

COUNT = 6


def encoded(number: int) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def pack(path: Path, members: dict[str, bytes], layout: int = tarfile.PAX_FORMAT) -> Path:
    with tarfile.open(path, "w", format=layout) as tar:
        folder = tarfile.TarInfo("inside")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def samples(numbers: range) -> dict[str, bytes]:
    """webdataset's layout: what is known about a picture lies beside it."""
    members = {}
    for number in numbers:
        members[f"inside/{number:04d}.png"] = encoded(number)
        members[f"inside/{number:04d}.json"] = b'{"key": 1}'
        members[f"inside/{number:04d}.txt"] = b"a painting.png"
    return members


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(tmp_path_factory.mktemp("shards") / "train-000.tar", samples(range(COUNT)))


@pytest.mark.parametrize("layout", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_pictures_and_nothing_else_are_found_and_read(tmp_path: Path, layout: int) -> None:
    long = f"inside/{'ü' * 40 if layout != tarfile.USTAR_FORMAT else 'u' * 80}.PNG"
    found = pictures_in(pack(tmp_path / "a.tar", samples(range(3)) | {long: encoded(3)}, layout))
    assert [picture.name for picture in found] == ["0000.png", "0001.png", "0002.png", Path(long).name]
    for number in (2, 0, 3, 1):
        assert found[number].read_bytes() == encoded(number)
    assert str(found[1]) == f"{tmp_path / 'a.tar'}: inside/0001.png"


def test_what_macos_packs_beside_a_picture_is_no_picture(tmp_path: Path) -> None:
    names = ["a.png", "._a.png", "__MACOSX/._a.png", ".git/b.png", "./c.jfif"]
    found = pictures_in(pack(tmp_path / "a.tar", {name: encoded(0) for name in names}))
    assert [picture.member for picture in found] == ["a.png", "./c.jfif"]


def test_a_shard_is_given_in_the_place_of_a_folder_or_lies_in_one(shard: Path, tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    (tmp_path / "a.png").write_bytes(encoded(10))
    (tmp_path / "z.png").write_bytes(encoded(11))
    pack(tmp_path / "deeper" / "b.TAR", samples(range(20, 22)))
    found = list_pictures([tmp_path, shard], shards=True)
    inside = [f"{number:04d}.png" for number in range(COUNT)]
    assert [picture.name for picture in found] == ["a.png", "0020.png", "0021.png", "z.png", *inside]
    assert list_pictures([shard, shard], shards=True) == 2 * pictures_in(shard)
    assert [path.name for path in list_pictures([tmp_path])] == ["a.png", "z.png"]
    with pytest.raises(DataError, match="there is no such folder"):
        list_pictures([shard])


def test_packed_pictures_are_held_out_sorted_and_sent_to_workers(shard: Path) -> None:
    found = pictures_in(shard)
    training, held_out = hold_out([*found, *found], 2, seed=0)
    assert (len(training), len(held_out)) == (2 * (COUNT - 2), 2)
    assert set(training).isdisjoint(held_out)
    assert sorted({*training, *held_out}) == found
    assert pickle.loads(pickle.dumps(found[3])).read_bytes() == encoded(3)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_stream_is_the_same_from_a_shard_as_from_a_folder(shard: Path, tmp_path: Path, workers: int) -> None:
    for number in range(COUNT):
        (tmp_path / f"{number:04d}.png").write_bytes(encoded(number))
    crops = Crops(side=8, zoom=(0.5, 1.5))
    loose = PictureStream(list_pictures([tmp_path]), crops, seed=3)
    packed = PictureStream(list_pictures([shard], shards=True), crops, seed=3)
    for index in (7, 0, 3 * COUNT):
        assert torch.equal(loose[index], packed[index])
    # A run that goes on draws what the uninterrupted one drew.
    whole = list(islice(batches(packed, size=3, start=0, workers=workers), 6))
    later = list(islice(batches(packed, size=3, start=4, workers=workers), 2))
    assert all(torch.equal(*pair) for pair in zip(whole[4:], later, strict=True))


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tgz"])
def test_a_compressed_shard_is_refused_wherever_it_is(shard: Path, tmp_path: Path, suffix: str) -> None:
    compressed = tmp_path / f"train{suffix}"
    compressed.write_bytes(gzip.compress(shard.read_bytes(), 1))
    for given in (compressed, tmp_path):
        with pytest.raises(DataError, match=rf"train{suffix}: is compressed, .* unpack it to a plain \.tar"):
            list_pictures([given], shards=True)


@pytest.mark.parametrize("kind", ["xz", "bz2"])
def test_other_compressions_are_recognised(shard: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "train.tar"
    with tarfile.open(path, f"w:{kind}") as tar:
        tar.add(shard, "inside.png")
    with pytest.raises(DataError, match="is compressed"):
        pictures_in(path)


def damaged_copies(whole: bytes) -> dict[str, bytes]:
    header = whole.index(b"inside/0003.png", 512)
    spoiled = bytearray(whole)
    spoiled[header + 100 : header + 108] = b"garbage!"
    return {
        "empty": b"",
        "text": b"no tar at all",
        "long text": b"no tar at all" * 1000,
        "cut in a picture": whole[: header + 700],
        "cut in a header": whole[: header + 100],
        "cut between members": whole[:header],
        "a spoiled header": bytes(spoiled),
    }


@pytest.mark.parametrize("kind", ["empty", "text", "long text", "cut in a picture", "cut in a header",
                                  "cut between members", "a spoiled header"])  # fmt: skip
def test_a_damaged_shard_is_refused_and_named(tmp_path: Path, kind: str) -> None:
    path = pack(tmp_path / "train.tar", samples(range(COUNT)), tarfile.USTAR_FORMAT)
    path.write_bytes(damaged_copies(path.read_bytes())[kind])
    with pytest.raises(DataError, match=rf"^{path}: is (no tar, or is damaged|cut short or damaged)"):
        list_pictures([path], shards=True)


def test_a_shard_without_pictures_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path / "train.tar", {"a.txt": b"text"})
    for given in (path, tmp_path):
        with pytest.raises(DataError, match=f"{given}: holds no pictures"):
            list_pictures([given], shards=True)


def test_a_shard_that_changes_during_the_run_is_named(tmp_path: Path) -> None:
    path = pack(tmp_path / "train.tar", samples(range(2)) | {"bad.png": b"no picture"})
    found = pictures_in(path)
    with pytest.raises(DataError, match=r"train\.tar: bad\.png: it is not a picture"):
        PictureStream([found[2]], Crops(side=8), seed=0)[0]
    os.truncate(path, found[1].start + 10)
    with pytest.raises(DataError, match=r"train\.tar: inside/0001\.png: .*the shard ends within it"):
        PictureStream([found[1]], Crops(side=8), seed=0)[0]
    path.unlink()
    with pytest.raises(DataError, match=r"train\.tar: inside/0000\.png: there is no such file"):
        PictureStream([found[0]], Crops(side=8), seed=0)[0]


def test_a_picture_is_a_range_of_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(b"0123456789")
    assert PackedPicture(tmp_path / "a.tar", "x/y.png", 3, 4).read_bytes() == b"3456"


# --- elsewhere -------------------------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(tmp_path: Path) -> str:
    """The address of two shards, which are read as those of an object store are: by ranges."""
    for number in (8, 9, 10):
        pack(tmp_path / f"train-{number:03d}.tar", samples(range(2 * number, 2 * number + 2)))
    return f"file://{tmp_path}/train-{{008..010}}.tar"


def test_shards_elsewhere_are_listed_by_their_headers_and_read_by_ranges(elsewhere: str) -> None:
    found = pictures_at([elsewhere])
    assert [picture.name for picture in found] == [f"{number:04d}.png" for number in range(16, 22)]
    assert str(found[-1]) == elsewhere.replace("{008..010}", "010") + ": inside/0021.png"
    assert [picture.read_bytes() for picture in found] == [encoded(number) for number in range(16, 22)]


def test_a_stream_is_the_same_from_elsewhere_and_resumes(elsewhere: str, tmp_path: Path) -> None:
    crops = Crops(side=8, zoom=(0.5, 1.5))
    far = PictureStream(pictures_at([elsewhere]), crops, seed=3)
    near = PictureStream(list_pictures([tmp_path], shards=True), crops, seed=3)
    indices = [*range(4, 15), 0]  # over the end of a round, and back
    assert all(torch.equal(one, near[index]) for one, index in zip(far.__getitems__(indices), indices, strict=True))
    whole = list(islice(batches(far, size=3, start=0), 5))
    later = list(islice(batches(far, size=3, start=3), 2))
    assert all(torch.equal(*pair) for pair in zip(whole[3:], later, strict=True))
    # Two machines share what one would learn from.
    halves = [next(batches(far, size=3, start=1, rank=rank, world_size=2)) for rank in range(2)]
    assert torch.equal(torch.cat(halves), torch.cat(list(islice(batches(near, size=3, start=2), 2))))


def test_what_is_wrong_elsewhere_is_said(elsewhere: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train-011\.tar: it cannot be read: there is no such file"):
        pictures_at([elsewhere.replace("010}", "011}")])
    with pytest.raises(DataError, match=r"\{010..008\} means no number"):
        pictures_at([elsewhere.replace("{008..010}", "{010..008}")])
    with pytest.raises(OptionError, match="nowhere://x"):
        pictures_at(["nowhere://x.tar"])
    (tmp_path / "none.tar").write_bytes(pack(tmp_path / "n.tar", {"a.txt": b"text"}).read_bytes())
    with pytest.raises(DataError, match=r"none\.tar: holds no pictures"):
        pictures_at([f"file://{tmp_path}/none.tar"])
    found = pictures_at([elsewhere])
    os.truncate(tmp_path / "train-008.tar", found[0].start + 10)
    with pytest.raises(DataError, match=r"train-008\.tar: its shard has changed since it was listed"):
        PictureStream(found[:1], Crops(side=8), seed=0)[0]
