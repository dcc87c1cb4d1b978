"""What every test lives under: no network but this machine's own, a fresh cache, one thread, a GPU if it needs one."""

import hashlib
import ipaddress
import itertools
import os
import socket
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from chromium import CHROMIUM

# Before numpy and torch are imported, here and in child processes: over pictures so small, and where each core runs
# tests of its own, threads only get into each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")

numbers = itertools.count()


def _is_local(address: object) -> bool:
    if not isinstance(address, tuple):  # a Unix socket
        return True
    host = address[0]
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that leaves this machine fails the test at once."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if not _is_local(address):
            raise RuntimeError(f"a test tried to reach {address!r}; use a local server")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def fresh_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Downloads of a test land in a folder of its own, never in the user's cache."""
    # Made by whoever needs it: thousands of folders that stay empty take seconds.
    cache = tmp_path_factory.getbasetemp() / f"cache{next(numbers)}"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    return cache


@pytest.fixture(scope="session", autouse=True)
def programs_are_shared() -> Iterator[None]:
    """Tests have the engine's programs in common: to make one takes longer than all that a test does with it."""
    from impasto.engine.openvino import OpenVINO

    compile_program = OpenVINO._compiled

    @lru_cache(32)
    def compiled(half: bool, *program: Any) -> Any:
        return compile_program(OpenVINO("bf16" if half else "fp32"), *program).get_compiled_model()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            OpenVINO, "_compiled", lambda self, *program: compiled(self.half, *program).create_infer_request()
        )
        yield


@pytest.fixture
def whole_styles() -> None:
    """Styles are looked at as users have it."""


@pytest.fixture(autouse=True)
def small_styles(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Styles are looked at in few pixels: nearly all time of painting a test's picture would go into its style."""
    if "whole_styles" in request.fixturenames:
        return
    for name, pixels in (("STYLE_SIDE", 96), ("STYLE_LENGTH", 384)):
        monkeypatch.setattr(f"impasto.methods.adain.stylizer.{name}", pixels)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own in place of the system's for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def fresh_accelerator(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from trainings import begin

    yield from begin(monkeypatch)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are read for their hashes from now on."""
    read: list[str] = []
    file_digest = hashlib.file_digest

    def digest(file: Any, name: str) -> Any:
        read.append(file.name)
        return file_digest(file, name)

    monkeypatch.setattr(hashlib, "file_digest", digest)
    return read


@pytest.fixture(scope="session")
def inception_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Inception as pytorch-fid publishes it, with other numbers: with the classifier, without counts of batches."""
    import torch

    from impasto.encoders.inception import Inception

    torch.manual_seed(0)
    network = Inception()
    for value in network.parameters():
        is_filter = value.ndim == 4
        value.data = torch.randn_like(value) / value[0].numel() ** 0.5 if is_filter else torch.rand_like(value)
    state = {name: value for name, value in network.state_dict().items() if "num_batches" not in name}
    state |= {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save(state, path)
    return path


@pytest.fixture(scope="session")
def lpips_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(VGG-16, heads) in the published layouts, with other numbers."""
    import torch

    from impasto.encoders.perceptual import BLOCKS, WIDTHS

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("weights")
    state, previous = {}, 3
    for places, width in zip(BLOCKS.values(), WIDTHS, strict=True):
        for place in places:
            state[f"features.{place}.weight"] = torch.randn(width, previous, 3, 3) / (3 * previous**0.5)
            state[f"features.{place}.bias"] = torch.rand(width) / 10
            previous = width
    classifier = {"classifier.0.weight": torch.zeros(8, 8)}
    torch.save(state | classifier, folder / "vgg.pth")
    heads = {f"lin{n}.model.1.weight": torch.rand(1, width, 1, 1) for n, width in enumerate(WIDTHS)}
    torch.save(heads, folder / "heads.pth")
    return folder / "vgg.pth", folder / "heads.pth"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--gpu", default="cuda", help="device of the tests marked gpu; cpu rehearses them (tools/gpu_check.sh)"
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu") and item.config.getoption("--gpu") != "cpu":
        import torch

        if not torch.cuda.is_available():
            pytest.skip("needs a CUDA device")
    if item.get_closest_marker("browser") and not Path(CHROMIUM).exists():
        pytest.skip(f"needs {CHROMIUM}: apt-get install chromium")
