"""Which device works, and whether a job fits into its memory."""

import contextlib
import ctypes
import mmap
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto import __version__
from impasto.errors import OptionError, OutOfMemoryError, PictureError, missing_extra
from impasto.sizes import largest_side

if TYPE_CHECKING:
    import torch

# Half precision is used only where it gives the same picture to this many decibels.
GATE_PSNR = 40.0

PROC = Path("/proc")

# Linux has one of them where a driver is loaded: NVIDIA's, that of Windows below it, AMD's.
DRIVERS = (Path("/dev/nvidiactl"), Path("/dev/dxg"), Path("/dev/kfd"))

# Of memory, for every pixel that is decoded; measured: 31 bytes for RGB, 46 with alpha, 33 for RGB of 16 bits.
BYTES_PER_CHANNEL = 12

# Of malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3

# A control group's limit and use of memory, by the version of the kernel's interface.
FIRST = ("memory.limit_in_bytes", "memory.usage_in_bytes")
SECOND = ("memory.max", "memory.current")

# Version 1 has a number for no limit, which depends on the size of pages; what is in use is not read then.
UNLIMITED = 2**60


@dataclass(frozen=True)
class Device:
    """Where something is computed, as PyTorch names it, but known without PyTorch."""

    type: str
    index: int | None = None

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"


CPU = Device("cpu")


def choose_device(name: str = "auto") -> Device:
    """'auto' (the fastest there is), 'cpu', 'cuda', 'cuda:1' or 'mps'. Raises OptionError if it is not there."""
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", name):
        raise OptionError(f"device is '{name}', but must be auto, cpu, cuda, cuda:NUMBER or mps")
    if name == "cpu" or (name == "auto" and not _may_have_gpu()):
        return CPU
    torch = needed_torch(f"the device {name}")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise OptionError(f"device is '{name}', but PyTorch sees {torch.cuda.device_count()} CUDA devices here")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise OptionError("device is 'mps', but PyTorch sees no Apple GPU here")
    return Device(device.type, device.index)


def _may_have_gpu() -> bool:
    """Whether it is worth a second or two to ask PyTorch."""
    if not has_torch():
        return False
    if "torch" in sys.modules or sys.platform in ("darwin", "win32"):
        return True
    return any(driver.exists() for driver in DRIVERS)


def has_torch() -> bool:
    """Whether PyTorch is installed; it is not loaded."""
    return find_spec("torch") is not None


def needed_torch(what: str) -> Any:
    """PyTorch. Raises OptionError, which says how to get it for this, where it is not installed."""
    try:
        import torch
    except ImportError:
        raise OptionError(missing_extra(what, "torch", "torch")) from None
    return torch


def machine() -> str:
    """Versions, processor and threads, for the record of what PyTorch computed."""
    import torch

    threads = torch.get_num_threads()
    return f"impasto {__version__}, torch {torch.__version__}, {platform.machine()}, {threads} threads"


def precision(name: str, device: "torch.device") -> "torch.dtype":
    """'fp32', 'bf16', or 'auto': bf16 where the hardware multiplies in it, fp32 elsewhere. Raises OptionError."""
    import torch

    if name == "auto":
        return torch.bfloat16 if _multiplies_bf16(device) else torch.float32
    if name not in ("fp32", "bf16"):
        raise OptionError(f"precision is '{name}', but must be auto, fp32 or bf16")
    return torch.bfloat16 if name == "bf16" else torch.float32


def _multiplies_bf16(device: "torch.device") -> bool:
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        abilities = torch.cpu.get_capabilities()
        return bool(abilities.get("avx512_bf16") or abilities.get("amx_bf16"))
    return False


