import io
import os
import shutil
import stat
import tarfile
import zipfile

import pytest

from impasto.data import unpack
from impasto.data.unpack import unpack_tar, unpack_zip
from impasto.errors import DataError


def packed(path, members, compression=zipfile.ZIP_STORED):
    """members: names, or ZipInfo, with contents."""
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members:
            file.writestr(name, content)
    return path


def of_kind(name, mode):
    info = zipfile.ZipInfo(name)
    info.create_system = 3  # Unix, whose modes can say that something is a link
    info.external_attr = mode << 16
    return info


def files_in(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_files_and_folders_come_out_as_they_went_in(tmp_path):
    content = os.urandom(3_000_000)
    members = [("d/trainA/", b""), ("d/trainA/Ä.jpg", content), ("d/b.txt", b"b"), ("d/empty", b"")]
    calls = []
    archive = packed(tmp_path / "a.zip", [*members, ("__MACOSX/d/._b.txt", b"x"), ("d/.DS_Store", b"x")])
    unpack_zip(archive, tmp_path / "out", progress=lambda *call: calls.append(call))
    assert files_in(tmp_path / "out") == {"d/trainA/Ä.jpg": content, "d/b.txt": b"b", "d/empty": b""}
    assert calls[-1] == (3_000_001, 3_000_001)


def test_permissions_are_not_taken_over(tmp_path):
    unpack_zip(packed(tmp_path / "a.zip", [(of_kind("a", stat.S_IFREG | 0o4777), b"a")]), tmp_path / "out")
    assert (tmp_path / "out" / "a").stat().st_mode & 0o7111 == 0


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([("../evil.jpg", b"x")], "leads out"),
        ([("trainA/../../evil.jpg", b"x")], "leads out"),
        ([("a//b.jpg", b"x")], "leads out"),
        ([("/evil.jpg", b"x")], "absolute"),
        ([("C:/evil.jpg", b"x")], "absolute"),
        ([("..\\evil.jpg", b"x")], "absolute"),
        ([("a\nb", b"x")], "cannot be said"),
        ([(of_kind("link", stat.S_IFLNK | 0o777), b"/etc/passwd")], "is a link"),
        ([(of_kind("pipe", stat.S_IFIFO | 0o666), b"")], "is a link, or no plain file"),
        ([("a.jpg", b"x"), ("A.JPG", b"y")], "differs from 'a.jpg' by upper and lower case"),
        ([("É.jpg", b"x"), ("E\u0301.jpg", b"y")], "differs from"),
        ([("a/x.jpg", b"x"), ("A/y.jpg", b"y")], "differs from 'a' by upper and lower case"),
        ([("a", b"x"), ("a/b", b"y")], "a file and a folder"),
        ([("good.jpg", b"x"), ("bomb", bytes(70_000_000))], "times the archive.s size"),
    ],
)  # fmt: skip
def test_evil_archives_are_refused_before_anything_is_written(tmp_path, members, reason):
    compression = zipfile.ZIP_DEFLATED if "bomb" in dict(members) else zipfile.ZIP_STORED
    archive = packed(tmp_path / "a.zip", members, compression)
    with pytest.raises(DataError, match=reason):
        unpack_zip(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_names_that_are_there_twice_are_refused(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"):
        archive = packed(tmp_path / "a.zip", [("a.jpg", b"x"), ("a.jpg", b"y")])
    with pytest.raises(DataError, match="is there twice"):
        unpack_zip(archive, tmp_path / "out")


def test_a_size_that_the_archive_lies_about_is_not_exceeded(tmp_path):
    archive = packed(tmp_path / "a.zip", [("a", bytes(1000))], zipfile.ZIP_DEFLATED)
    true, lie = (1000).to_bytes(4, "little"), (10).to_bytes(4, "little")
    archive.write_bytes(archive.read_bytes().replace(true, lie))
    with pytest.raises(DataError, match="damaged"):
        unpack_zip(archive, tmp_path / "out")
    assert (tmp_path / "out" / "a").stat().st_size <= 10


@pytest.mark.parametrize("damage", [lambda data: data[:-30], lambda data: b"<html>" * 20, lambda data: b""])
def test_damaged_archives(tmp_path, damage):
    archive = packed(tmp_path / "a.zip", [("a", b"abc" * 99)])
    archive.write_bytes(damage(archive.read_bytes()))
    with pytest.raises(DataError, match=r"a\.zip: is no zip, or is damaged"):
        unpack_zip(archive, tmp_path / "out")


def test_a_damaged_member(tmp_path):
    archive = packed(tmp_path / "a.zip", [("a", b"abc" * 99)])
    archive.write_bytes(archive.read_bytes().replace(b"abcabc", b"abdabc", 1))
    with pytest.raises(DataError, match="Bad CRC-32"):
        unpack_zip(archive, tmp_path / "out")


def test_encrypted_members_are_refused(tmp_path):
    archive = packed(tmp_path / "a.zip", [("a", b"abc")])
    data = bytearray(archive.read_bytes())
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(mark) + place] |= 1
    archive.write_bytes(data)
    with pytest.raises(DataError, match="encrypted"):
        unpack_zip(archive, tmp_path / "out")


def test_limits_of_number_and_room(tmp_path, monkeypatch):
    archive = packed(tmp_path / "a.zip", [("a", b"abc"), ("b", b"abc")])
    monkeypatch.setattr(unpack, "MOST_FILES", 1)
    with pytest.raises(DataError, match="after more than 1 files"):
        unpack_zip(archive, tmp_path / "out")
    monkeypatch.undo()
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(0, 0, 5))
    with pytest.raises(OSError, match="No space left"):
        unpack_zip(archive, tmp_path / "out")


