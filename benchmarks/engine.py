"""The engine: its speed side by side with others, its growth with size, its commands, its memory, its size on disk.

    python benchmarks/engine.py [--rows speed growth command large gatys folder size gigapixel] [--rounds 10]

speed: seconds for one picture of 512, 1024 and 2048 px, style encoded beforehand, by OpenVINO in its best precision and
    in fp32, by ONNX Runtime and by PyTorch, with the same weights; and by MicroAST's layout (Wang et al. 2022) with
    random weights, eager PyTorch in fp32. Each is a process of its own, for their threads would fight; they take turns,
    and what counts is the least of the rounds. The ceiling is what convolutions of 128 channels at an eighth of the
    picture reach in OpenVINO.
growth: seconds per megapixel from 512 to 8192 px, the median of rounds in which the sizes take turns.
command: `impasto stylize`, cold, a 512 px photo, and what of it is starting Python, numpy and the runtime, which take
    turns; medians. Bytecode is kept from a first run that does not count, as an installation keeps it, even where
    PYTHONDONTWRITEBYTECODE says otherwise.
large: the same for 12 megapixels, the median of three, and 100, JPEG to JPEG, with the peak of resident memory.
gigapixel: one more, TIFF to tiled TIFF; only if it is named: it takes half an hour of two cores and 20 GB of TMPDIR.
gatys: two steps of 4000 x 3000 pixels in 2 GiB: seconds, and the peak of resident memory.
folder: 512 px pictures a second of a whole folder, over those of the bare engine.
size: what the core's packages take on disk.

Every row but the last says its goal, and what share it is of the ceiling: the seconds that its convolutions would take
there, over all that it took. A row that misses its goal says which stage took what, in a process of its own: seconds by
the clock, and of the cores.
"""

import argparse
import math
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

ROWS = ("speed", "growth", "command", "large", "gatys", "folder", "size")
ONLY_IF_NAMED = ("gigapixel",)
SIZES = (512, 1024, 2048)
# Milliseconds, by sides.
GOALS = {512: 25, 2048: 400}
STYLE = "starry-night"
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# --- programs that paint one picture after the other -----------------------------------------------------------------


def picture(height: int, width: int) -> np.ndarray:
    """(1, 3, height, width): smooth shapes with grain, as a photograph has."""
    from impasto.engine.raster import resized

    rng = np.random.default_rng(0)
    smooth = resized(rng.random((1, 3, 12, 12), dtype=np.float32), height, width)
    smooth += 0.03 * rng.standard_normal(smooth.shape, dtype=np.float32)
    return smooth.clip(0, 1, out=smooth)


def engine(runtime: str, precision: str) -> Callable[[int], Callable[[], Any]]:
    from impasto.engine.openvino import OpenVINO
    from impasto.engine.painter import Painter
    from impasto.engine.styles import load_style
    from impasto.gallery import styles_file

    backend: Any = OpenVINO(precision)
    if runtime == "onnxruntime":
        sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
        from onnxruntime_backend import ONNXRuntime

        backend = ONNXRuntime()
    painter = Painter(backend=backend, style=load_style(styles_file(), STYLE), detail=0.85)

    def program(side: int) -> Callable[[], Any]:
        photo = picture(side, side)
        return lambda: painter(photo)

    return program


def pytorch(precision: str) -> Callable[[int], Callable[[], Any]]:
    import torch

    from impasto.device import precision as dtype_of
    from impasto.encoders import load_encoder
    from impasto.engine.painter import Painter
    from impasto.engine.styles import load_style
    from impasto.gallery import styles_file
    from impasto.methods.adain.backend import PyTorch, load_decoder
    from impasto.methods.adain.stylizer import decoder_file

    torch.set_num_threads(CORES)
    dtype = dtype_of(precision, torch.device("cpu"))
    encoder, decoder = load_encoder("lite").in_precision(dtype), load_decoder(decoder_file("adain"))[0]
    decoder = torch.nn.utils.convert_conv2d_weight_memory_format(decoder, torch.channels_last).in_precision(dtype)
    painter = Painter(backend=PyTorch(encoder, decoder), style=load_style(styles_file(), STYLE), detail=0.85)

    def program(side: int) -> Callable[[], Any]:
        photo = picture(side, side)
        return lambda: painter(photo)

    return program


