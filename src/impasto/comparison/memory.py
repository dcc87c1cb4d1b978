"""The most memory that this process held, as the kernel counts it."""

import sys
from pathlib import Path

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def reset_peak() -> None:
    """Let the peak begin anew at what is held now, where the kernel can (Linux)."""
    try:
        CLEAR.write_text("5")
    except OSError:
        return


def peak_bytes() -> int:
    """Peak of resident memory since `reset_peak`, or else of the process's life; 0 where nothing tells (Windows)."""
    return _from_status("VmHWM") or _from_rusage()


def held_bytes() -> int | None:
    """Resident memory now; None where the kernel does not tell."""
    return _from_status("VmRSS")


def _from_status(name: str) -> int | None:
    try:
        lines = STATUS.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), None)


def _from_rusage() -> int:
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
