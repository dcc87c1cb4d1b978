"""The HTTP API under load: more clients than it can serve, each of whom checks what it gets.

    python benchmarks/service_load.py [--clients 200] [--seconds 60] [--queue 32] [--size 256]

Starts `impasto serve` on loopback with a key for every client. First every client has its own picture painted alone,
one after the other: the hash of those pixels is what it must get from then on. Then all of them ask at once, again and
again, and come back when a refusal's Retry-After is over.

Fails unless every painting is its client's own, every refusal is a 503 with Retry-After, no connection breaks, and the
server is well at the end. Prints throughput, percentiles of latency, and the peak memory of server and painter.
"""

import argparse
import hashlib
import http.client
import io
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from impasto.client import _form
from impasto.serving.http_limits import SHARE
from impasto.web.keys import add_key

STYLE = "swirls"
LONGEST_PAUSE = 10.0


@dataclass
class Client:
    """One user: a key, a picture, and what came of it."""

    key: str
    port: int
    body: bytes
    kind: str
    expected: str = ""
    done: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def ask(self) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            headers = {"Authorization": f"Bearer {self.key}", "Content-Type": self.kind, "Prefer": "wait=60"}
            connection.request("POST", "/v1/stylize", self.body, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.headers), answer.read()
        finally:
            connection.close()

    def paint_alone(self) -> None:
        status, _, body = self.ask()
        if status != 200:
            raise SystemExit(f"a client alone got {status}: {body.decode(errors='replace')[:200]}")
        self.expected = pixels_hash(body)

    def work(self, until: float) -> None:
        while time.monotonic() < until:
            began = time.monotonic()
            try:
                status, headers, body = self.ask()
            except (OSError, http.client.HTTPException) as error:
                self.problems.append(f"connection: {type(error).__name__}")
                continue
            took = time.monotonic() - began
            if status == 200:
                self.done.append(took)
                if pixels_hash(body) != self.expected:
                    self.problems.append("somebody else's painting")
            elif status == 503 and headers.get("retry-after", "").isdigit():
                self.refused.append(took)
                time.sleep(min(LONGEST_PAUSE, int(headers["retry-after"]), max(0.0, until - time.monotonic())))
            else:
                self.problems.append(f"status {status}, Retry-After {headers.get('retry-after')}")


def pixels_hash(data: bytes) -> str:
    # Not of the file, which says how many seconds it took.
    with Image.open(io.BytesIO(data)) as image:
        return hashlib.sha256(image.tobytes()).hexdigest()


def photo(number: int, size: int) -> bytes:
    """A smooth random picture."""
    coarse = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(coarse).resize((size, size * 3 // 4), Image.Resampling.BICUBIC).save(stream, "PNG")
    return stream.getvalue()


def peak_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return float("nan")


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(word) for task in tasks for word in task.read_text().split()]


def healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/healthz")
    return connection.getresponse().status == 200


def percentiles(seconds: list[float]) -> str:
    if not seconds:
        return "none"
    values = np.percentile(seconds, [50, 90, 99, 100])
    return "  ".join(f"{name} {value:.2f} s" for name, value in zip(("p50", "p90", "p99", "max"), values, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--queue", type=int, default=32)
    parser.add_argument("--size", type=int, default=256)
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        file = Path(folder) / "keys.json"
        keys = [add_key(file, f"client {number}", ("stylize",)) for number in range(arguments.clients)]
        command = [sys.executable, "-m", "impasto", "serve", "--port", "0", "--device", "cpu"]
        command += ["--keys", str(file), "--queue", str(arguments.queue), "--wait-seconds", "60"]
        # All of them come from one address.
        command += ["--connections", str(SHARE * (arguments.clients + 8))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                line = server.stdout.readline()
                if not line:
                    raise SystemExit("the server did not start")
                sys.exit(load(arguments, keys, int(line.rpartition(":")[2]), server.pid))
            finally:
                server.terminate()
                server.wait(60)


def load(arguments: argparse.Namespace, keys: list[str], port: int, pid: int) -> int:
    clients = []
    for number, key in enumerate(keys):
        body, kind = _form([("content", photo(number, arguments.size)), ("style", STYLE), ("format", "png")])
        clients.append(Client(key, port, body, kind))
    for client in clients:
        client.paint_alone()
    distinct = len({client.expected for client in clients})
    before = peak_mb(pid), sum(map(peak_mb, children(pid)))
    print(
        f"{len(clients)} clients, queue of {arguments.queue}, {arguments.size} px; {distinct} different paintings",
        flush=True,
    )
    began = time.monotonic()
    until = began + arguments.seconds
    threads = [threading.Thread(target=client.work, args=(until,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    done = [seconds for client in clients for seconds in client.done]
    refused = [seconds for client in clients for seconds in client.refused]
    problems = Counter(problem for client in clients for problem in client.problems)
    served = sorted(len(client.done) for client in clients)
    print(f"painted   {len(done)} in {took:.0f} s, {len(done) / took:.1f} a second; latency {percentiles(done)}")
    print(f"refused   {len(refused)}, all 503 with Retry-After; latency {percentiles(refused)}")
    print(f"fairness  {served[0]} to {served[-1]} paintings a client, median {served[len(served) // 2]}")
    after = peak_mb(pid), sum(map(peak_mb, children(pid)))
    print(
        f"memory    server {after[0]:.0f} MB at its peak, {before[0]:.0f} alone;"
        f" painter {after[1]:.0f}, {before[1]:.0f}"
    )
    well = healthy(port)
    print(f"problems  {dict(problems) or 'none'}; the server is {'well' if well else 'not well'}")
    return 0 if well and not problems and done and distinct == len(clients) else 1


if __name__ == "__main__":
    main()
