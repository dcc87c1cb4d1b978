"""Training steps and translations of `cyclegan` against a plain eager float32 program of the published layout.

    python benchmarks/cyclegan_speed.py [--parts forward step-1 step-4 loading] [--minutes 4.5] [--precision bf16]
                                           [--device cuda]

One run, two threads, everything warm, medians of interleaved rounds, as many rounds as the minutes allow, but at least
two:

1. `forward`: seconds for one generator's picture of 256 and of 512 pixels, over those of the reference: PyTorch's own
   modules in its usual memory order, `ReflectionPad2d`, `InstanceNorm2d`, no gradient;
2. `step-1`, `step-4`: seconds for a training step at 256 pixels with batches of 1 and 4, over those of the reference's
   step, which is written as in Zhu et al. 2017 and their program: two generators, two discriminators, LSGAN, cycle and
   identity losses. It has no pools; ours has;
3. `loading`: seconds for what a step of batch 1 and 4 needs from disk, decoded, resized to 286 and cut to 256, with
   nothing else going on; of photographs that the benchmark writes first.

On a GPU a call ends when its kernels do, and the reference's convolutions are in TF32, as PyTorch has them.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState, PartialState
from torch import Tensor, nn

from impasto import image
from impasto.cli.pictures import packaged
from impasto.data.folders import batches
from impasto.device import precision
from impasto.methods.cyclegan.network import Generator, GeneratorConfig
from impasto.methods.cyclegan.recipes import cyclegan
from impasto.training.cycle import CycleTraining
from impasto.training.loop import Schedule

THREADS = 2
PARTS = ("forward", "step-1", "step-4", "loading")
# How the minutes are divided: a step of four takes four times as long as one of one.
SHARES = {"forward": 0.2, "step-1": 0.25, "step-4": 0.5, "loading": 0.05}
PHOTOS = 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    parser.add_argument("--minutes", type=float, default=4.5)
    parser.add_argument("--precision", default="auto", choices=["auto", "bf16", "fp32"])
    parser.add_argument("--rounds", type=int, default=2, help="at least so many")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512], help="of the pictures of `forward`")
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    device = torch.device(arguments.device)
    chosen = precision(arguments.precision, device)
    place = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{THREADS} threads"
    print(f"torch {torch.__version__}, {place}, ours in {chosen}, reference in torch.float32")
    limit = {part: 60 * arguments.minutes * SHARES[part] for part in arguments.parts}
    with TemporaryDirectory() as folder:
        data = photographs(Path(folder))
        for part in arguments.parts:
            if part == "forward":
                for size in arguments.sizes:
                    forward(size, chosen, device, limit[part] / len(arguments.sizes), arguments.rounds)
            elif part == "loading":
                loading(data)
            else:
                step(int(part[-1]), ours(int(part[-1]), chosen, device, data), limit[part], arguments.rounds)


def forward(size: int, chosen: torch.dtype, device: torch.device, seconds: float, rounds: int) -> None:
    torch.manual_seed(0)
    ours = Generator(GeneratorConfig()).eval().requires_grad_(False).to(device, memory_format=torch.channels_last)
    reference = published_generator().eval().to(device)
    picture = (torch.rand(1, 3, size, size) * 2 - 1).to(device)
    mine = picture.contiguous(memory_format=torch.channels_last)

    def translated() -> Tensor:
        with torch.autocast(device.type, chosen, enabled=chosen != torch.float32):
            result: Tensor = ours(mine)
            return result

    with torch.inference_mode():
        calls = {"ours": translated, "reference": lambda: reference(picture)}
        took = interleaved(calls, seconds, rounds, device)
    said(f"forward, {size} pixels", took)


def step(batch: int, training: CycleTraining, seconds: float, rounds: int) -> None:
    device = training.accelerator.device
    reference = Published(device)
    pictures = tuple(torch.randint(0, 256, (batch, 3, 256, 256), dtype=torch.uint8) for _ in range(2))
    took = interleaved(
        {"ours": lambda: training.step(pictures, 0), "reference": lambda: reference.step(*pictures)},  # type: ignore[arg-type]
        seconds,
        rounds,
        device,
    )
    said(f"training step, batch {batch}", took)


def loading(data: dict[str, list[Path]]) -> None:
    for batch in (1, 4):
        training = ours(batch, torch.float32, torch.device("cpu"), data)
        streams = [batches(stream, size=batch, start=0) for stream in training.domains.values()]
        taken = [timed(lambda: [next(s) for s in streams], torch.device("cpu")) for _ in range(12)]  # noqa: B023
        print(f"{f'loading, batch {batch}':28}{statistics.median(taken[2:]) * 1000:9.0f} ms", flush=True)


def ours(batch: int, chosen: torch.dtype, device: torch.device, data: dict[str, list[Path]]) -> CycleTraining:
    config = replace(cyclegan(), batch=batch, schedule=Schedule(steps=100), held_out=1)
    mixed = "bf16" if chosen == torch.bfloat16 else "no"
    # A second accelerator may not have another precision than the first, unless that is forgotten.
    for state in (AcceleratorState, PartialState, GradientState):
        state._reset_state()
    return config.build(Accelerator(cpu=device.type == "cpu", mixed_precision=mixed), data)


def photographs(folder: Path) -> dict[str, list[Path]]:
    """Two folders of JPEG files of 640 x 480 pixels."""
    pixels = image.resize(image.read(packaged()["mountains"]).pixels, 480, 640)
    for kind in ("A", "B"):
        (folder / kind).mkdir()
        for number in range(PHOTOS):
            shifted = np.roll(pixels, 37 * number, 3)
            image.write(image.Picture(shifted), folder / kind / f"{number}.jpg")
    return {kind: [folder / kind] for kind in ("A", "B")}


class Published:
    """The step of Zhu et al. 2017, each formula as it stands, eager and in float32."""

    def __init__(self, device: torch.device) -> None:
        torch.manual_seed(0)
        self.device = device
        self.G, self.F = (published_generator().to(device) for _ in range(2))
        self.D_A, self.D_B = (published_discriminator().to(device) for _ in range(2))
        settings = {"lr": 2e-4, "betas": (0.5, 0.999)}
        self.generators = torch.optim.Adam([*self.G.parameters(), *self.F.parameters()], **settings)  # type: ignore[arg-type]
        judges = [*self.D_A.parameters(), *self.D_B.parameters()]
        self.discriminators = torch.optim.Adam(judges, **settings)  # type: ignore[arg-type]
        self.lsgan, self.l1 = nn.MSELoss(), nn.L1Loss()

    def step(self, A: Tensor, B: Tensor) -> None:
        a, b = (pictures.to(self.device).float() / 127.5 - 1 for pictures in (A, B))
        fake_b, fake_a = self.G(a), self.F(b)
        back_a, back_b = self.F(fake_b), self.G(fake_a)
        self.D_A.requires_grad_(False)
        self.D_B.requires_grad_(False)
        loss = self.real(self.D_B(fake_b)) + self.real(self.D_A(fake_a))
        loss = loss + 10 * (self.l1(back_a, a) + self.l1(back_b, b))
        loss = loss + 5 * (self.l1(self.G(b), b) + self.l1(self.F(a), a))
        self.generators.zero_grad()
        loss.backward()
        self.generators.step()
        self.D_A.requires_grad_(True)
        self.D_B.requires_grad_(True)
        self.discriminators.zero_grad()
        for D, real, fake in ((self.D_A, a, fake_a), (self.D_B, b, fake_b)):
            (0.5 * (self.real(D(real)) + self.fake(D(fake.detach())))).backward()
        self.discriminators.step()

    def real(self, judged: Tensor) -> Tensor:
        loss: Tensor = self.lsgan(judged, torch.ones_like(judged))
        return loss

    def fake(self, judged: Tensor) -> Tensor:
        loss: Tensor = self.lsgan(judged, torch.zeros_like(judged))
        return loss


def published_generator() -> nn.Module:
    def normalised(width: int) -> list[nn.Module]:
        return [nn.InstanceNorm2d(width), nn.ReLU(inplace=True)]

    layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(3, 64, 7), *normalised(64)]
    for width in (64, 128):
        layers += [nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), *normalised(2 * width)]
    layers += [PublishedBlock() for _ in range(9)]
    for width in (256, 128):
        up = nn.ConvTranspose2d(width, width // 2, 3, stride=2, padding=1, output_padding=1)
        layers += [up, *normalised(width // 2)]
    return nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(64, 3, 7), nn.Tanh())


class PublishedBlock(nn.Module):
    """A residual block."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(1), nn.Conv2d(256, 256, 3), nn.InstanceNorm2d(256), nn.ReLU(inplace=True),
            nn.ReflectionPad2d(1), nn.Conv2d(256, 256, 3), nn.InstanceNorm2d(256),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        changed: Tensor = self.layers(x)
        return x + changed


