import hashlib
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_server import File, FileServer, serving

from impasto.download import CHUNK_BYTES, DownloadError, RemoteFile, download, sha256_of

BODY = bytes(range(256)) * 4001  # about 1 MB, and no multiple of the chunks it is read in
DIGEST = hashlib.sha256(BODY).hexdigest()
CHUNK = CHUNK_BYTES
HALF = 2 * CHUNK + 1


class StopError(Exception):
    """What a caller's progress raises."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as state:
        state.files["/f"] = File(BODY)
        yield state


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def wanted(server: FileServer, *paths: str, sha256: str | None = DIGEST) -> RemoteFile:
    return RemoteFile(urls=[server.url + path for path in paths or ("/f",)], sha256=sha256)


def stop_at(limit: int):
    def progress(done: int, total: int) -> None:
        if done >= limit:
            raise StopError

    return progress


def test_whole_file_and_its_hash(server: FileServer, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    path = tmp_path / "new" / "f.bin"
    assert download(wanted(server), path, progress=lambda *call: calls.append(call)) == DIGEST == sha256_of(path)
    assert path.read_bytes() == BODY
    assert names_in(path.parent) == ["f.bin"]
    assert calls[-1] == (len(BODY), len(BODY))


def test_a_hash_is_computed_once_for_a_file_that_stays(
    tmp_path: Path, hashed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weights"
    path.write_bytes(BODY)
    # A file that was only just written may be written again within one tick of its file system's clock.
    assert [sha256_of(path), sha256_of(path)] == [DIGEST] * 2
    assert len(hashed) == 2
    monkeypatch.setattr("impasto.download.SETTLED_SECONDS", -1)
    assert [sha256_of(path) for _ in range(3)] == [DIGEST] * 3
    assert len(hashed) == 3
    path.write_bytes(BODY[1:])
    assert sha256_of(path) == hashlib.sha256(BODY[1:]).hexdigest()


@pytest.mark.parametrize(
    ("sha256", "has_ranges", "status"), [(DIGEST, True, 206), (DIGEST, False, 200), (None, True, 200)]
)
def test_a_stopped_download_goes_on_where_a_hash_can_tell(
    server: FileServer, tmp_path: Path, sha256: str | None, has_ranges: bool, status: int
) -> None:
    server.files["/f"] = File(BODY, has_ranges=has_ranges)
    with pytest.raises(StopError):
        download(wanted(server, sha256=sha256), tmp_path / "f", progress=stop_at(HALF))
    assert names_in(tmp_path) == ([".f.partial"] if sha256 else [])
    calls: list[int] = []
    assert (
        download(wanted(server, sha256=sha256), tmp_path / "f", progress=lambda done, _: calls.append(done)) == DIGEST
    )
    assert (tmp_path / "f").read_bytes() == BODY
    assert names_in(tmp_path) == ["f"]
    assert server.requests[-1][2] == status
    assert (calls[0] > HALF) == (status == 206)


def test_without_a_hash_the_server_tells_whether_the_file_is_the_same_still(server: FileServer, tmp_path: Path) -> None:
    server.files["/f"] = File(BODY, tag='"first"')
    file = wanted(server, sha256=None)
    for tag, status in (('"first"', 206), ('"second"', 200)):
        server.files["/f"] = File(BODY, tag='"first"')
        with pytest.raises(StopError):
            download(file, tmp_path / "f", progress=stop_at(HALF))
        assert names_in(tmp_path)[:2] == [".f.partial", ".f.partial.version"]
        body = BODY if status == 206 else BODY[::-1]
        server.files["/f"] = File(body, tag=tag)
        assert download(file, tmp_path / "f") == hashlib.sha256(body).hexdigest()
        assert names_in(tmp_path) == ["f"]
        assert server.requests[-1][1].startswith("bytes=")
        assert server.requests[-1][2] == status
    server.files["/f"] = File(BODY, tag='"first"', breaks_after=CHUNK)
    assert download(file, tmp_path / "f") == DIGEST, "it goes on by itself, too"


@pytest.mark.parametrize(("part", "statuses"), [(b"x" * HALF, [206, 200]), (BODY, [416]), (BODY + b"more", [416, 200])])
def test_a_part_of_another_file_or_no_shorter_than_it(
    server: FileServer, tmp_path: Path, part: bytes, statuses: list[int]
) -> None:
    (tmp_path / ".f.partial").write_bytes(part)
    assert download(wanted(server), tmp_path / "f") == DIGEST
    assert (tmp_path / "f").read_bytes() == BODY
    assert [request[2] for request in server.requests] == statuses


def test_a_server_that_breaks_off_again_and_again(server: FileServer, tmp_path: Path) -> None:
    server.files["/f"].breaks_after = CHUNK + 1
    assert download(wanted(server), tmp_path / "f") == DIGEST
    assert [request[2] for request in server.requests] == [200, 206, 206, 206]


@pytest.mark.parametrize("has_ranges", [True, False])
def test_cut_short(server: FileServer, tmp_path: Path, has_ranges: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.download.ATTEMPTS", 2)
    server.files["/f"] = File(BODY, has_ranges=has_ranges, breaks_after=CHUNK)
    with pytest.raises(DownloadError, match=r"^127\.0\.0\.1:\d+: the transfer broke off$"):
        download(wanted(server), tmp_path / "f")
    assert not (tmp_path / "f").exists()
    assert len(server.requests) == 2
    server.files["/f"].breaks_after = None
    download(wanted(server), tmp_path / "f")
    assert server.requests[-1][1:] == ((f"bytes={2 * CHUNK}-", 206) if has_ranges else (f"bytes={CHUNK}-", 200))


def test_wrong_hash_leaves_nothing(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")
    with pytest.raises(DownloadError, match="wrong SHA-256"):
        download(wanted(server, sha256="0" * 64), tmp_path / "f")
    assert names_in(tmp_path) == ["f"]
    assert (tmp_path / "f").read_bytes() == b"old"


def test_all_addresses_are_tried(server: FileServer, tmp_path: Path) -> None:
    server.files |= {"/wrong": File(b"<html>"), "/short": File(BODY, breaks_after=2 * CHUNK, has_ranges=False)}
    message = "404 Not Found; .*wrong SHA-256.*; .*broke off"
    with pytest.raises(DownloadError, match=message):
        download(wanted(server, "/none", "/wrong", "/short"), tmp_path / "f")
    download(wanted(server, "/none", "/short", "/f"), tmp_path / "f")
    assert server.requests[-1] == ("/f", f"bytes={2 * CHUNK}-", 206)


def test_no_room(server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(0, 0, len(BODY) - 1))
    with pytest.raises(OSError, match="No space left"):
        download(wanted(server), tmp_path / "f")
    assert names_in(tmp_path) == []
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(0, 0, len(BODY)))
    download(wanted(server), tmp_path / "f")


def test_a_killed_process_is_continued_and_does_not_lock_out(server: FileServer, tmp_path: Path) -> None:
    code = """
        import sys, time
        from pathlib import Path
        from impasto.download import RemoteFile, download

        def wait(done, total):
            if done >= 600_000:
                print("there", flush=True)
                time.sleep(60)

        download(RemoteFile(urls=[sys.argv[1]], sha256=sys.argv[3]), Path(sys.argv[2]), progress=wait)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), server.url + "/f", str(tmp_path / "f"), DIGEST]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"no_proxy": "127.0.0.1"}) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"there\n"
        # While it lives, its part is its own.
        assert download(wanted(server), tmp_path / "f") == DIGEST
        assert server.requests[-1][1:] == ("", 200)
        other.send_signal(signal.SIGKILL)
    (tmp_path / "f").unlink()
    deadline = time.monotonic() + 5
    assert download(wanted(server), tmp_path / "f") == DIGEST
    assert time.monotonic() < deadline
    assert server.requests[-1][2] == 206
    assert names_in(tmp_path) == ["f"]
