import errno
import hashlib
import logging
import os
import pickle
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from file_server import File, FileServer, serving

from impasto import download, weights
from impasto.errors import WeightsError
from impasto.weights import WEIGHTS, WeightSpec, cache_folder, fetch, load, load_foreign_state, location, save

PAYLOAD = bytes(range(256)) * 4001  # about 1 MB, and no multiple of the chunks it is read in
SPEC = WeightSpec(
    name="test",
    file_name="test.pth",
    urls=("http://127.0.0.1/none",),
    sha256=hashlib.sha256(PAYLOAD).hexdigest(),
    num_bytes=len(PAYLOAD),
    licence="none",
    provenance="this test",
)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving() as state:
        state.files["/a"] = File(PAYLOAD)
        yield state


def spec_at(server: FileServer, *paths: str) -> WeightSpec:
    return replace(SPEC, urls=tuple(server.url + path for path in paths))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IMPASTO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("IMPASTO_OFFLINE", raising=False)
    return tmp_path / "cache"


def refusal(spec: WeightSpec) -> str:
    """The message of the failed fetch, which must be short, and must not drag other exceptions along."""
    with pytest.raises(WeightsError) as caught:
        fetch(spec)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert len(str(caught.value).splitlines()) <= 2
    return str(caught.value)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


# --- the table ---


def test_published_hashes_are_whole_and_begin_as_official_names_say() -> None:
    for name, spec in WEIGHTS.items():
        assert spec.name == name
        assert not spec.urls or re.fullmatch("[0-9a-f]{64}", str(spec.sha256))
    spec = WEIGHTS["vgg19"]
    assert spec.file_name == f"vgg19-{str(spec.sha256)[:8]}.pth"


def test_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("IMPASTO_CACHE", "~/elsewhere")
    assert cache_folder() == tmp_path / "elsewhere"
    monkeypatch.delenv("IMPASTO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if sys.platform == "linux":
        assert cache_folder() == tmp_path / "cache" / "impasto"


def test_import_creates_no_folder_and_loads_no_downloader(tmp_path: Path) -> None:
    code = "import sys, impasto.weights; sys.exit('requests' in sys.modules)"
    environment = os.environ | {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "x")}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    assert names_in(tmp_path) == []


# --- fetch ---


def test_download_then_cache(
    server: FileServer, cache: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[int, int]] = []
    path = fetch(spec_at(server, "/a"), progress=lambda done, total: calls.append((done, total)))
    assert path == cache / "test.pth" == location(SPEC)
    assert path.read_bytes() == PAYLOAD
    assert names_in(cache) == ["test.pth"]
    assert len(calls) > 3
    assert calls == sorted(calls)
    assert calls[-1] == (len(PAYLOAD), len(PAYLOAD))
    assert {total for _, total in calls} == {len(PAYLOAD)}
    assert fetch(spec_at(server, "/a")) == path
    monkeypatch.setenv("IMPASTO_OFFLINE", "1")
    assert fetch(spec_at(server, "/a")) == path
    assert len(server.requests) == 1
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_a_shared_cache_can_be_read_by_others(server: FileServer) -> None:
    mask = os.umask(0o022)
    try:
        assert fetch(spec_at(server, "/a")).stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(mask)


@pytest.mark.parametrize("num_bytes", [len(PAYLOAD), None])
def test_progress_when_the_server_does_not_say_how_much(server: FileServer, num_bytes: int | None) -> None:
    server.files["/a"] = File(PAYLOAD, announces=False)
    calls: list[tuple[int, int]] = []
    spec = replace(spec_at(server, "/a"), num_bytes=num_bytes)
    fetch(spec, progress=lambda done, total: calls.append((done, total)))
    assert calls == sorted(calls)
    assert {total for _, total in calls} == {num_bytes or 0}


