"""Which device works, and whether a job fits into its memory."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import torch

from impasto.errors import OptionError, OutOfMemoryError
from impasto.sizes import largest_side

# Half precision is used only where it gives the same picture to this many decibels.
GATE_PSNR = 40.0


def choose_device(name: str = "auto") -> torch.device:
    """'auto' (the fastest there is), 'cpu', 'cuda', 'cuda:1' or 'mps'. Raises OptionError if it is not there."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise OptionError(f"device is '{name}', but must be auto, cpu, cuda, cuda:NUMBER or mps") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise OptionError(f"device is '{name}', but PyTorch sees {torch.cuda.device_count()} CUDA devices here")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise OptionError("device is 'mps', but PyTorch sees no Apple GPU here")
    if device.type not in ("cpu", "cuda", "mps"):
        raise OptionError(f"device is '{name}', but must be auto, cpu, cuda, cuda:NUMBER or mps")
    return device


def precision(name: str, device: torch.device) -> torch.dtype:
    """'fp32', 'bf16', or 'auto': bf16 where the hardware multiplies in it, fp32 elsewhere. Raises OptionError."""
    if name == "auto":
        return torch.bfloat16 if _multiplies_bf16(device) else torch.float32
    if name not in ("fp32", "bf16"):
        raise OptionError(f"precision is '{name}', but must be auto, fp32 or bf16")
    return torch.bfloat16 if name == "bf16" else torch.float32


def _multiplies_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        abilities = torch.cpu.get_capabilities()
        return bool(abilities.get("avx512_bf16") or abilities.get("amx_bf16"))
    return False


def free_memory(device: torch.device) -> int | None:
    """Bytes that a job on this device may still take; None where the system does not say."""
    if device.type == "cuda":
        free: int = torch.cuda.mem_get_info(device)[0]
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
    with contextlib.suppress(OSError, ValueError, StopIteration), Path("/proc/meminfo").open() as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    return None


def check_memory(device: torch.device, height: int, width: int, bytes_per_pixel: float) -> None:
    """Raises OutOfMemoryError with the memory that is needed and there, and the `--size` that fits, if it does not fit.

    It belongs before all work, because a system that is out of memory kills the process without asking.
    """
    free = free_memory(device)
    needed = height * width * bytes_per_pixel
    if free is not None and needed > free:
        raise OutOfMemoryError(_advice(height, width, needed, free))


@contextlib.contextmanager
def memory_guard(device: torch.device, height: int, width: int, bytes_per_pixel: float) -> Iterator[None]:
    """Refuse a picture that cannot fit before work begins, and explain it if memory runs out after all.

    Raises what `check_memory` raises.
    """
    check_memory(device, height, width, bytes_per_pixel)
    free, needed = free_memory(device), height * width * bytes_per_pixel
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError):
        raise OutOfMemoryError(_advice(height, width, needed, free)) from None
    except RuntimeError as error:
        # What PyTorch's allocators for CPU and MPS raise has no class of its own.
        if "can't allocate memory" in str(error) or "out of memory" in str(error).lower():
            raise OutOfMemoryError(_advice(height, width, needed, free)) from None
        raise


def _advice(height: int, width: int, needed: float, free: int | None) -> str:
    # Without a figure of what is free, half of what was asked for is a size that is likely to pass.
    available = needed / 4 if free is None else 0.9 * min(free, needed)
    fits = largest_side(height, width, height * width * available / needed)
    there = "" if free is None else f" and {free / 2**30:.1f} GiB are free"
    return f"{width} x {height} pixels need about {needed / 2**30:.1f} GiB of memory{there}; --size {fits} fits"
