import hashlib
import io
import json
import os
import shutil
import zipfile
from dataclasses import replace

import pytest
from file_server import File, serving

from impasto.data import archives
from impasto.data.archives import ARCHIVES, Archive, fetch_dataset
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
        assert archive.urls[0] == f"https://efrosgans.eecs.berkeley.edu/cyclegan/datasets/{name}.zip"
        # What nothing checks must not come without encryption.
        assert all(url.startswith("https") for url in archive.urls) == (archive.sha256 is None)
        assert archive.sha256 is None or len(archive.sha256) == 64
    assert {"monet2photo", "vangogh2photo", "horse2zebra", "apple2orange", "maps", "facades"} < ARCHIVES.keys()


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


def test_an_archive_without_a_folder_of_its_own(server, tmp_path):
    server.files["/toy.zip"] = File(zipped(""))
    fetched = fetch_dataset(UNHASHED, tmp_path)
    assert names_in(fetched.folder) == ["source.json", "testA", "testB", "trainA", "trainB"]
    assert not fetched.is_checked


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
    with pytest.raises(DataError, match="is no zip, or is damaged"):
        fetch_dataset(UNHASHED, tmp_path)
    assert names_in(tmp_path) == [], "or the next call would meet it again"


@pytest.mark.parametrize("folders", [("trainA",), ("train/A", "train/B")])
def test_an_archive_of_something_else(server, tmp_path, folders):
    server.files["/toy.zip"] = File(zipped(folders=folders))
    with pytest.raises(DataError, match=r"toy\.zip: does not hold the folders of a data set \(trainA, trainB\)$"):
        fetch_dataset(UNHASHED, tmp_path)
    assert names_in(tmp_path) == []


def test_evil_archives_leave_nothing(server, tmp_path):
    server.files["/toy.zip"] = File(zipped("../"))
    with pytest.raises(DataError, match="leads out"):
        fetch_dataset(UNHASHED, tmp_path / "here")
    assert names_in(tmp_path / "here") == []
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