def test_no_address_has_the_file(server: FileServer, cache: Path) -> None:
    server.files["/b"] = File(b"other")
    message = refusal(spec_at(server, "/none", "/b"))
    advice = f"{server.url}/none or {server.url}/b"
    for part in (
        "404 Not Found",
        "wrong SHA-256",
        advice,
        str(cache / "test.pth"),
        "--vgg19 FILE",
        "'lite' works without",
    ):
        assert part in message
    assert names_in(cache) == []


def test_server_down(cache: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/a"
    assert "connection failed" in refusal(replace(SPEC, urls=(url,)))
    assert names_in(cache) == []


def test_server_silent(server: FileServer, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "TIMEOUT_SECONDS", 0.2)
    server.files["/a"] = File(PAYLOAD, waits=0.5)
    assert "did not answer within 0.2 seconds" in refusal(spec_at(server, "/a"))
    assert names_in(cache) == []


def test_offline(server: FileServer, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_OFFLINE", "1")
    message = refusal(spec_at(server, "/a"))
    for part in (server.url + "/a", "(1 MB)", str(cache / "test.pth"), "--vgg19 FILE", "'lite' works without"):
        assert part in message
    assert server.requests == []
    assert not cache.exists()
    monkeypatch.setenv("IMPASTO_OFFLINE", "0")
    fetch(spec_at(server, "/a"))


def test_broken_file_in_the_cache_is_replaced(
    server: FileServer, cache: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.mkdir()
    (cache / "test.pth").write_bytes(PAYLOAD[:-1])
    with caplog.at_level(logging.WARNING):
        assert fetch(spec_at(server, "/a")).read_bytes() == PAYLOAD
    assert "has been removed" in caplog.text
    (cache / "test.pth").write_bytes(b"broken")
    monkeypatch.setenv("IMPASTO_OFFLINE", "1")
    assert "was damaged and has been removed" in refusal(spec_at(server, "/a"))
    assert names_in(cache) == []


def test_disk_full(server: FileServer, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**6, 10**6 - 99, 99))
    message = refusal(spec_at(server, "/a", "/b"))
    assert f"the disk that holds {cache} is full (1 MB are needed)" in message
    assert names_in(cache) == []


def test_cache_folder_that_cannot_be(server: FileServer, cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    assert str(cache / "test.pth") in refusal(spec_at(server, "/a"))


def test_embedded_weights_come_from_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert location(WEIGHTS["lite"]) == Path(weights.__file__).parent / "assets" / "lite.safetensors"
    monkeypatch.setattr("impasto.gallery._assets", lambda: tmp_path / "assets")
    assert "install impasto again" in refusal(WEIGHTS["lite"])
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "lite.safetensors").write_bytes(b"x")
    assert "is damaged" in refusal(WEIGHTS["lite"])
    monkeypatch.undo()
    monkeypatch.setenv("IMPASTO_OFFLINE", "1")
    assert fetch(WEIGHTS["lite"]) == location(WEIGHTS["lite"])


# --- save and load ---


def some_tensors() -> dict[str, torch.Tensor]:
    base = torch.arange(24.0).view(1, 2, 3, 4)
    return {
        "z": base.to(memory_format=torch.channels_last),
        "a": base,
        "shared": base[:, :1],
        "half": torch.tensor([0.5, -1.0], dtype=torch.float16),
        "step": torch.tensor(7),
        "learned": torch.nn.Parameter(torch.ones(2)),
        "empty": torch.empty(0, 3),
    }


def test_round_trip(tmp_path: Path) -> None:
    config = {"widths": [1, 2], "name": "Öl", "nested": {"on": True, "rate": 0.1, "none": None}}
    save(tmp_path / "new" / "a.safetensors", some_tensors(), config)
    tensors, found = load(tmp_path / "new" / "a.safetensors")
    assert found == config
    assert tensors.keys() == some_tensors().keys()
    for name, tensor in some_tensors().items():
        assert tensors[name].dtype == tensor.dtype
        assert torch.equal(tensors[name], tensor)
        assert not tensors[name].requires_grad
    assert names_in(tmp_path / "new") == ["a.safetensors"]


def test_same_contents_give_the_same_bytes(tmp_path: Path) -> None:
    tensors = some_tensors()
    save(tmp_path / "a", tensors, {"x": 1, "y": 2})
    save(tmp_path / "b", dict(reversed(tensors.items())), {"y": 2, "x": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.safetensors"
    save(path, {"a": torch.zeros(1)}, {})
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WeightsError, match="is full"):
        save(path, {"a": torch.ones(1)}, {})
    assert path.read_bytes() == before
    assert names_in(tmp_path) == ["a.safetensors"]


def test_loaded_tensors_outlive_their_file(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save(path, {"a": torch.zeros(1000)}, {})
    tensors, _ = load(path)
    save(path, {"a": torch.ones(1000)}, {})
    assert not tensors["a"].any()


def test_load_refuses_what_is_not_ours(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    with pytest.raises(WeightsError, match="no such file"):
        load(path)
    with pytest.raises(WeightsError, match="no such file"):
        load(tmp_path)
    save(path, {"a": torch.zeros(1000)}, {"x": 1})
    whole = path.read_bytes()
    for damaged in (whole[:-1], whole[:30], whole[:3], b"", b"<html>" * 100, pickle.dumps({"a": 1})):
        path.write_bytes(damaged)
        with pytest.raises(WeightsError, match=r"a\.safetensors: is damaged or is not a safetensors file"):
            load(path)
    for metadata in (None, {"format": "pt"}, {"impasto": "{"}, {"impasto": "[1]"}):
        safetensors.torch.save_file({"a": torch.zeros(1)}, path, metadata)
        with pytest.raises(WeightsError, match="no impasto config"):
            load(path)


# --- other people's files ---


class Malicious:
    """Its unpickling would create the marker file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.marker,)


def test_malicious_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    torch.save({"a": torch.zeros(1), "b": Malicious(marker)}, tmp_path / "zip.pth")
    (tmp_path / "raw.pth").write_bytes(pickle.dumps(Malicious(marker), protocol=2))
    for name in ("zip.pth", "raw.pth"):
        with pytest.raises(WeightsError, match="program code") as caught:
            load_foreign_state(tmp_path / name)
        assert len(str(caught.value).splitlines()) == 1
        assert not marker.exists()
    # The trap works: whoever trusts the file springs it.
    pickle.loads((tmp_path / "raw.pth").read_bytes())
    assert marker.exists()


def test_load_foreign_state(tmp_path: Path) -> None:
    state = {"a": torch.rand(3), "b": torch.rand(2, 2)}
    torch.save(state, tmp_path / "new.pth")
    torch.save(state, tmp_path / "old.pth", _use_new_zipfile_serialization=False)  # the official VGG-19's format
    safetensors.torch.save_file(state, tmp_path / "a.safetensors")
    for name in ("new.pth", "old.pth", "a.safetensors"):
        found = load_foreign_state(tmp_path / name)
        assert found.keys() == state.keys()
        assert all(torch.equal(found[key], state[key]) for key in state)


def test_load_foreign_state_refuses_damaged_files(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    with pytest.raises(WeightsError, match="no such file"):
        load_foreign_state(path)
    for zipped in (True, False):
        torch.save({"a": torch.zeros(100)}, path, _use_new_zipfile_serialization=zipped)
        whole = path.read_bytes()
        for damaged in (whole[:-10], whole[: len(whole) // 2], whole[:40], b"", b"<html>" * 9, b"PK\3\4" + bytes(99)):
            path.write_bytes(damaged)
            with pytest.raises(WeightsError, match=r"a\.pth: is damaged or is not a PyTorch checkpoint$"):
                load_foreign_state(path)


@pytest.mark.parametrize("content", [[torch.zeros(1)], {}, {"state_dict": {"a": torch.zeros(1)}}, {1: torch.zeros(1)}])
def test_load_foreign_state_wants_named_tensors(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match="tensors"):
        load_foreign_state(tmp_path / "a.pth")
