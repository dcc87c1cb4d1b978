"""Choosing a device, and memory that does not suffice."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

import impasto
from impasto import image
from impasto.device import choose_device, free_memory, memory_guard, precision
from impasto.errors import OptionError, OutOfMemoryError, PictureError
from impasto.image import fit
from impasto.methods import StylizeOptions

CPU = torch.device("cpu")
GIB = 2**30


def available(monkeypatch: pytest.MonkeyPatch, *, cuda: int = 0, mps: bool = False) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


def test_auto_takes_the_fastest_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    available(monkeypatch)
    assert choose_device().type == "cpu"
    available(monkeypatch, mps=True)
    assert choose_device("auto").type == "mps"
    available(monkeypatch, cuda=1, mps=True)
    assert choose_device("auto").type == "cuda"


def test_a_named_device(monkeypatch: pytest.MonkeyPatch) -> None:
    available(monkeypatch, cuda=2, mps=True)
    for name in ("cpu", "cuda", "cuda:1", "mps"):
        assert torch.device(str(choose_device(name))) == torch.device(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gpu", "device is 'gpu', but must be auto, cpu, cuda, cuda:NUMBER or mps"),
        ("", "device is '', but must be auto"),
        ("meta", "device is 'meta', but must be auto"),
        ("cuda:", "device is 'cuda:', but must be auto"),
        ("cuda", "device is 'cuda', but PyTorch sees 0 CUDA devices here"),
        ("cuda:3", "device is 'cuda:3', but PyTorch sees 0 CUDA devices here"),
        ("mps", "device is 'mps', but PyTorch sees no Apple GPU here"),
    ],
)
def test_a_device_that_is_not_there(name: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    available(monkeypatch)
    with pytest.raises(OptionError, match=f"^{re.escape(message)}"):
        choose_device(name)


def test_auto_precision_follows_the_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    for abilities, expected in (({}, torch.float32), ({"avx512_bf16": True}, torch.bfloat16)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda abilities=abilities: abilities)
        assert precision("auto", CPU) == expected
        assert precision("fp32", CPU) == torch.float32
        assert precision("bf16", CPU) == torch.bfloat16
    for capability, expected in (((7, 5), torch.float32), ((9, 0), torch.bfloat16)):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device, capability=capability: capability)
        assert precision("auto", torch.device("cuda")) == expected
    assert precision("auto", torch.device("mps")) == torch.float32
    with pytest.raises(OptionError, match=r"^precision is 'fp16'"):
        precision("fp16", CPU)


def test_free_memory_of_this_machine() -> None:
    free = free_memory(CPU)
    assert free is None or 2**20 < free < 2**50


MIB = 2**20
HOST = "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755"


def escaped(path: Path) -> str:
    """As /proc/self/mountinfo has it."""
    return str(path).replace(" ", "\\040")


@pytest.fixture
def control_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A machine with 8 GiB to spare, and what a process sees of its control groups.

    mounts: (root, kind, options of the type), each below `tmp_path`; paths: of the process, as in /proc/self/cgroup;
    files: {path: text}.
    """
    proc = tmp_path / "proc"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text(f"MemTotal: 99 kB\nMemAvailable: {8 * 2**20} kB\n")
    monkeypatch.setattr("impasto.device.PROC", proc)

    def make(mounts: dict[str, tuple[str, str, str]], paths: list[str], files: dict[str, object]) -> None:
        lines = [
            f"40 31 0:3 {root} {escaped(tmp_path / name)} rw shared:9 - {kind} {kind} {options}"
            for name, (root, kind, options) in mounts.items()
        ]
        (proc / "self" / "mountinfo").write_text("\n".join([HOST, *lines]) + "\n")
        (proc / "self" / "cgroup").write_text("\n".join(paths) + "\n")
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")

    return make


SECOND = {"control groups": ("/", "cgroup2", "rw,nsdelegate")}
FIRST = {"cpu": ("/", "cgroup", "rw,cpu"), "memory": ("/", "cgroup", "rw,memory")}
UNLIMITED = 9223372036854771712


def test_without_control_groups_the_host_decides(control_groups: Callable[..., None]) -> None:
    assert free_memory(CPU) == 8 * GIB
    control_groups({}, ["0::/"], {})
    assert free_memory(CPU) == 8 * GIB


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"a/b": (900, 300)}, 600),
        ({"a/b": ("max", 300)}, 8192),
        ({"a/b": ("max", 300), "a": (500, 400)}, 100),
        ({"a/b": (900, 300), "a": (2000, 1900)}, 100),
        ({"a/b": (900, 950)}, 0),
        ({"a/c": (100, 90)}, 8192),  # another's
        ({"a/b": (99999, 1)}, 8192),  # more than the host has
        ({"": (900, 300)}, 600),  # a container sees its own as the topmost
    ],
)
def test_a_control_group_of_version_2_decides(
    limits: dict[str, tuple[object, int]], expected: int, control_groups: Callable[..., None]
) -> None:
    files: dict[str, object] = {}
    for place, (limit, used) in limits.items():
        files[f"control groups/{place}/memory.max"] = limit if isinstance(limit, str) else int(str(limit)) * MIB
        files[f"control groups/{place}/memory.current"] = used * MIB
    control_groups(SECOND, ["0::/a/b" if "" not in limits else "0::/"], files)
    assert free_memory(CPU) == expected * MIB


def test_a_control_group_of_version_1_decides(control_groups: Callable[..., None]) -> None:
    files = {
        "memory/memory.limit_in_bytes": UNLIMITED, "memory/memory.usage_in_bytes": 7 * GIB,
        "memory/a/memory.limit_in_bytes": 900 * MIB, "memory/a/memory.usage_in_bytes": 300 * MIB,
    }  # fmt: skip
    control_groups(FIRST | SECOND, ["9:name=systemd:/", "4:cpu,memory:/a/b", "0::/"], files)
    assert free_memory(CPU) == 600 * MIB


