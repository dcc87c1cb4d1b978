"""The server for half an hour, beside a thousand connections that say next to nothing: what it takes stays what it was.

    python benchmarks/service_soak.py [--minutes 30] [--slow 1000]

Starts `impasto serve` on loopback. Clients paint, look around, cancel, send pictures, break requests off and send
damaged ones, one after the other, without end. `--slow` connections, four from each address, send one byte of a header
now and then, and come again when they are hung up on.

Fails unless paintings are made to the end, no answer is the server's fault, and memory, open files and threads of the
server and of what paints are no more in the last third than in the second, but for a tenth.
"""

import argparse
import http.client
import io
import random
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from service_load import STYLE, children, healthy, percentiles, photo

from impasto.client import _form

EACH = 4
"""Slow connections from one address."""
SLOWNESS = 4.0
"""Seconds between two bytes."""
SAMPLE_SECONDS = 5.0


class Visitors:
    """What all clients together saw."""

    def __init__(self, port: int) -> None:
        self.port, self.is_over = port, threading.Event()
        self.statuses: Counter[str] = Counter()
        self.latencies: list[float] = []
        self.slow = self.hung_up = 0

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "", prefer: str = "wait=60") -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=90)
        try:
            connection.request(method, path, body, {"Content-Type": kind, "Prefer": prefer})
            answer = connection.getresponse()
            self.statuses[f"{method} {path.partition('/jobs/')[0]} {answer.status}"] += 1
            return answer.headers.get("Location", "").encode() if answer.status == 202 else answer.read()
        finally:
            connection.close()

    def paint(self) -> None:
        body, kind = _form([("content", photo(random.randrange(40), 128)), ("style", STYLE), ("format", "png")])
        began = time.monotonic()
        painted = self.ask("POST", "/v1/stylize", body, kind)
        if painted.startswith(b"\x89PNG"):
            Image.open(io.BytesIO(painted)).load()
            self.latencies.append(time.monotonic() - began)

    def cancel(self) -> None:
        body, kind = _form([("content", photo(1, 64)), ("style", STYLE), ("method", "adain")])
        if place := self.ask("POST", "/v1/stylize", body, kind, "respond-async"):
            self.ask("DELETE", place.decode())

    def upload(self) -> None:
        self.ask("POST", "/v1/uploads", photo(random.randrange(1000), 64), "application/octet-stream")

    def break_off(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(
                b"POST /v1/stylize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n\r\n" + bytes(99)
            )

    def damage(self) -> None:
        body, kind = _form([("content", photo(3, 64)), ("style", STYLE), ("strength", "many")])
        at = random.randrange(len(body))
        self.ask("POST", "/v1/stylize", body[:at] + random.randbytes(8) + body[at + 8 :], kind)

    def look_around(self) -> None:
        for path in ("/", "/v1/styles", "/v1/methods", f"/v1/styles/{STYLE}/thumbnail", "/v1/jobs/none"):
            self.ask("GET", path)

    def go_on(self, *visits: Callable[[], None]) -> None:
        while not self.is_over.is_set():
            for visit in visits:
                visit()
                self.is_over.wait(0.2)

    def say_little(self, address: str) -> None:
        """One slow connection after the other, whatever becomes of them."""
        while not self.is_over.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self.port), 10, (address, 0)) as connection:
                    self.slow += 1
                    try:
                        for sign in b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"y" * 1000:
                            connection.sendall(bytes([sign]))
                            if self.is_over.wait(SLOWNESS):
                                return
                    finally:
                        self.slow -= 1
            except OSError:
                self.hung_up += 1
                self.is_over.wait(SLOWNESS * random.random())


def taken(pid: int) -> tuple[float, int, int]:
    """Megabytes, open files and threads of a process now."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    said = {line.partition(":")[0]: line.split()[1] for line in lines if line.startswith(("VmRSS", "Threads"))}
    return int(said["VmRSS"]) / 1024, len([*Path(f"/proc/{pid}/fd").iterdir()]), int(said["Threads"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--slow", type=int, default=1000)
    arguments = parser.parse_args()
    command = [sys.executable, "-m", "impasto", "serve", "--port", "0", "--device", "cpu", "--insecure"]
    with subprocess.Popen([*command, "--keep-seconds", "30"], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            return soak(arguments, int(server.stdout.readline().rpartition(":")[2]), server.pid)
        finally:
            server.terminate()
            server.wait(60)


def soak(arguments: argparse.Namespace, port: int, pid: int) -> int:
    visitors = Visitors(port)
    slow = [f"127.{1 + number // EACH // 250}.1.{1 + number // EACH % 250}" for number in range(arguments.slow)]
    threads = [threading.Thread(target=visitors.say_little, args=(address,)) for address in slow]
    rest = (visitors.cancel, visitors.upload, visitors.break_off, visitors.damage, visitors.look_around)
    threads += [threading.Thread(target=visitors.go_on, args=visits) for visits in ((visitors.paint,), rest)]
    for thread in threads:
        thread.start()
    until, samples, most_slow, told = time.monotonic() + 60 * arguments.minutes, [], 0, 0.0
    while time.monotonic() < until:
        time.sleep(SAMPLE_SECONDS)
        [painter] = children(pid)
        samples.append((*taken(pid), *taken(painter)))
        most_slow = max(most_slow, visitors.slow)
        if time.monotonic() - told > 60:
            told = time.monotonic()
            print(
                f"server {samples[-1][0]:.0f} MB, {samples[-1][1]} files, painter {samples[-1][3]:.0f} MB;"
                f" {len(visitors.latencies)} paintings, {visitors.slow} slow connections", flush=True,
            )  # fmt: skip
    painted_late = len(visitors.latencies)
    well = healthy(port)
    visitors.is_over.set()
    for thread in threads:
        thread.join()
    third = len(samples) // 3
    names = ("server MB", "server files", "server threads", "painter MB", "painter files", "painter threads")
    grown = []
    for name, values in zip(names, zip(*samples, strict=True), strict=True):
        middle, last = (statistics.median(values[-k * third : len(values) - (k - 1) * third]) for k in (2, 1))
        print(f"{name:<16} {middle:7.1f} in the second third, {last:7.1f} in the last; {max(values):.1f} at most")
        grown += [name] if last > 1.1 * middle else []
    faults = {said: count for said, count in visitors.statuses.items() if said.endswith(("500", "502", "504"))}
    print(f"painted   {painted_late}; latency {percentiles(visitors.latencies)}")
    print(f"answers   {dict(visitors.statuses.most_common())}")
    print(f"slow      {most_slow} at a time, hung up on {visitors.hung_up} times")
    print(f"problems  {[*grown, *faults] or 'none'}; the server is {'' if well else 'not '}well")
    return 0 if well and painted_late and not grown and not faults else 1


if __name__ == "__main__":
    sys.exit(main())
