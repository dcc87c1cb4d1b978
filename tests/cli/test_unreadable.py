"""What the modes of files forbid is one failure of many."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

VERSION = 0x20080522
OVERRIDES = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


@contextmanager
def ordinary_user() -> Iterator[None]:
    """This thread may read and write only what the modes of files allow, also as root, to whom every file is open."""
    if os.geteuid() != 0:
        yield
        return
    # Of `sets`, the first number is what is in effect.
    libc, header, sets = ctypes.CDLL(None, use_errno=True), (ctypes.c_uint32 * 2)(VERSION, 0), (ctypes.c_uint32 * 6)()
    if not hasattr(libc, "capset") or libc.capget(header, sets):
        pytest.skip("root cannot lay down its rights here")
    before = sets[0]
    sets[0] = before & ~OVERRIDES
    assert libc.capset(header, sets) == 0
    try:
        yield
    finally:
        sets[0] = before
        assert libc.capset(header, sets) == 0


@pytest.fixture
def album(folder, draw) -> Iterator[Path]:
    """album/: a.png, b.png, which may not be read, and c.png; closed/ and shut/, whose pictures cannot be reached."""
    for name in ("album", "closed", "shut", "reading"):
        (folder / name).mkdir()
    for number, name in enumerate(("album/a.png", "album/b.png", "album/c.png", "closed/d.png", "shut/e.png")):
        draw(folder / name, number)
    modes = {"album/b.png": 0, "closed": 0, "shut": 0o600, "reading": 0o500}
    for name, mode in modes.items():
        (folder / name).chmod(mode)
    with ordinary_user():
        yield folder
    for name in modes:
        (folder / name).chmod(0o700)


def test_the_rest_is_painted(album, paint):
    outcome = paint("album", "closed", "shut", "closed/d.png", "-o", "out/")
    assert outcome.code == 1
    assert {path.name for path in (album / "out").iterdir()} == {"a-style.png", "c-style.png"}
    assert "4 of 6 could not be painted" in outcome.err
    for name in ("album/b.png", "closed", "shut/e.png", "closed/d.png"):
        assert f"{name}: it cannot be read: permission denied" in outcome.err
    assert "inside impasto" not in outcome.err


def test_a_single_one_is_said(album, paint):
    outcome = paint("closed/d.png")
    assert (outcome.code, outcome.err) == (1, "impasto: closed/d.png: it cannot be read: permission denied\n")


@pytest.mark.parametrize("target", ["reading/out.png", "reading/new/", "closed/out.png"])
def test_a_folder_that_may_not_be_written_is_refused_before_painting(album, paint, target, monkeypatch):
    monkeypatch.setattr("impasto.api.paint", None)
    outcome = paint("album/a.png", "-o", target)
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert "permission denied" in outcome.err
    assert "inside impasto" not in outcome.err


def test_data_check_looks_at_the_rest(album, impasto):
    outcome = impasto("data", "check", "closed", "album", "--crop", "8")
    assert outcome.code == 1
    assert "album: 2 pictures" in outcome.out
    assert "album/b.png" in outcome.err
    assert "closed" in outcome.err
    assert "2 of 4 pictures and folders cannot be read" in outcome.err


def test_runs_that_cannot_be_looked_into_are_damaged(album, impasto):
    (album / "run").mkdir()
    (album / "run" / "config.json").write_text('{"recipe": "cyclegan"}')
    outcome = impasto("runs", "list", ".")
    assert outcome.code == 0
    rows = {line.split()[0]: line for line in outcome.out.splitlines()}
    assert "cyclegan" in rows["run"]
    assert "damaged" in rows["closed"]
