"""Method adain, by PyTorch, against a plain VGG-19 AdaIN, against the convolutions it consists of, and as a command.

    python benchmarks/adain_speed.py [--size 512] [--rounds 15] [--device cuda] [--parts speed memory cold]

One run, two threads, the style encoded beforehand, everything warm, medians of interleaved rounds:

1. seconds for one picture of size x size, over those of the published layout: VGG-19 to relu4_1 and its mirror, eager,
   float32, random weights;
2. the share of them that the bare convolutions take, same shapes, same precision, channels_last, inputs padded
   beforehand: what nothing but fewer operations could undercut;
3. peak memory of a process that paints one picture, over that of one that only loads the networks;
4. the whole command `impasto stylize`, cold, beside the time that importing PyTorch takes.

On a processor, 3 and 4 are of the engine that needs no PyTorch (`benchmarks/engine.py` has its speed).

On a GPU every call ends when its kernels do, the picture comes from the CPU and goes back there, the reference's
convolutions are in TF32 as PyTorch has them, and the memory is the GPU's.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import impasto
from impasto import image
from impasto.gallery import packaged
from impasto.methods.adain.backend import PyTorch
from impasto.methods.adain.options import AdaINOptions
from impasto.methods.adain.stylizer import AdaIN

THREADS = 2
PARTS = ("speed", "memory", "cold")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS, help="1 and 2, 3, 4")
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    device, size = torch.device(arguments.device), str(arguments.size)
    if "speed" in arguments.parts:
        speed(device, arguments.size, arguments.rounds)
    if "memory" in arguments.parts:
        loaded, painted = (peak_memory(arguments.device, size, what) for what in ("load", "paint"))
        print(f"peak memory: {painted} MB, {painted - loaded} MB of it for the picture")
    if "cold" in arguments.parts:
        with TemporaryDirectory() as folder:
            cold(Path(folder), arguments.device, size)


def speed(device: torch.device, size: int, rounds: int) -> None:
    content = image.resize(image.read(packaged()["mountains"]).pixels, size, size)
    method, options = impasto.load("adain", device=str(device)), AdaINOptions()
    assert isinstance(method, AdaIN)
    networks = method._load(options)
    assert isinstance(networks, PyTorch)
    method._backends[options.encoder, options.decoder, options.precision] = networks
    style = method.encode(image.read(packaged()["swirls"]).pixels, options)
    precision = networks.encoder.convolution("relu1_1").weight.dtype
    bare = convolutions(lambda: method(content, [style], options))
    assert len(bare) >= len(networks.decoder.convolutions)
    published, pixels = Published(device), torch.from_numpy(content)
    reference = published.encode(pixels)
    seconds = interleaved(
        {
            "adain": lambda: method(content, [style], options),
            "its convolutions alone": lambda: [convolve() for convolve, _ in bare],
            "VGG-19 AdaIN, eager float32": lambda: published(pixels, reference),
        },
        rounds,
        device,
    )
    operations = sum(count for _, count in bare)
    print(f"{size} x {size}, torch {torch.__version__}, {place(device)}, {precision}")
    for name, took in seconds.items():
        print(f"{name:32}{took * 1000:9.1f} ms")
    ours = seconds["adain"]
    print(f"times faster than the reference: {seconds['VGG-19 AdaIN, eager float32'] / ours:.1f}")
    print(f"share of the convolution ceiling: {seconds['its convolutions alone'] / ours:.2f}")
    print(f"operations: {2 * operations / 1e9:.1f} GFLOP, {2 * operations / ours / 1e9:.0f} GFLOP/s", flush=True)


def place(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"{THREADS} threads"


class Published:
    """AdaIN as Huang and Belongie's programs lay it out: VGG-19 with reflection padding, its mirror as decoder."""

    def __init__(self, device: torch.device) -> None:
        torch.manual_seed(0)
        self.device = device
        down: list[nn.Module] = []
        for inputs, outputs in ((3, 64), (64, 64), (64, 128), (128, 128), *[(128, 256)], *[(256, 256)] * 3, (256, 512)):
            if (inputs, outputs) in ((64, 128), (128, 256), (256, 512)):
                down.append(nn.MaxPool2d(2, ceil_mode=True))
            down += [nn.ReflectionPad2d(1), nn.Conv2d(inputs, outputs, 3), nn.ReLU()]
        up: list[nn.Module] = []
        for inputs, outputs in (
            (512, 256), *[(256, 256)] * 3, (256, 128), (128, 128), (128, 64), (64, 64), (64, 3),
        ):  # fmt: skip
            up += [nn.ReflectionPad2d(1), nn.Conv2d(inputs, outputs, 3), nn.ReLU()]
            if (inputs, outputs) in ((512, 256), (256, 128), (128, 64)):
                up.append(nn.Upsample(scale_factor=2, mode="nearest"))
        self.encoder, self.decoder = (nn.Sequential(*layers).eval().to(device) for layers in (down, up[:-1]))

    def encode(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        with torch.inference_mode():
            features = self.encoder(picture.to(self.device))
            return features.mean((2, 3), keepdim=True), (features.var((2, 3), keepdim=True) + 1e-5).sqrt()

    def __call__(self, content: Tensor, style: tuple[Tensor, Tensor]) -> Tensor:
        with torch.inference_mode():
            features = self.encoder(content.to(self.device))
            mean, std = features.mean((2, 3), keepdim=True), (features.var((2, 3), keepdim=True) + 1e-5).sqrt()
            painted: Tensor = self.decoder((features - mean) / std * style[1] + style[0])
            return painted.cpu()


def convolutions(paint: Callable[[], object]) -> list[tuple[Callable[[], Tensor], int]]:
    """Every convolution that painting makes, as a call of its own, with its multiply-adds."""
    made: list[tuple[Callable[[], Tensor], int]] = []
    convolve = F.conv2d

    def noted(x: Tensor, weight: Tensor, bias: Tensor | None = None, *rest: object) -> Tensor:
        result = convolve(x, weight, bias, *rest)
        kept, kernel = x.clone(), weight.clone()
        made.append((lambda: convolve(kept, kernel, bias, *rest), result[:, 0].numel() * weight.numel()))
        return result

    F.conv2d = noted
    try:
        paint()
    finally:
        F.conv2d = convolve
    return made


def interleaved(calls: dict[str, Callable[[], object]], rounds: int, device: torch.device) -> dict[str, float]:
    """Median seconds of each, in turns. Before its turn each runs for half a second uncounted: after the reference, the
    first few calls of anything else take up to a quarter longer, which is not what a second picture meets."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    with torch.inference_mode():
        for _ in range(rounds):
            for name, call in calls.items():
                warm = time.perf_counter() + 0.5
                while time.perf_counter() < warm:
                    call()
                    finish(device)
                began = time.perf_counter()
                call()
                finish(device)
                taken[name].append(time.perf_counter() - began)
    return {name: statistics.median(values) for name, values in taken.items()}


def finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


PROCESS = r"""
import re, sys, torch, impasto
from pathlib import Path
from impasto import image
from impasto.methods.adain.options import AdaINOptions
from impasto.gallery import packaged
torch.set_num_threads({threads})
device, size, what = sys.argv[1], int(sys.argv[2]), sys.argv[3]
method, options = impasto.load("adain", device=device), AdaINOptions()
method.backend(options)
small = torch.rand(1, 3, 64, 64).numpy()
style = method.encode(small, AdaINOptions(style_scale=0.125))
content = image.resize(image.read(packaged()["mountains"]).pixels, size, size)
if what == "paint":
    method(content, [style], options)
# Not getrusage: after fork and exec its peak is still the parent's.
if device == "cuda":
    print(torch.cuda.max_memory_allocated() // 2**20)
else:
    print(int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


def peak_memory(device: str, size: str, what: str) -> int:
    """Megabytes at the peak of a process, of the device's memory."""
    command = [sys.executable, "-c", PROCESS.format(threads=THREADS), device, size, what]
    return int(subprocess.run(command, capture_output=True, check=True).stdout)


def cold(folder: Path, device: str, size: str) -> None:
    """Seconds of processes that begin from nothing: the minimum of five, since files are cached after the first."""
    content = folder / "photo.png"
    image.write(image.read(packaged()["mountains"]), content)
    command = [
        sys.executable, "-m", "impasto", "stylize", str(content), "-s", "swirls", "--size", size, "--overwrite",
        "-o", str(folder / "out.png"), "-q", "--device", device,
    ]  # fmt: skip
    taken = {
        "the whole command, cold": fastest(command),
        "importing PyTorch": fastest([sys.executable, "-c", "import torch"]),
        "starting Python": fastest([sys.executable, "-c", "pass"]),
    }
    for name, seconds in taken.items():
        print(f"{name:32}{seconds:9.2f} s")


def fastest(command: list[str]) -> float:
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        taken.append(time.perf_counter() - began)
    return min(taken)


if __name__ == "__main__":
    main()
