"""A Ray cluster of a head without cores and two nodes with one each: prints its address; at every line that it reads
kills a node that paints, and prints how many painters that took along; ends with its input."""

import sys
from pathlib import Path

from ray.cluster_utils import Cluster

NODE = {"num_cpus": 1, "object_store_memory": 100 * 2**20}


def painters(node):
    (raylet,) = node.all_processes["raylet"]
    tasks = Path(f"/proc/{raylet.process.pid}/task").glob("*/children")
    programs = [Path(f"/proc/{pid}/cmdline") for task in tasks for pid in task.read_text().split()]
    return sum(any(name in program.read_bytes() for name in (b"MapWorker", b"Lane")) for program in programs)


if __name__ == "__main__":
    cluster = Cluster(True, head_node_args={**NODE, "num_cpus": 0, "include_dashboard": False})
    nodes = [cluster.add_node(**NODE) for _ in range(2)]
    cluster.wait_for_nodes()
    print(cluster.address, flush=True)  # noqa: T201
    for _ in sys.stdin:
        node = max(nodes, key=painters)
        count = painters(node)
        # By SIGKILL, and all of its processes with it.
        cluster.remove_node(node, allow_graceful=False)
        print(count, flush=True)  # noqa: T201
    cluster.shutdown()