def published_discriminator() -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 4, stride=2, padding=1), nn.LeakyReLU(0.2, inplace=True)]
    for inputs, outputs, stride in ((64, 128, 2), (128, 256, 2), (256, 512, 1)):
        layers += [nn.Conv2d(inputs, outputs, 4, stride=stride, padding=1), nn.InstanceNorm2d(outputs)]
        layers.append(nn.LeakyReLU(0.2, inplace=True))
    return nn.Sequential(*layers, nn.Conv2d(512, 1, 4, padding=1))


def interleaved(
    calls: dict[str, Callable[[], object]], seconds: float, rounds: int, device: torch.device
) -> dict[str, list[float]]:
    """What each call took, in turns, after one that does not count."""
    until = time.perf_counter() + seconds
    for call in calls.values():
        timed(call, device)
    taken: dict[str, list[float]] = {name: [] for name in calls}
    longest = 0.0
    while len(next(iter(taken.values()))) < rounds or time.perf_counter() + longest < until:
        began = time.perf_counter()
        for name, call in calls.items():
            taken[name].append(timed(call, device))
        longest = max(longest, time.perf_counter() - began)
    return taken


def timed(call: Callable[[], object], device: torch.device) -> float:
    """Seconds until the device, too, is done."""
    began = time.perf_counter()
    call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began


def said(what: str, taken: dict[str, list[float]]) -> None:
    mine, theirs = (statistics.median(taken[name]) for name in ("ours", "reference"))
    print(
        f"{what:28}{mine * 1000:9.1f} ms, reference {theirs * 1000:9.1f} ms: {theirs / mine:.2f} times as fast"
        f" ({len(taken['ours'])} rounds, {1 / mine:.2f} per second)",
        flush=True,
    )


if __name__ == "__main__":
    main()