def tarred(path, *members):
    """members: names, or TarInfo, with contents."""
    with tarfile.open(path, "w:gz") as file:
        for one, content in members:
            member = tarfile.TarInfo(one) if isinstance(one, str) else one
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return path


def linked(name, target):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    return member


def test_a_tar_comes_out_as_it_went_in(tmp_path):
    calls = []
    archive = tarred(tmp_path / "a.tar.gz", ("./d/a.jpg", b"a" * 9), ("d/Ä.jpg", b"b"), ("__MACOSX/x", b"c"))
    unpack_tar(archive, tmp_path / "out", progress=lambda *call: calls.append(call))
    assert files_in(tmp_path / "out") == {"d/a.jpg": b"a" * 9, "d/Ä.jpg": b"b"}
    assert calls[-1][1] == archive.stat().st_size


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ([("../a.jpg", b"")], "leads out of the folder"),
        ([("/a.jpg", b"")], "has an absolute name"),
        ([(linked("a.jpg", "/etc/passwd"), b"")], "is a link, or no plain file"),
        ([("a.jpg", b""), ("A.JPG", b"")], "is there twice"),
        ([("a.jpg", b"0" * 2000)], "times the archive's size"),
    ],
)
def test_a_tar_is_not_trusted(tmp_path, members, said, monkeypatch):
    monkeypatch.setattr(unpack, "SMALL_BYTES", 10)
    monkeypatch.setattr(unpack, "MOST_GROWTH", 1)
    with pytest.raises(DataError, match=said):
        unpack_tar(tarred(tmp_path / "a.tar.gz", *members), tmp_path / "out")
    assert list(tmp_path.rglob("*.jpg")) in ([], [tmp_path / "out" / "a.jpg"])


def test_a_damaged_tar_is_named(tmp_path):
    whole = tarred(tmp_path / "a.tar.gz", ("a.jpg", os.urandom(9000))).read_bytes()
    for number, content in enumerate((b"no tar", whole[: len(whole) // 2])):
        (tmp_path / "b.tar.gz").write_bytes(content)
        with pytest.raises(DataError, match=r"b\.tar\.gz: is no tar of gzip, or is damaged"):
            unpack_tar(tmp_path / "b.tar.gz", tmp_path / f"out{number}")
