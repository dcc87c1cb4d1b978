"""The most memory that this process held, as the kernel counts it."""

import sys
from contextlib import suppress

from impasto.device import PROC


def reset_peak() -> None:
    """Let the peak begin anew at what is held now, where the kernel can (Linux)."""
    with suppress(OSError):
        (PROC / "self" / "clear_refs").write_text("5")


def peak_bytes() -> int:
    """Peak of resident memory since `reset_peak`, or else of the process's life; 0 where nothing tells (Windows)."""
    with suppress(OSError):
        for line in (PROC / "self" / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    # Only then: after fork and exec, this peak is still the parent's.
    with suppress(ImportError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return 0
