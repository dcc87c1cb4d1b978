"""`impasto batch` against the bare engine, and what follows for a million pictures and an hour of video.

    python benchmarks/batch.py [--pictures 96] [--size 512] [--rounds 3] [--nodes 1 10 100] [--cores 16]

Rounds in turns, in one run, one thread a worker:

- bare: one process that decodes, paints, encodes and writes the same pictures in a loop, with nothing else; and two of
  them at once, each with half of the pictures: what the machine itself loses, whose cores share memory;
- batch, with 1 and with 2 workers: the same pictures through the inputs, the plan, the executor and the ledger.

Prints pictures a second and seconds of a core per picture, by the difference of a run of all and one of 16, so that
starting does not count, and the memory of a worker. Efficiencies: by the clock, the batch's rate over that of as many
bare engines at once, and over workers times that of one, which need as many free cores; and by the cores' seconds, one
bare engine over batch, for machines that do something else besides.

Then a model: the slowest of three stages decides, none of which waits for another.

    painting      nodes x cores / (seconds of a picture in a worker)
    network       nodes x gigabits a second / (bytes read and written per picture)
    object store  requests a second it allows / 2 (a read and a write per picture)

The seconds are those of a core in this run, with 2 workers; sizes of files are those of this run; the network and the
object store are the assumptions that the flags give. An hour of video is 90,000 frames of that size as pictures.
"""

import argparse
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

PROGRAM = r"""
import multiprocessing, os, re, sys, time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from impasto import api, image
from impasto.batch import local
from impasto.batch.run import Batch
from impasto.device import compute_in
from impasto.batch.task import Settings
from impasto.gallery import packaged
from impasto.methods import StylizeOptions


def peak():
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) // 1024


def bare(folder, out, size, part=slice(None)):
    compute_in(1)
    options = StylizeOptions(size=size)
    method = api.load(options.method, device="cpu")
    style = api.encode_style(packaged()["swirls"], options, stylizer=method)
    stages = [0.0, 0.0, 0.0]
    for path in sorted(folder.iterdir())[part]:
        start = time.perf_counter()
        picture = image.read(path)
        read = time.perf_counter()
        painting = api.paint(picture, [style], options, stylizer=method)
        painted = time.perf_counter()
        (out / path.name).write_bytes(image.encode(painting.picture, path.suffix, record=painting.record))
        end = time.perf_counter()
        for place, seconds in enumerate((read - start, painted - read, end - painted)):
            stages[place] += seconds
    return [*stages, peak()]


def batch(folder, out, size, workers):
    settings, options = Settings(device="cpu", pixel_limit=10**9), StylizeOptions(size=size)
    made = Batch([str(folder)], settings, output=str(out), options=options, styles=("swirls",))
    memory, done = [], 0
    for row in made.run(lambda chunks, settings: local.run(chunks, settings, workers)):
        assert row.state == "done", row
        done += 1
        if workers > 1 and done == made.total // 2:
            memory = [peak_of(pid) for pid in children()]
    return [0, 0, 0, max(memory or [peak()])]


def cpu_seconds():
    times = os.times()
    alive = 0.0
    for pid in children():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        alive += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return times.user + times.system + times.children_user + times.children_system + alive


def children():
    tasks = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return [int(word) for task in tasks for word in task.read_text().split()]


def peak_of(pid):
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) // 1024


if __name__ == "__main__":
    what, folder, out, size = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    began = time.perf_counter(), cpu_seconds()
    if what == "two bare":
        with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
            parts = [slice(first, None, 2) for first in (0, 1)]
            halves = list(pool.map(bare, [folder] * 2, [out] * 2, [size] * 2, parts))
        said = [max(values) for values in zip(*halves)]
    else:
        said = bare(folder, out, size) if what == "bare" else batch(folder, out, size, int(what))
    print(time.perf_counter() - began[0], cpu_seconds() - began[1], *said)
"""
VIDEO_FRAMES = 25 * 3600
MILLION = 1_000_000
FEW = 16
"""Pictures of a run that is taken off: one chunk for each of 2 workers."""


@dataclass(frozen=True)
class Round:
    """One way to paint: seconds of a picture by the clock, of cores and of stages; and megabytes of a worker."""

    seconds: float
    core_seconds: float
    stages: tuple[float, ...]
    megabytes: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=96)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--cores", type=int, default=16, help="of a node")
    parser.add_argument("--gigabits", type=float, default=10, help="a second, of a node's network")
    parser.add_argument("--requests", type=int, default=3500, help="a second that the object store allows")
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        photos = Path(folder, "photos")
        draw(photos, arguments.pictures, arguments.size)
        few = Path(folder, "few")
        draw(few, FEW, arguments.size)
        program = Path(folder, "program.py")
        program.write_text(PROGRAM)
        ways: dict[str, list[Round]] = {"bare": [], "two bare": [], "1": [], "2": []}
        for number in range(arguments.rounds):
            for way, rounds in ways.items():
                rounds.append(paint(program, way, [few, photos], Path(folder, f"{way}-{number}"), arguments.size))
        written = sum(path.stat().st_size for path in Path(folder, "bare-0-photos").iterdir()) / arguments.pictures
        read = sum(path.stat().st_size for path in photos.iterdir()) / arguments.pictures
    seconds, apart = report(ways, arguments.pictures)
    predict(seconds, apart, read + written, arguments)


