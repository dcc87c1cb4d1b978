"""What a confined process cannot do any more, tried by one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from impasto import confinement
from impasto.confinement import PARTS
from impasto.device import Device
from impasto.service import worker

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux confines")

TRIES = """
import json, os, signal, socket, subprocess, sys, tempfile
from pathlib import Path
from impasto.confinement import confine

mine, other, room = sys.argv[1:]
lacking = confine([Path(mine)], [Path(room)], file_bytes=0)
said = {}

def tries(name, attempt):
    try:
        attempt()
        said[name] = ""
    except (OSError, MemoryError) as error:
        said[name] = type(error).__name__

def child():
    code = "import socket; socket.socket()"
    if subprocess.run([sys.executable, "-S", "-c", code], stderr=subprocess.DEVNULL).returncode:
        raise PermissionError

for kind in ("AF_INET", "AF_INET6", "AF_UNIX"):
    for how in ("SOCK_STREAM", "SOCK_DGRAM"):
        tries(f"{kind} {how}", lambda: socket.socket(getattr(socket, kind), getattr(socket, how)).close())
tries("socket of a child", child)
tries("socketpair", socket.socketpair)
tries("read mine", Path(mine).read_text)
tries("read other", Path(other).read_text)
tries("list other", lambda: list(Path(other).parent.iterdir()))
tries("write other", lambda: Path(other).write_text("x"))
tries("remove other", Path(other).unlink)
tries("write mine", lambda: Path(mine).write_text("x"))
tries("write room", lambda: (Path(room) / "x").write_text("x"))
tries("move in room", lambda: (Path(room) / "x").rename(Path(room) / "y"))
def again():
    with tempfile.TemporaryFile(dir=room) as file:
        file.write(b"x")
        Path(f"/dev/fd/{file.fileno()}").read_bytes()

tries("temporary file again", again)
tries("read room", (Path(room) / "y").read_text)
tries("devnull", lambda: Path(os.devnull).write_text("x"))
tries("environment of the parent", Path(f"/proc/{os.getppid()}/environ").read_bytes)
tries("signal to the parent", lambda: os.kill(os.getppid(), 0))
tries("memory", lambda: bytearray(2**50))
import resource
said["core"] = resource.getrlimit(resource.RLIMIT_CORE)[0]
said["adjusted"] = int(Path("/proc/self/oom_score_adj").read_text())
said["lacking"] = lacking
print(json.dumps(said))
"""


@pytest.fixture
def said(tmp_path: Path) -> dict[str, object]:
    """What a confined process says of each try: the error, or nothing."""
    (tmp_path / "room").mkdir()
    for name in ("mine", "other"):
        (tmp_path / name).write_text(name)
    words = [str(tmp_path / name) for name in ("mine", "other", "room")]
    done = subprocess.run([sys.executable, "-c", TRIES, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "other").read_text() == "other"
    return json.loads(done.stdout)


def needs(said: dict[str, object], part: str) -> None:
    if why := said["lacking"].get(part):  # type: ignore[attr-defined]
        pytest.skip(f"this system does not confine {part}: {why}")


def test_no_socket(said):
    needs(said, "network")
    sockets = {name: error for name, error in said.items() if "SOCK_" in name or name == "socket of a child"}
    assert len(sockets) == 7
    assert {*sockets.values()} == {"PermissionError"}
    assert said["socketpair"] == ""


def test_only_files_that_are_named(said):
    needs(said, "files")
    refused = {"read other", "list other", "write other", "remove other", "write mine"}
    assert {said[name] for name in refused} == {"PermissionError"}
    allowed = {"read mine", "write room", "move in room", "read room", "temporary file again", "devnull"}
    assert {said[name] for name in allowed} == {""}
    assert said["environment of the parent"] == "PermissionError"


def test_limits(said):
    needs(said, "memory")
    assert (said["memory"], said["core"], said["adjusted"]) == ("MemoryError", 0, confinement.FIRST_TO_GO)


def test_what_the_system_lacks_is_said(monkeypatch):
    def refuse(*_: object) -> int:
        raise OSError(38, "Function not implemented")

    for step in ("_limit", "_system"):
        monkeypatch.setattr(confinement, step, refuse)
    monkeypatch.setattr(confinement.platform, "machine", lambda: "abacus")
    monkeypatch.setattr(confinement.os, "listdir", lambda _: ["one"])
    lacking = confinement.confine()
    assert tuple(lacking) == PARTS
    assert lacking["files"] == "Function not implemented"
    assert "abacus" in lacking["network"]


def test_threads_would_keep_their_rights(monkeypatch):
    monkeypatch.setattr(confinement, "_limit", lambda _: None)
    monkeypatch.setattr(confinement, "_refuse_calls", lambda: None)
    monkeypatch.setattr(confinement.os, "listdir", lambda _: ["one", "two"])
    assert confinement.confine() == {"files": "the process has several threads"}
    # It may still do everything.
    assert os.listdir(Path(__file__).parent)  # noqa: PTH208


def test_what_paints_on_a_cpu_is_confined_and_what_paints_on_a_gpu_is_not(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(worker, "confine", lambda *how, **bounds: asked.append((how, bounds)) or {})
    settings = {"device": "cpu", "styles": {"a": "/styles/a.png"}, "weights": {"vgg19": "/weights/v.pth"}}
    assert worker._confined({"writable": [str(tmp_path)], "file_bytes": 7}, settings) == {}
    [((readable, writable), bounds)] = asked
    assert (readable, bounds) == ([Path("/styles/a.png"), Path("/weights/v.pth")], {"file_bytes": 7})
    assert tmp_path in writable
    monkeypatch.setattr(worker, "choose_device", lambda name: Device("cuda"))
    for how in ({"writable": [], "file_bytes": 0}, None):
        assert tuple(worker._confined(how, dict(settings))) == PARTS
    assert len(asked) == 1
