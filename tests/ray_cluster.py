"""A Ray cluster of a head without cores and two nodes with one each, on this machine: a fixture, and its program.

The program prints the cluster's address; at every line that it reads it kills a node that paints, and prints how many
painters that took along; it ends with its input.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

NODE = {"num_cpus": 1, "object_store_memory": 100 * 2**20}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Callable[[], int]]]:
    """(its address, a call that kills one of its two nodes and says how many painters that took along)."""
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, __file__], **pipes, text=True, bufsize=1) as nodes:

        def kill() -> int:
            nodes.stdin.write("kill\n")
            return int(nodes.stdout.readline())

        yield nodes.stdout.readline().strip(), kill


def painters(node: Any) -> int:
    (raylet,) = node.all_processes["raylet"]
    tasks = Path(f"/proc/{raylet.process.pid}/task").glob("*/children")
    programs = [Path(f"/proc/{pid}/cmdline") for task in tasks for pid in task.read_text().split()]
    return sum(any(name in program.read_bytes() for name in (b"MapWorker", b"Lane")) for program in programs)


if __name__ == "__main__":
    from ray.cluster_utils import Cluster

    nodes = Cluster(True, head_node_args={**NODE, "num_cpus": 0, "include_dashboard": False})
    both = [nodes.add_node(**NODE) for _ in range(2)]
    nodes.wait_for_nodes()
    print(nodes.address, flush=True)  # noqa: T201
    for _ in sys.stdin:
        node = max(both, key=painters)
        count = painters(node)
        # By SIGKILL, and all of its processes with it.
        nodes.remove_node(node, allow_graceful=False)
        print(count, flush=True)  # noqa: T201
    nodes.shutdown()
