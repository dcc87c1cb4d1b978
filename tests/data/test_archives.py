import hashlib
import io
import json
import os
import shutil
import tarfile
import zipfile
from dataclasses import replace

import pytest
from file_server import File, serving

from impasto.data import archives
from impasto.data.archives import ARCHIVES, Archive, fetch_dataset
from impasto.data.folders import list_pictures
from impasto.errors import DataError, OptionError


def zipped(root="toy/", folders=("trainA", "trainB", "testA", "testB")):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for folder in folders:
            file.writestr(f"{root}{folder}/1.jpg", f"{folder} 1".encode() * 9)
    return stream.getvalue() + b""


PACKED = zipped()
DIGEST = hashlib.sha256(PACKED).hexdigest()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("IMPASTO_OFFLINE", raising=False)
    with serving() as state:
        monkeypatch.setattr(Archive, "urls", property(lambda self: (f"{state.url}/{self.name}.zip",)))
        state.files["/toy.zip"] = File(PACKED)
        yield state


TOY = Archive(name="toy", origin="here", sha256=DIGEST, num_bytes=len(PACKED))
UNHASHED = Archive(name="toy", origin="here")


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_table():
    for name, archive in ARCHIVES.items():
        assert archive.name == name
        assert archive.origin
        if archive.kinds:
            assert archive.urls[0] == f"https://efrosgans.eecs.berkeley.edu/cyclegan/datasets/{name}.zip"
        # What nothing checks must not come without encryption.
        assert archive.sha256 or all(url.startswith("https") for url in archive.urls)
        assert archive.sha256 is None or len(archive.sha256) == 64
    assert {"monet2photo", "vangogh2photo", "horse2zebra", "apple2orange", "maps", "facades"} < ARCHIVES.keys()
    assert {"coco-train2014", "coco-val2014", "coco-val2017", "wikiart"} < ARCHIVES.keys(), "paper 004's"


def test_fetched_unpacked_and_not_fetched_again(server, tmp_path):
    calls = []
    fetched = fetch_dataset(TOY, tmp_path / "new", downloading=lambda *c: calls.append(c))
    assert fetched == archives.Fetched(folder=tmp_path / "new" / "toy", sha256=DIGEST, is_checked=True)
    assert names_in(tmp_path / "new") == ["toy"]
    assert names_in(fetched.folder) == ["source.json", "testA", "testB", "trainA", "trainB"]
    assert (fetched.folder / "trainB" / "1.jpg").read_bytes() == b"trainB 1" * 9
    assert json.loads((fetched.folder / "source.json").read_text())["sha256"] == DIGEST
    assert calls[-1] == (len(PACKED), len(PACKED))
    assert fetch_dataset(TOY, tmp_path / "new") == fetched
    assert len(server.requests) == 1


def tarred(names):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as file:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = len(name)
            file.addfile(member, io.BytesIO(name.encode()))
    return stream.getvalue()


def test_pictures_without_kinds_come_out_of_a_zip_or_a_tar(server, tmp_path, monkeypatch):
    """As MS-COCO and WikiArt lie in theirs; a download that breaks off goes on, where there is a hash."""
    monkeypatch.setattr("impasto.download.CHUNK_BYTES", 16)
    coco = Archive(name="coco", origin="here", url="/train2014.zip", kinds=False)
    art = Archive(name="art", origin="here", url="/wikiart.tar.gz", kinds=False)
    monkeypatch.setattr(Archive, "urls", property(lambda self: (f"{server.url}{self.url}",)))
    server.files["/train2014.zip"] = File(zipped("", ("train2014",)))
    packed = tarred(["wikiart/Baroque/a.jpg", "wikiart/Realism/b.jpg"])
    server.files["/wikiart.tar.gz"] = File(packed, breaks_after=len(packed) * 2 // 3)
    assert names_in(fetch_dataset(coco, tmp_path).folder) == ["1.jpg", "source.json"]
    digest = hashlib.sha256(packed).hexdigest()
    fetched = fetch_dataset(art, tmp_path, sha256=digest)
    assert names_in(fetched.folder) == ["Baroque", "Realism", "source.json"]
    assert (fetched.folder / "Baroque" / "a.jpg").read_bytes() == b"wikiart/Baroque/a.jpg"
    assert (fetched.sha256, fetched.is_checked) == (digest, True)
    assert names_in(tmp_path) == ["art", "coco"]
    assert len([request for request in server.requests if "wikiart" in request[0]]) > 1
    assert len(list_pictures([fetched.folder])) == 2
    monkeypatch.setenv("IMPASTO_OFFLINE", "1")
    with pytest.raises(DataError, match=r"wikiart\.tar\.gz elsewhere, and save it as .*other\.tar\.gz"):
        fetch_dataset(replace(art, name="other"), tmp_path)


def test_an_archive_without_a_folder_of_its_own(server, tmp_path):
    server.files["/toy.zip"] = File(zipped(""))
    assert names_in(fetch_dataset(UNHASHED, tmp_path).folder) == ["source.json", "testA", "testB", "trainA", "trainB"]


def test_a_hash_that_nobody_published_is_recorded_and_can_be_demanded(server, tmp_path):
    fetched = fetch_dataset(UNHASHED, tmp_path)
    assert (fetched.sha256, fetched.is_checked) == (DIGEST, False)
    assert fetch_dataset(UNHASHED, tmp_path, sha256=DIGEST.upper()).is_checked
    with pytest.raises(DataError, match=f"came from an archive with the SHA-256 {DIGEST}, not {'0' * 64}"):
        fetch_dataset(UNHASHED, tmp_path, sha256="0" * 64)
    with pytest.raises(OptionError, match="64 hex digits"):
        fetch_dataset(UNHASHED, tmp_path, sha256="abc")
    with pytest.raises(DataError, match="wrong SHA-256"):
        fetch_dataset(UNHASHED, tmp_path / "other", sha256="0" * 64)
    assert names_in(tmp_path / "other") == []


def test_another_file_than_the_published_one(server, tmp_path):
    server.files["/toy.zip"] = File(b"<html>moved</html>")
    with pytest.raises(DataError, match="wrong SHA-256") as caught:
        fetch_dataset(TOY, tmp_path)
    assert "\n" not in str(caught.value)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("packed", "said"),
    [
        (zipped(folders=("trainA",)), r"toy\.zip: does not hold the folders of a data set \(trainA, trainB\)$"),
        (zipped(folders=("train/A", "train/B")), "does not hold the folders of a data set"),
        (zipped("../"), "leads out"),
        (b"<html>moved</html>", "is no zip, or is damaged"),
    ],
)
def test_an_archive_of_something_else_leaves_nothing(server, tmp_path, packed, said):
    server.files["/toy.zip"] = File(packed)
    with pytest.raises(DataError, match=said):
        fetch_dataset(UNHASHED, tmp_path / "here")
    assert names_in(tmp_path / "here") == [], "or the next call would meet it again"
    assert names_in(tmp_path) == ["here"]


