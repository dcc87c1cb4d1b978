"""Peak memory of `gatys` against the estimate that refuses pictures which would not fit.

    python benchmarks/memory.py [--sizes 512 1024 1536]

Each row is a process of its own that paints a square picture at one scale, long enough to fill the history of L-BFGS.
Measured is its highest resident memory less that of the same process before painting.
"""

import argparse
import resource
import subprocess
import sys

import torch

from impasto.methods.gatys.memory import MemoryPlan, Needs
from impasto.methods.gatys.options import GatysOptions
from impasto.methods.gatys.stylizer import Gatys

CASES = (
    {"precision": "fp32"},
    {"precision": "bf16"},
    {"precision": "fp32", "history": 5},
    {"optimizer": "adam"},
    {"precision": "bf16", "max_memory": 0.7},
    {"precision": "fp32", "max_memory": 0.7},
    {"optimizer": "adam", "max_memory": 0.7},
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024, 1536])
    parser.add_argument("--one", type=int, nargs=2, metavar=("SIZE", "CASE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        measure(*arguments.one)
        return
    for case in range(len(CASES)):
        for size in arguments.sizes:
            subprocess.run([sys.executable, __file__, "--one", str(size), str(case)], check=True)


def measure(size: int, case: int) -> None:
    torch.set_num_threads(2)
    history = CASES[case].get("history", GatysOptions().history)
    options = GatysOptions(scales=1, steps=history + 3, **CASES[case])  # type: ignore[arg-type]
    method = Gatys(torch.device("cpu"))
    small = torch.rand(1, 3, 32, 32)
    method(small, [small], GatysOptions(scales=1, steps=2, **CASES[case]))  # type: ignore[arg-type]
    picture = torch.rand(1, 3, size, size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    plans: list[MemoryPlan] = []
    plan = Needs.plan
    Needs.plan = lambda *arguments: plans.append(plan(*arguments)) or plans[-1]  # type: ignore[method-assign, assignment, func-returns-value]
    method(picture, [picture], options)
    used = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    estimate, where = plans[0].bytes, "in files" if plans[0].in_files else "in memory"
    print(
        f"{CASES[case]!s:45} {where:9} {size:5} px: {used / 2**20:7.0f} MiB, {used / size**2:6.0f} bytes per pixel; "
        f"estimate {estimate / 2**20:7.0f} MiB, {estimate / used:.2f} of it",
        flush=True,
    )


if __name__ == "__main__":
    main()
