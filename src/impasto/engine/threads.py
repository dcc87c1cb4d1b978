"""How many threads compute."""

import os
import sys


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