@lru_cache(maxsize=1)
def prepare_for_forks() -> None:
    """From now on, let processes that are forked off this one compute in one thread.

    OpenMP's other threads do not come along, and a child that has painted before its fork would wait for them for ever.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_compute_alone)


def _compute_alone() -> None:
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


def free_memory(device: "Device | torch.device") -> int | None:
    """Bytes that a job on this device may still take; None where the system does not say."""
    if device.type == "cuda":
        import torch

        place = torch.device(str(device))
        free: int = torch.cuda.mem_get_info(place)[0]
        return free + torch.cuda.memory_reserved(place) - torch.cuda.memory_allocated(place)
    if device.type == "mps":
        import torch

        return torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
    # Pages of files that nobody looks at are given up before anything is killed.
    groups = (limit - used + _cached(folder / "memory.stat") for folder, limit, used in _limited_groups())
    bounds = [*_kilobytes(PROC / "meminfo", "MemAvailable"), *groups]
    return max(0, min(bounds)) if bounds else None


def resident_memory() -> int:
    """Bytes of this process that are in memory; 0 where the system does not say."""
    pages = "".join(_lines(PROC / "self" / "statm")).split()
    return int(pages[1]) * mmap.PAGESIZE if len(pages) > 1 else 0


def reset_peak() -> None:
    """Let the peak begin anew at what is held now, where the kernel can (Linux)."""
    with contextlib.suppress(OSError):
        (PROC / "self" / "clear_refs").write_text("5")


def peak_bytes() -> int:
    """Peak of resident memory since `reset_peak`, or else of the process's life; 0 where nothing tells (Windows)."""
    for peak in _kilobytes(PROC / "self" / "status", "VmHWM"):
        return peak
    # Only then: after fork and exec, this peak is still the parent's.
    with contextlib.suppress(ImportError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return 0


def disk_room() -> int:
    """Bytes of the disk that temporary files may take; 0 where their folder lies in memory."""
    folder = Path(tempfile.gettempdir()).resolve()
    # The last one that was mounted at a place is the one that is seen there.
    around = [(len(mount.parts), kind) for _, mount, kind, _ in _mounts() if folder.is_relative_to(mount)]
    kinds = [kind for depth, kind in around if depth == max(around)[0]]
    return 0 if kinds and kinds[-1] in ("tmpfs", "ramfs") else shutil.disk_usage(folder).free


def memory_size() -> int | None:
    """Bytes of memory that processes here can have together; None where the system does not say."""
    return min([*_kilobytes(PROC / "meminfo", "MemTotal"), *(limit for _, limit, _ in _limited_groups())], default=None)


def _kilobytes(file: Path, name: str) -> Iterator[int]:
    """As bytes."""
    with contextlib.suppress(OSError, ValueError), file.open() as lines:
        yield from (int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def _limited_groups() -> Iterator[tuple[Path, int, int]]:
    """(folder, limit, bytes in use) of control groups, from the process's own up to the topmost that can be seen: a
    container or a service is killed at its limit, however much the host has."""
    for place, mount, names in _memory_groups():
        for folder in (place, *place.parents):
            limit = _number(folder / names[0])
            if limit is not None and limit < UNLIMITED and (used := _number(folder / names[1])) is not None:
                yield folder, limit, used
            if folder == mount:
                break


def _memory_groups() -> Iterator[tuple[Path, Path, tuple[str, str]]]:
    """(folder of this process's control group, where its hierarchy is mounted, files of its limit and use), of
    version 2 and of version 1 where it counts memory."""
    for root, mount, kind, options in _mounts():
        is_first = kind == "cgroup" and "memory" in options.split(",")
        if kind != "cgroup2" and not is_first:
            continue
        for entry in _lines(PROC / "self" / "cgroup"):
            controllers, colon, path = entry.partition(":")[2].partition(":")
            if colon and ("memory" in controllers.split(",") if is_first else not controllers):
                # In a container, the path may begin at the host's root and the mount at the container's group.
                inside = path.removeprefix(root if root != "/" else "").lstrip("/")
                yield mount / inside, mount, FIRST if is_first else SECOND


def _mounts() -> Iterator[tuple[str, Path, str, str]]:
    """(root, where it is mounted, type, options of the type) of what this process sees mounted."""
    for line in _lines(PROC / "self" / "mountinfo"):
        # man 5 proc: ... root, mount point, options, optional fields, a dash, type, source, options of the type
        before, dash, after = line.partition(" - ")
        fields, kind = before.split(), after.split()
        if dash and len(fields) >= 5 and kind:
            yield fields[3], Path(fields[4].replace("\\040", " ")), kind[0], kind[-1]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except (OSError, ValueError):
        return []


def _number(path: Path) -> int | None:
    """None where there is no number, as in `max`."""
    text = "".join(_lines(path))
    return int(text) if text.isdecimal() else None


def _cached(path: Path) -> int:
    """Bytes of inactive pages of files, which `memory.stat` of version 1 counts with those of the groups below."""
    counters = dict(line.split(maxsplit=1) for line in _lines(path) if " " in line)
    return int(counters.get("total_inactive_file", counters.get("inactive_file", 0)))


def give_memory_back() -> None:
    """From now on, let the system have the memory of large arrays as soon as they are gone, where the C library is
    GNU's: else it keeps what was once in use, a third more than is needed. For processes of impasto's own."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, 2**21)
        mallopt(_M_TRIM_THRESHOLD, 2**21)


def check_room(height: int, width: int, channels: int) -> None:
    """Raises PictureError if a picture file would not fit into the memory that is free, before it is decoded."""
    free, needed = free_memory(CPU), height * width * BYTES_PER_CHANNEL * max(3, channels)
    if free is not None and needed > free:
        sizes = f"about {needed / 2**30:.1f} GiB of memory to be read, and {free / 2**30:.1f} GiB are free"
        raise PictureError(f"its {width} x {height} pixels need {sizes}")


def check_memory(device: "Device | torch.device", height: int, width: int, bytes_per_pixel: float) -> None:
    """Raises OutOfMemoryError with the memory that is needed and there, and the `--size` that fits, if it does not fit.

    It belongs before all work, because a system that is out of memory kills the process without asking.
    """
    free = free_memory(device)
    needed = height * width * bytes_per_pixel
    if free is not None and needed > free:
        raise OutOfMemoryError(_advice(height, width, needed, free))


@contextlib.contextmanager
def memory_guard(device: "Device | torch.device", height: int, width: int, bytes_per_pixel: float) -> Iterator[None]:
    """Refuse a picture that cannot fit before work begins, and explain it if memory runs out after all.

    Raises what `check_memory` raises.
    """
    check_memory(device, height, width, bytes_per_pixel)
    free, needed = free_memory(device), height * width * bytes_per_pixel
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        # What PyTorch's allocators for CPU and MPS raise has no class of its own; CUDA's is such a one, too.
        said = str(error).lower()
        if isinstance(error, RuntimeError) and not ("can't allocate memory" in said or "out of memory" in said):
            raise
        raise OutOfMemoryError(_advice(height, width, needed, free)) from None


def _advice(height: int, width: int, needed: float, free: int | None) -> str:
    # Without a figure of what is free, half of what was asked for is a size that is likely to pass.
    available = needed / 4 if free is None else 0.9 * min(free, needed)
    fits = largest_side(height, width, height * width * available / needed)
    there = "" if free is None else f" and {free / 2**30:.1f} GiB are free"
    return f"{width} x {height} pixels need about {needed / 2**30:.1f} GiB of memory{there}; --size {fits} fits"


def threads() -> int:
    """What the environment's OMP_NUM_THREADS says, as for PyTorch; else the processors that this process may use."""
    chosen = os.environ.get("OMP_NUM_THREADS", "")
    if chosen.isdecimal() and int(chosen):
        return int(chosen)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def compute_in(count: int) -> None:
    """So many threads, in this process from now on: for the engine, and for PyTorch if it is there."""
    os.environ["OMP_NUM_THREADS"] = str(count)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(count)
