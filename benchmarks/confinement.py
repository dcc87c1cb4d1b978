"""What it costs that painting processes are confined: the same paintings by one that is and one that is not.

    python benchmarks/confinement.py [--size 256 1024] [--rounds 20]

Both processes are warm and take turns; each round gives the processor seconds of one over those of the other, which
other work on the machine changes little. Fails where the median is above 1.05.
"""

import argparse
import os
import statistics
import sys
from pathlib import Path

from service_load import photo

from impasto.methods import StylizeOptions
from impasto.service.limits import Limits
from impasto.service.request import PaintRequest
from impasto.service.service import Service

MOST = 1.05
STYLE = "starry-night"


def processor_seconds(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def painted(service: Service, request: PaintRequest, times: int) -> float:
    """Processor seconds for so many paintings."""
    [pid] = service.worker_pids()
    before = processor_seconds(pid)
    for _ in range(times):
        job = service.submit(request)
        assert service.wait(job.id).has_result
    return processor_seconds(pid) - before


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, nargs="+", default=[256, 1024])
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    limits, code = Limits(stop_seconds=0), 0
    with Service(limits=limits, devices=["cpu"]) as confined, Service(
        limits=limits, devices=["cpu"], confine=False
    ) as free:  # fmt: skip
        for service in (confined, free):
            service.wait_until_ready()
        print(f"confined in {', '.join(confined.health().confined) or 'nothing'}")
        for size in arguments.size:
            request = PaintRequest(content=photo(0, size), styles=(STYLE,), options=StylizeOptions())
            # The clock of the system ticks every 10 ms.
            times = max(1, 1024 // size)
            for service in (confined, free):
                painted(service, request, times)
            ratios = []
            for number in range(arguments.rounds):
                order = (confined, free) if number % 2 else (free, confined)
                took = {id(service): painted(service, request, times) for service in order}
                ratios.append(took[id(confined)] / took[id(free)])
            middle = statistics.median(ratios)
            low, high = statistics.quantiles(ratios, n=4)[::2]
            print(f"{size:5} px: {middle:.3f} times the processor seconds, half of them from {low:.3f} to {high:.3f}")
            code |= middle > MOST
    return code


if __name__ == "__main__":
    sys.exit(main())
