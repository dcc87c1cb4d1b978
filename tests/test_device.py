"""Choosing a device, and memory that does not suffice."""

import re

import pytest
import torch

import impasto
from impasto.device import choose_device, free_memory, memory_guard, precision
from impasto.errors import OptionError, OutOfMemoryError
from impasto.image import fit
from impasto.options import StylizeOptions

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
        assert choose_device(name) == torch.device(name)


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
    stylizer, options = (
        impasto.load("gatys", device="cpu"),
        StylizeOptions(method="gatys", optimizer=optimizer, scales=1, steps=1),
    )
    style = torch.rand(1, 3, 8, 8)

    def progress(report: object) -> None:
        begun.append(report)

    begun: list[object] = []
    with pytest.raises(OutOfMemoryError) as caught:
        stylizer(torch.rand(1, 3, 300, 400), [style], options, progress=progress)
    assert not begun
    advised = int(re.search(r"--size (\d+) fits", str(caught.value))[1])  # type: ignore[index]
    assert 10 < advised < 400
    size = fit(300, 400, advised)
    assert stylizer(torch.rand(1, 3, *size), [style], options, progress=progress).shape[-2:] == size
    assert begun
