"""Where signals are handled while a runtime computes that has a stack of its own for them."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

DISABLED = 2


class _Stack(ctypes.Structure):
    _fields_ = [("pointer", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t)]


def signal_stack() -> tuple[int | None, int, int]:
    """Address, flags and size of the stack that this thread handles signals on (sigaltstack(2)). Linux only."""
    found = _Stack()
    ctypes.CDLL(None).sigaltstack(None, ctypes.byref(found))
    return found.pointer, found.flags, found.size


@contextmanager
def signal_stack_kept() -> Iterator[None]:
    """This thread handles signals after that where it did before.

    OpenVINO on a processor with AMX leaves a thread a stack that has room for what the kernel puts there, and for
    nothing else: with it Python's handlers, of Ctrl-C or of a process that ended, end in a segmentation fault.
    """
    if sys.platform != "linux":
        yield
        return
    before = signal_stack()
    try:
        yield
    finally:
        exchange = ctypes.CDLL(None).sigaltstack
        if exchange(ctypes.byref(_Stack(*before)), None):
            # With AMX in use that stack, too, is one that the kernel finds small.
            exchange(ctypes.byref(_Stack(None, DISABLED, 0)), None)