def test_a_container_of_version_1_may_see_the_path_of_its_host(control_groups: Callable[..., None]) -> None:
    files = {"memory/memory.limit_in_bytes": 900 * MIB, "memory/memory.usage_in_bytes": 300 * MIB}
    control_groups({"memory": ("/docker/7f", "cgroup", "rw,memory")}, ["4:memory:/docker/7f"], files)
    assert free_memory(CPU) == 600 * MIB


def test_what_the_kernel_would_give_up_is_free(control_groups: Callable[..., None]) -> None:
    for mounts, paths, names, stat in (
        (SECOND, "0::/a", ("memory.max", "memory.current"), "inactive_file"),
        (FIRST, "4:memory:/a", ("memory.limit_in_bytes", "memory.usage_in_bytes"), "total_inactive_file"),
    ):
        home = f"{list(mounts)[-1]}/a"
        about = f"anon 5\n{stat} {200 * MIB}\nactive_file {50 * MIB}"
        files = {f"{home}/{names[0]}": 900 * MIB, f"{home}/{names[1]}": 800 * MIB, f"{home}/memory.stat": about}
        control_groups(mounts, [paths], files)
        assert free_memory(CPU) == 300 * MIB


@pytest.mark.parametrize("damaged", ["nonsense", "", "0:", "4:memory", "4:memory:/"])
def test_what_cannot_be_understood_limits_nothing(damaged: str, control_groups: Callable[..., None]) -> None:
    control_groups(SECOND, [damaged], {"control groups/memory.max": "???", "control groups/memory.current": 1})
    assert free_memory(CPU) == 8 * GIB


def test_painting_and_reading_keep_to_the_control_group(control_groups: Callable[..., None], tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.new("RGB", (100, 80)).save(photo)
    style = torch.rand(1, 3, 32, 32)
    # What is larger than this is painted in parts by adain, and needs no more.
    for method, height, width, free in (("adain", 2000, 2000, 256), ("gatys", 2700, 3600, 512)):
        control_groups(SECOND, ["0::/"], {"control groups/memory.max": free * MIB, "control groups/memory.current": 0})
        said = rf"{width} x {height} pixels need about .* and 0\.[25] GiB are free"
        with pytest.raises(OutOfMemoryError, match=said):
            impasto.stylize(torch.zeros(1, 3, height, width), style, method=method)
    assert image.read(photo).width == 100
    control_groups(SECOND, ["0::/"], {"control groups/memory.current": 512 * MIB - 250_000})
    with pytest.raises(PictureError, match=r"photo\.png: its 100 x 80 pixels need about .* GiB of memory to be read"):
        image.read(photo)


@pytest.mark.parametrize("size", [(3000, 4000), (4000, 3000), (999, 1001), (300, 2000)])
@pytest.mark.parametrize("share", [0.9, 0.3, 0.01])
def test_a_picture_that_cannot_fit_is_refused_with_the_size_that_fits(
    size: tuple[int, int], share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    bytes_per_pixel = 1000.0
    free = int(size[0] * size[1] * bytes_per_pixel * share)
    monkeypatch.setattr("impasto.device.free_memory", lambda device: free)
    with pytest.raises(OutOfMemoryError) as caught, memory_guard(CPU, *size, bytes_per_pixel):
        pytest.fail("must not begin")
    message = str(caught.value)
    assert f"{size[1]} x {size[0]} pixels need about {size[0] * size[1] * 1000 / GIB:.1f} GiB of memory" in message
    assert f"{free / GIB:.1f} GiB are free" in message
    advised = int(re.search(r"--size (\d+)", message)[1])  # type: ignore[index]
    assert advised > 0.8 * max(size) * share**0.5, "no smaller than it must be"
    with memory_guard(CPU, *fit(*size, advised), bytes_per_pixel):
        pass


@pytest.mark.parametrize("free", [None, 64 * GIB])
@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried to ..."),
        RuntimeError("MPS backend out of memory (MPS allocated: 5.41 GB)"),
    ],
)
def test_running_out_after_all_is_explained(
    error: Exception, free: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impasto.device.free_memory", lambda device: free)
    with (
        pytest.raises(OutOfMemoryError, match=r"^2000 x 1000 pixels need about .* GiB .*--size \d+ fits"),
        memory_guard(CPU, 1000, 2000, 5000),
    ):
        raise error


def test_other_errors_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.device.free_memory", lambda device: None)
    with pytest.raises(RuntimeError, match="another thing"), memory_guard(CPU, 10, 10, 5000):
        raise RuntimeError("another thing")


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_painting_is_refused_before_it_begins_and_the_advised_size_paints(
    optimizer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("impasto.device.free_memory", lambda device: 20_000_000)
    stylizer = impasto.load("gatys", device="cpu")
    options = StylizeOptions(method="gatys", optimizer=optimizer, scales=1, steps=1)
    style, begun = torch.rand(1, 3, 8, 8), list[object]()
    with pytest.raises(OutOfMemoryError) as caught:
        stylizer(torch.rand(1, 3, 300, 400), [style], options, progress=begun.append)
    assert not begun
    advised = int(re.search(r"--size (\d+) fits", str(caught.value))[1])  # type: ignore[index]
    assert 10 < advised < 400
    size = fit(300, 400, advised)
    assert stylizer(torch.rand(1, 3, *size), [style], options, progress=begun.append).shape[-2:] == size
    assert begun