class KilledError(Exception):
    """Stands for a kill."""


def killed(*_):
    raise KilledError


def test_killed_while_unpacking(server, tmp_path, monkeypatch):
    # A kill leaves the archive and what is unpacked of it.
    (tmp_path / "toy.zip").write_bytes(PACKED)
    (tmp_path / ".toy.unpacking" / "trainA").mkdir(parents=True)
    with pytest.raises(KilledError):
        fetch_dataset(TOY, tmp_path, unpacking=killed)
    assert names_in(tmp_path) == ["toy.zip"]
    monkeypatch.setenv("IMPASTO_OFFLINE", "1")  # what is here already needs no network
    assert names_in(fetch_dataset(TOY, tmp_path).folder) == ["source.json", "testA", "testB", "trainA", "trainB"]
    assert names_in(tmp_path) == ["toy", "toy.zip"]
    assert server.requests == []


def test_an_archive_that_lies_there_and_is_another_one(server, tmp_path):
    (tmp_path / "toy.zip").write_bytes(b"something else")
    fetch_dataset(TOY, tmp_path)
    assert len(server.requests) == 1
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "toy.zip").write_bytes(b"something else")
    with pytest.raises(DataError, match=r"is no zip, or is damaged.*; take it away"):
        fetch_dataset(UNHASHED, tmp_path / "new")
    assert names_in(tmp_path / "new") == ["toy.zip"], "it may be somebody's"


def test_stopped_while_downloading(server, tmp_path):
    body = PACKED + os.urandom(10)
    server.files["/toy.zip"] = File(body)
    toy = replace(TOY, sha256=hashlib.sha256(body).hexdigest())
    with pytest.raises(KilledError):
        fetch_dataset(toy, tmp_path, downloading=killed)
    assert names_in(tmp_path) == [".toy.zip.partial"]
    fetch_dataset(toy, tmp_path)
    assert names_in(tmp_path) == ["toy"]


def test_a_folder_that_is_not_ours_is_left_alone(server, tmp_path):
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="not from impasto data fetch"):
        fetch_dataset(TOY, tmp_path)
    assert names_in(tmp_path / "toy") == ["mine.txt"]
    assert server.requests == []


def test_offline_and_out_of_reach(server, tmp_path, monkeypatch):
    server.files.clear()
    with pytest.raises(DataError, match="404 Not Found") as caught:
        fetch_dataset(TOY, tmp_path)
    monkeypatch.setenv("IMPASTO_OFFLINE", "1")
    with pytest.raises(DataError, match="impasto is offline") as offline:
        fetch_dataset(TOY, tmp_path)
    for error in (caught, offline):
        assert "\n" not in str(error.value)
        assert f"save it as {tmp_path / 'toy.zip'}" in str(error.value)
    # The advice works.
    (tmp_path / "toy.zip").write_bytes(PACKED)
    assert fetch_dataset(TOY, tmp_path).folder == tmp_path / "toy"


def test_too_little_room_is_said_before_the_download(server, tmp_path, monkeypatch):
    room = 2 * len(PACKED) - 1
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(0, 0, room))
    with pytest.raises(DataError, match=r"has too little room \(archive and pictures together need .* MB\)"):
        fetch_dataset(TOY, tmp_path)
    assert server.requests == []
    room += 1
    fetch_dataset(TOY, tmp_path)


def test_a_folder_that_cannot_be_written(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        fetch_dataset(TOY, tmp_path / "file")
