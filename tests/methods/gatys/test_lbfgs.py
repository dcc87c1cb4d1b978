"""What an optimisation keeps from step to step, in files in place of memory: the same picture, bit by bit."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from random_tensors import picture
from torch import Tensor

from impasto import load
from impasto.device import PROC, disk_room, resident_memory
from impasto.methods import StylizeOptions
from impasto.methods.gatys.lbfgs import IN_MEMORY, LBFGS, FileStorage, Storage
from impasto.methods.gatys.memory import LOADED, MemoryPlan


def bent(x: Tensor) -> Tensor:
    """Rosenbrock's function: whoever learns from few steps often steps up the slope."""
    return (100 * (x[1:] - x[:-1].square()).square() + (1 - x[:-1]).square()).sum()


def minimised(optimizer: torch.optim.Optimizer, x: Tensor, steps: int) -> list[Tensor]:
    def closure() -> float:
        leaf = x.detach().requires_grad_()
        (x.grad,) = torch.autograd.grad(loss := bent(leaf), leaf)
        return float(loss.detach())

    points = []
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 0.5 if step == 7 else 0.02
        optimizer.step(closure)  # type: ignore[arg-type]
        points.append(x.detach().clone())
    return points


@pytest.mark.parametrize("storage", [IN_MEMORY, FileStorage()])
@pytest.mark.parametrize("history", [1, 4, 100])
def test_lbfgs_is_that_of_pytorch(storage: Storage, history: int) -> None:
    ours, theirs = (torch.linspace(-1, 0.7, 1003) for _ in range(2))
    reference = torch.optim.LBFGS([theirs], max_iter=1, history_size=history, tolerance_grad=0, tolerance_change=0)
    found = minimised(LBFGS(ours, history, storage), ours, 25)
    for one, other in zip(found, minimised(reference, theirs, 25), strict=True):
        assert torch.equal(one, other)
    assert not torch.equal(found[-1], found[-2])


def test_lbfgs_stays_where_it_is_flat() -> None:
    flat = torch.ones(5)
    minimised(optimizer := LBFGS(flat, 3), flat, 2)
    assert torch.equal(flat, torch.ones(5))
    assert not optimizer.state


CONTENT, STYLE = picture(150, 171, 0), picture(40, 50, 1)
VARIANTS: dict[str, dict[str, Any]] = {
    "lbfgs": {},
    "pixels": {"optimizer": "lbfgs-pixels"},
    "clamped": {"optimizer": "lbfgs-clamped", "content_colours": "own"},
    "adam": {"optimizer": "adam"},
    "retreats": {"optimizer": "adam", "learning_rate": 5.0, "style_weight": 0.01},
}


def painted(monkeypatch: pytest.MonkeyPatch, in_files: bool, **choices: Any) -> Tensor:
    chosen = MemoryPlan(128, 3, 1.0, in_files)
    monkeypatch.setattr("impasto.methods.gatys.memory.Needs.plan", lambda *_: chosen)
    options = StylizeOptions(method="gatys", **({"scales": 2, "coarse_steps": 5, "steps": 6} | choices))
    return load("gatys", device="cpu")(CONTENT, [STYLE], options)


@pytest.mark.parametrize("variant", VARIANTS)
def test_paints_the_same(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    in_memory, in_files = (painted(monkeypatch, way, **VARIANTS[variant]) for way in (False, True))
    assert torch.equal(in_memory, in_files)


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_kept_is_what_was_given_in_its_order(order: torch.memory_format) -> None:
    storage, values = FileStorage(), picture(20, 30).contiguous(memory_format=order)
    kept = storage.keep(values.clone())
    assert kept.stride() == values.stride()
    kept += 1
    storage.release()
    assert torch.equal(kept, values + 1)


@pytest.mark.skipif(not PROC.exists(), reason="says nothing of resident memory")
def test_what_is_released_takes_no_memory() -> None:
    storage, before = FileStorage(), resident_memory()
    kept = storage.keep(torch.zeros(2**24))
    kept += 1
    assert resident_memory() - before > 2**25
    storage.release()
    assert resident_memory() - before < 2**24
    assert float(kept.sum()) == 2**24


def test_files_are_lent_by_a_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "self").mkdir()
    monkeypatch.setattr("impasto.device.PROC", tmp_path)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))

    def mounted(*lines: str) -> None:
        (tmp_path / "self" / "mountinfo").write_text("\n".join(lines))

    disk, memory = "22 1 8:1 / {} rw - ext4 /dev/sda1 rw", "23 22 0:5 / {} rw - tmpfs tmpfs rw"
    mounted(disk.format("/"), memory.format("/elsewhere"))
    assert disk_room() > 0
    mounted(disk.format("/"), memory.format(tmp_path))
    assert disk_room() == 0
    mounted(memory.format("/"), disk.format(tmp_path))
    assert disk_room() > 0
    assert resident_memory() == 0, "where the system does not say"


MEASURED = """
import resource, sys, torch
from impasto.device import give_memory_back, resident_memory
from impasto.methods.gatys.memory import Needs
from impasto.methods.gatys.options import GatysOptions
from impasto.methods.gatys.stylizer import Gatys

give_memory_back()
def paint(height, width):
    options = GatysOptions(scales=1, steps=2, precision="fp32", optimizer=sys.argv[1], max_memory=1e-2)
    Gatys(torch.device("cpu"))(torch.rand(1, 3, height, width), [torch.rand(1, 3, 64, 64)], options)
paint(64, 64)
before = resident_memory()
real = Needs.plan
def plan(*arguments):
    chosen = real(*arguments)
    print(chosen.bytes, int(chosen.in_files))
    return chosen
Needs.plan = plan
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")
paint(800, 900)
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) * 1024 - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not PROC.exists(), reason="says nothing of resident memory")
@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_the_plan_is_kept(optimizer: str) -> None:
    command = [sys.executable, "-c", MEASURED, optimizer]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    planned, in_files, used = float(said[0]), int(said[1]), float(said[2])
    assert in_files
    assert 0.5 * planned < used <= planned + LOADED