def draw(folder: Path, count: int, size: int) -> None:
    """Smooth pictures with grain, as JPEG files."""
    import numpy as np
    from PIL import Image

    folder.mkdir()
    for number in range(count):
        random = np.random.default_rng(number)
        coarse = Image.fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        smooth = np.asarray(coarse.resize((size, size * 3 // 4), Image.Resampling.BICUBIC), np.int16)
        grain = random.normal(0, 6, smooth.shape)
        picture = Image.fromarray(np.clip(smooth + grain, 0, 255).astype(np.uint8))
        picture.save(folder / f"{number:04}.jpg", quality=92)


def paint(program: Path, way: str, folders: list[Path], out: Path, size: int) -> Round:
    """Of few and of many pictures, whose difference knows nothing of how long it takes to begin."""
    few, many = (_run(program, way, folder, out.with_name(f"{out.name}-{folder.name}"), size) for folder in folders)
    count, all_of_them = (len(list(folder.iterdir())) for folder in folders)
    clock, cores = ((many[place] - few[place]) / (all_of_them - count) for place in range(2))
    return Round(clock, cores, tuple(seconds / all_of_them for seconds in many[2:5]), int(many[5]))


def _run(program: Path, way: str, photos: Path, out: Path, size: int) -> list[float]:
    out.mkdir()
    command = [sys.executable, str(program), way, str(photos), str(out), str(size)]
    # As `impasto batch` does it.
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    said = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.split()
    return [float(word) for word in said]


def report(ways: dict[str, list[Round]], pictures: int) -> tuple[float, float]:
    """Print what was measured; seconds of a core for a picture of a batch, and those of what is not painting."""
    clock = {way: statistics.median(one.seconds for one in rounds) for way, rounds in ways.items()}
    cores = {way: statistics.median(one.core_seconds for one in rounds) for way, rounds in ways.items()}
    stages = [statistics.median(one.stages[n] for one in ways["bare"]) for n in range(3)]
    names = ("decoding", "painting", "encoding and writing")
    load = Path("/proc/loadavg").read_text().split()[0]
    print(f"{pictures} pictures, {len(ways['bare'])} rounds in turns, load of the machine {load}")
    for way, name in (
        ("bare", "bare engine"),
        ("two bare", "two at once"),
        ("1", "batch, 1 worker"),
        ("2", "batch, 2 workers"),
    ):
        memory = max(one.megabytes for one in ways[way])
        rate, milliseconds = 1 / clock[way], cores[way] * 1000
        print(f"{name:18}{rate:7.2f} pictures/s{milliseconds:7.0f} ms of a core{memory:6} MB a worker at most")
    print("of the bare engine: " + ", ".join(f"{n} {s * 1000:.0f} ms" for n, s in zip(names, stages, strict=True)))
    for way in ("1", "2"):
        pairs = list(zip(ways["bare"], ways[way], strict=True))
        by_clock = [bare.seconds / one.seconds / int(way) for bare, one in pairs]
        at_once = [bare.seconds / one.seconds for bare, one in zip(ways["two bare"], ways["2"], strict=True)]
        by_cores = [bare.core_seconds / one.core_seconds for bare, one in pairs]
        kinds = [("by the clock", by_clock), ("by the cores' seconds", by_cores)]
        if way == "2":
            kinds.insert(0, ("by the clock, over two bare engines at once", at_once))
        for name, ratios in kinds:
            said = ", ".join(f"{ratio:.2f}" for ratio in ratios)
            print(f"efficiency of {way} workers {name}: {statistics.median(ratios):.2f} (rounds {said})")
    print(f"overhead per picture: {(cores['1'] - cores['bare']) * 1000:.0f} ms of a core with 1 worker")
    return cores["2"], stages[0] + stages[2]


def predict(seconds: float, apart: float, size: float, arguments: argparse.Namespace) -> None:
    print(f"\nmodel: {seconds:.2f} core seconds and {size / 1e3:.0f} kB a picture, {arguments.cores} cores and")
    print(f"{arguments.gigabits:g} Gbit/s a node, {arguments.requests} requests/s of the store")
    for nodes in arguments.nodes:
        stages = {
            "painting": nodes * arguments.cores / seconds,
            "network": nodes * arguments.gigabits * 1e9 / 8 / size,
            "object store": arguments.requests / 2,
        }
        slowest = min(stages, key=lambda name: stages[name])
        rate = stages[slowest]
        cost = MILLION / rate / 3600 * nodes * arguments.cores
        print(
            f"{nodes:4} nodes: {rate:8.1f} pictures/s, bound by {slowest}; a million in {MILLION / rate / 3600:7.2f} h"
            f" ({cost:.0f} core hours), an hour of video in {VIDEO_FRAMES / rate / 60:7.1f} min"
        )
    fed = arguments.cores / apart
    print(
        f"with GPUs: the {arguments.cores} cores of a node decode and encode {fed:.0f} pictures/s, and faster GPUs wait"
    )


if __name__ == "__main__":
    main()
