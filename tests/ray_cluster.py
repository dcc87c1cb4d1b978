"""A Ray cluster of two nodes on this machine."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Callable[[], int]]]:
    """(its address, a call that kills one of its two nodes and says how many painters that took along)."""
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    program = Path(__file__).with_name("ray_nodes.py")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, str(program)], **pipes, text=True, bufsize=1) as nodes:

        def kill() -> int:
            nodes.stdin.write("kill\n")
            return int(nodes.stdout.readline())

        yield nodes.stdout.readline().strip(), kill