def microast() -> Callable[[int], Callable[[], Any]]:
    """As published: two residual blocks at a quarter of the size on each side, separable convolutions around them."""
    import torch
    from torch import Tensor, nn

    torch.set_num_threads(CORES)

    def convolution(inputs: int, outputs: int, side: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
        return nn.Sequential(nn.ReflectionPad2d(side // 2), nn.Conv2d(inputs, outputs, side, stride, groups=groups))

    def separable(inputs: int, outputs: int, stride: int, groups: int) -> list[nn.Module]:
        spread = convolution(inputs, outputs, 3, stride, groups)
        return [spread, nn.ReLU(), convolution(outputs, outputs, 1), nn.ReLU()]

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = convolution(64, 64, 3), convolution(64, 64, 3)

        def forward(self, x: Tensor, weight: Tensor | float = 1.0, bias: Tensor | float = 0.0) -> Tensor:
            y = torch.relu(weight * self.first(x) + bias * x)
            return x + weight * self.second(y) + bias * y

    def exchanged(x: Tensor, style: Tensor) -> Tensor:
        mean, std = x.mean((2, 3), keepdim=True), (x.var((2, 3), keepdim=True) + 1e-5).sqrt()
        return (x - mean) / std * style + style

    encoder = nn.Sequential(
        convolution(3, 16, 9), nn.ReLU(), *separable(16, 32, 2, 16), *separable(32, 64, 2, 32), Residual()
    )
    between, first, second = Residual(), Residual(), Residual()
    decoder = nn.Sequential(
        nn.Upsample(scale_factor=2, mode="bilinear"), *separable(64, 32, 1, 32),
        nn.Upsample(scale_factor=2, mode="bilinear"), *separable(32, 16, 1, 16), convolution(16, 3, 9),
    )  # fmt: skip
    style = torch.rand(1, 64, 1, 1)

    def program(side: int) -> Callable[[], Any]:
        photo = torch.from_numpy(picture(side, side))

        @torch.inference_mode()
        def paint() -> Tensor:
            x = first(exchanged(between(encoder(photo)), style), style, style)
            return decoder(second(exchanged(x, style), style, style))  # type: ignore[no-any-return]

        return paint

    return program


def ceiling(precision: str) -> Callable[[int], Callable[[], Any]]:
    """Four convolutions of 128 channels; `OPERATIONS_OF_CEILING` a pixel of the picture."""
    from impasto.engine.openvino import openvino, ops

    core = openvino.Core()
    settings = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}

    def program(side: int) -> Callable[[], Any]:
        start = x = ops.parameter([1, 128, side // 8, side // 8], np.float32)
        weights = np.random.default_rng(0).standard_normal((128, 128, 3, 3), dtype=np.float32) / 34
        for _ in range(4):
            x = ops.convolution(x, ops.constant(weights), [1, 1], [1, 1], [1, 1], [1, 1])
        request = core.compile_model(openvino.Model([x], [start]), "CPU", settings).create_infer_request()
        return lambda: request.infer({0: np.ones((1, 128, side // 8, side // 8), np.float32)}, share_inputs=True)

    return program


OPERATIONS_OF_CEILING = 2 * 4 * 128 * 128 * 9 / 64

PROGRAMS: dict[str, Callable[[], Callable[[int], Callable[[], Any]]]] = {
    "engine, OpenVINO, auto": lambda: engine("openvino", "auto"),
    "engine, OpenVINO, fp32": lambda: engine("openvino", "fp32"),
    "engine, ONNX Runtime, fp32": lambda: engine("onnxruntime", "fp32"),
    "engine, PyTorch, auto": lambda: pytorch("auto"),
    "MicroAST's layout, PyTorch, fp32": microast,
    "ceiling, OpenVINO, bf16": lambda: ceiling("bf16"),
    "ceiling, OpenVINO, fp32": lambda: ceiling("f32"),
}


class Worker:
    """A process with one of the programs, that paints when it is told to."""

    def __init__(self, name: str, environment: dict[str, str] | None = None) -> None:
        command = [sys.executable, __file__, "--worker", name]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})}
        )
        self.ask("0")

    def ask(self, line: str) -> float:
        """Seconds of one painting of this side; the first of a side is not timed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(line, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit("a program ended before its time")
        return float(answer)

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def work(name: str) -> None:
    """What a worker does: a side comes in, seconds go out."""
    program, ready = PROGRAMS[name](), {}
    for line in sys.stdin:
        side, seconds = int(line), 0.0
        if side:
            if side not in ready:
                ready = {side: program(side)}
                for _ in range(3):  # a shape that comes again may get a program of its own
                    ready[side]()
            start = time.perf_counter()
            ready[side]()
            seconds = time.perf_counter() - start
        print(seconds, flush=True)


# --- rows ------------------------------------------------------------------------------------------------------------


def speed(rounds: int) -> None:
    workers = {name: Worker(name) for name in PROGRAMS}
    for side in SIZES:
        times: dict[str, list[float]] = {name: [] for name in workers}
        for _ in range(rounds if side < 2048 else max(2, rounds // 3)):
            for name, worker in workers.items():
                times[name].append(worker.ask(str(side)))
        least = {name: min(values) for name, values in times.items()}
        peer = least["MicroAST's layout, PyTorch, fp32"]
        print(f"{side} px, least of {len(times['engine, OpenVINO, auto'])} rounds")
        for name, seconds in least.items():
            told = f"{1000 * seconds:9.1f} ms"
            if name.startswith("ceiling"):
                told += f"  {OPERATIONS_OF_CEILING * side * side / seconds / 1e9:6.0f} GFLOP/s"
            else:
                told += f"  {peer / seconds:6.2f} times MicroAST"
            if name.startswith("engine"):
                half = "fp32" not in name and bfloat()
                top = OPERATIONS_OF_CEILING * side * side / least[f"ceiling, OpenVINO, {'bf16' if half else 'fp32'}"]
                share = operations(side, side) / seconds / top
                told += f", {share:.2f} of the ceiling for {operations(side, side) / 1e9:.0f} GFLOP"
            print(f"  {name:34}{told}", flush=True)
        if side in GOALS and 1000 * least["engine, OpenVINO, auto"] > GOALS[side]:
            print(f"  goal: {GOALS[side]} ms; missed:")
            tell_stages(str(side))
    for worker in workers.values():
        worker.close()


def operations(height: int, width: int, square: int | None = None) -> float:
    """Of one painting: every octave encodes and decodes once, and encodes once more if it is cut into tiles. square:
    the side of what is painted at once. Halos do not count."""
    from impasto.engine.backend import embedded
    from impasto.engine.painter import SIDE
    from impasto.engine.preparation import octaves

    config, _ = embedded()
    widths, encoding, inputs = config.widths, 0.0, 3
    for block, depth in enumerate((2, 2, 4, 1)):
        for _ in range(depth):
            encoding += 9 * inputs * widths[block] / 4**block
            inputs = widths[block]
    decoding = sum(9 * i * o / 4 ** (int(name[4]) - 1) for name, (i, o) in config.convolutions.items())
    sizes = octaves(height, width, 0.01)
    return sum(2 * h * w * (decoding + encoding * (1 + (h * w > (square or SIDE) ** 2))) for h, w in sizes)


@cache
def ceiling_rate() -> float:
    """Operations a second that convolutions reach in the engine's own precision."""
    worker = Worker(f"ceiling, OpenVINO, {'bf16' if bfloat() else 'fp32'}")
    seconds = min(worker.ask("512") for _ in range(20))
    worker.close()
    return OPERATIONS_OF_CEILING * 512 * 512 / seconds


def share_of_ceiling(seconds: float, height: int, width: int, square: int | None = None) -> str:
    return f"{operations(height, width, square) / ceiling_rate() / seconds:.2f} of the ceiling"


def bfloat() -> bool:
    from impasto.engine.openvino import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def growth(rounds: int) -> None:
    worker, first = Worker("engine, OpenVINO, auto"), 0.0
    sides = (512, 1024, 2048, 4096, 8192)
    times: dict[int, list[float]] = {side: [] for side in sides}
    for number in range(min(rounds, 5)):
        for side in sides:
            if side < 4096 or number == 0:
                times[side].append(worker.ask(str(side)))
    for side in sides:
        seconds = median(times[side])
        rate = seconds / side**2 * 1e6
        first = first or rate
        print(
            f"{side:5} px: {seconds:7.3f} s, {rate:.3f} s a megapixel, {rate / first:.2f} times that of 512 px (goal:"
            f" 0.9 to 1.1), {share_of_ceiling(seconds, side, side)}",
            flush=True,
        )
    worker.close()


def command(rounds: int) -> None:
    runtime = "import impasto.engine.openvino"
    starts = {"python": "pass", "numpy": "import numpy", "runtime": runtime, "torch": "import torch"}
    with TemporaryDirectory() as name:
        folder = Path(name)
        photo = save(folder / "photo.jpg", 512, 512)
        times: dict[str, list[float]] = {what: [] for what in (*starts, "whole")}
        kept = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        for number in range(rounds + 1):
            for what, code in starts.items():
                times[what].append(timed([sys.executable, "-c", code], kept)[0])
            seconds, memory = timed(stylize(photo, folder / f"painted-{number}.jpg"), kept)
            times["whole"].append(seconds)
        times = {what: taken[1:] for what, taken in times.items()}
    parts = ", ".join(f"{what} {median(times[what]):.2f}" for what in starts)
    print(
        f"impasto stylize, 512 px, cold: {median(times['whole']):.2f} s (goal: 0.7), {memory:.0f} MB,"
        f" {share_of_ceiling(median(times['whole']), 512, 512)}; processes that only import: {parts}"
    )


LARGE = [
    ("12 megapixels", 4000, 3000, ".jpg", 3, (3, 400)), ("100 megapixels", 12_240, 8_168, ".jpg", 1, (30, 700)),
]  # fmt: skip
GIGAPIXEL = [("1 gigapixel", 38_720, 25_840, ".tif", 1, (math.inf, 1000))]


def large(cases: Sequence[tuple[str, int, int, str, int, tuple[float, float]]]) -> None:
    from impasto.methods.adain.stylizer import SIDE_IN_PARTS

    with TemporaryDirectory() as name:
        for what, width, height, suffix, rounds, goal in cases:
            photo, painted = save(Path(name) / f"photo{suffix}", height, width), Path(name) / f"painted{suffix}"
            command = [*stylize(photo, painted), "--overwrite", "--pixel-limit", str(width * height)]
            runs = [timed(command) for _ in range(rounds)]
            seconds, memory = median(seconds for seconds, _ in runs), max(memory for _, memory in runs)
            print(
                f"{what}, {suffix} to {suffix}: {seconds:.1f} s (goal: {goal[0]:g}), {memory:.0f} MB at the peak (goal:"
                f" {goal[1]}), {share_of_ceiling(seconds, height, width, SIDE_IN_PARTS)}",
                flush=True,
            )
            if seconds > goal[0]:
                tell_stages(str(photo))


def gatys() -> None:
    with TemporaryDirectory() as name:
        photo = save(Path(name) / "photo.jpg", 3000, 4000)
        how = ["--method", "gatys", "--steps", "2", "--scales", "1", "--max-memory", "2"]
        command = [sys.executable, "-m", "impasto", "stylize", str(photo), "--style", "swirls", *how]
        seconds, memory = timed([*command, "--output", str(Path(name) / "painted.jpg")])
    print(f"gatys, 4000 x 3000, 2 steps: {seconds:.0f} s, {memory:.0f} MB at the peak (goal: 2000)", flush=True)


def folder(count: int) -> None:
    with TemporaryDirectory() as name:
        photos = Path(name) / "photos"
        photos.mkdir()
        first = save(photos / "0000.jpg", 512, 512)
        for number in range(1, count):
            (photos / f"{number:04}.jpg").write_bytes(first.read_bytes())
        seconds, memory = timed(stylize(photos, Path(name) / "painted"))
        alone, _ = timed(stylize(first, Path(name) / "alone.jpg"))
    worker = Worker("engine, OpenVINO, auto")
    bare = median(worker.ask("512") for _ in range(30))
    worker.close()
    each = (seconds - alone) / (count - 1)
    print(
        f"folder of {count}: {seconds:.1f} s, {1000 * each:.1f} ms each after the first, {memory:.0f} MB; the bare"
        f" engine takes {1000 * bare:.1f} ms, {bare / each:.0%} of it (goal: 85%), {share_of_ceiling(each, 512, 512)}"
    )


def size() -> None:
    sizes = {name: size_of(name) for name in sorted(needed("impasto", set()))}
    for name, mebibytes in sorted(sizes.items(), key=lambda one: -one[1])[:8]:
        print(f"  {name:24}{mebibytes:7.1f} MiB")
    print(f"core: {sum(sizes.values()):.0f} MiB in {len(sizes)} packages")


# --- stages ----------------------------------------------------------------------------------------------------------


def tell_stages(what: str) -> None:
    subprocess.run([sys.executable, __file__, "--stages", what], check=True)


def stages(what: str) -> None:
    """Paint a square of this side, the third time, or a file, once, and say which stage took what."""
    import resource

    import impasto
    from impasto import api, image
    from impasto.engine import painter
    from impasto.engine.openvino import OpenVINO

    taken: dict[str, list[float]] = {}
    running: list[list[float]] = []

    def clocks() -> tuple[float, float]:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return time.perf_counter(), usage.ru_utime + usage.ru_stime

    def timed_stage(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if threading.current_thread() is not threading.main_thread():
                return function(*arguments, **options)
            before = clocks()
            running.append([0.0, 0.0])
            try:
                return function(*arguments, **options)
            finally:
                passed = [now - then for now, then in zip(clocks(), before, strict=True)]
                inner = running.pop()
                own = taken.setdefault(name, [0.0, 0.0])
                for kind in (0, 1):
                    own[kind] += passed[kind] - inner[kind]
                    if running:
                        running[-1][kind] += passed[kind]

        return call

    places: list[tuple[str, Any, str]] = [
        ("statistics", OpenVINO, "encode"), ("encoding and decoding", OpenVINO, "paint"),
        ("strokes drawn out", OpenVINO, "draw"), ("making programs", OpenVINO, "_compiled"),
        ("smoothing", painter, "smooth"), ("octaves prepared", painter, "materialised"),
        ("reading the file", image, "read"), ("writing the file", image, "write"),
    ]  # fmt: skip
    for name, owner, attribute in places:
        setattr(owner, attribute, timed_stage(name, getattr(owner, attribute)))
    with TemporaryDirectory() as folder:
        if what.isdecimal():
            program = engine("openvino", "auto")(int(what))
            for _ in range(2):
                program()
            taken.clear()
            before = clocks()
            program()
        else:
            before = clocks()
            painting = api.paint(image.read(what), [STYLE], impasto.StylizeOptions())
            image.write(painting.picture, Path(folder) / f"painted{Path(what).suffix}", record=painting.record)
        whole = [now - then for now, then in zip(clocks(), before, strict=True)]
    taken["the rest"] = [whole[kind] - sum(stage[kind] for stage in taken.values()) for kind in (0, 1)]
    for name, (seconds, of_cores) in sorted(taken.items(), key=lambda stage: -stage[1][0]):
        print(f"    {name:24}{seconds:8.3f} s, {seconds / whole[0]:4.0%}{of_cores:9.3f} s of cores")


# --- helpers ---------------------------------------------------------------------------------------------------------


def stylize(photo: Path, painted: Path) -> list[str]:
    return [sys.executable, "-m", "impasto", "stylize", str(photo), "--style", STYLE, "--output", str(painted)]


def save(path: Path, height: int, width: int) -> Path:
    """A photograph of this size, made of the packaged one."""
    import pyvips

    source = pyvips.Image.new_from_file(str(Path(__file__).parent.parent / "src/impasto/assets/pictures/mountains.jpg"))
    enlarged = source.resize(width / source.width, vscale=height / source.height).crop(0, 0, width, height)
    enlarged.write_to_file(str(path), **({"tile": True, "bigtiff": True} if path.suffix == ".tif" else {"Q": 92}))
    return path


def timed(arguments: list[str], environment: dict[str, str] | None = None) -> tuple[float, float]:
    """Seconds of a whole process, and megabytes of resident memory at its peak."""
    start = time.perf_counter()
    process = subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed")
    return seconds, usage.ru_maxrss / 1000


def needed(name: str, found: set[str], extras: str = "") -> set[str]:
    """A package and what it needs, with those of its extras that are named."""
    name = re.sub(r"[-_.]+", "-", name).lower()
    if name not in found:
        try:
            requirements = distribution(name).requires or []
        except PackageNotFoundError:
            return found
        found.add(name)
        for line in requirements:
            extra = re.search(r"extra == ['\"](.+?)['\"]", line)
            if ";" not in line or (extra and extra[1] in extras.split(",")):
                parts = re.match(r"([A-Za-z0-9._-]+)\s*(?:\[(.*?)\])?", line)
                assert parts is not None
                needed(parts[1], found, parts[2] or "")
    return found


def size_of(name: str) -> float:
    places = (Path(str(file.locate())) for file in distribution(name).files or [])
    return sum(place.stat().st_size for place in places if place.is_file()) / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", default=list(ROWS), choices=(*ROWS, *ONLY_IF_NAMED))
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--pictures", type=int, default=200, help="of the folder")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--stages", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.stages:
        stages(chosen.stages)
        return
    if chosen.worker:
        work(chosen.worker)
        return
    rows: dict[str, Callable[[], None]] = {
        "speed": lambda: speed(chosen.rounds),
        "growth": lambda: growth(chosen.rounds),
        "command": lambda: command(chosen.rounds),
        "large": lambda: large(LARGE),
        "gigapixel": lambda: large(GIGAPIXEL),
        "gatys": gatys,
        "folder": lambda: folder(chosen.pictures),
        "size": size,
    }
    print(f"{CORES} cores, load {os.getloadavg()[0]:.1f}", flush=True)
    for name in chosen.rows:
        rows[name]()


if __name__ == "__main__":
    main()
