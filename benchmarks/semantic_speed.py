"""Method semantic-gan: seconds for a picture, and which share of them the attention takes.

    python benchmarks/semantic_speed.py [--size 256] [--rounds 9] [--device cuda]

Two threads, random weights, everything warm, medians of interleaved rounds, for both precisions: the generator with
attention at full resolution and keys pooled 4 x 4 (the default) and 2 x 2, at half and at a quarter of the sides, and
without attention. The attention's share is what its block takes, called by itself with the block's own input, over the
whole. Paper 003 reports 1.2 s for 256 x 256 on a 14-core Xeon. Unpooled attention at full resolution is measured once
per precision; its memory is that of a process of its own.

On a GPU a call ends when its kernels do, and the memory is the GPU's.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor

from impasto.blocks.attention import SelfAttention
from impasto.device import peak_bytes, resident_memory
from impasto.methods.semantic_gan.network import Generator, GeneratorConfig
from impasto.translation import translate

THREADS = 2
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}
CONFIGS = {
    "full, keys / 16": GeneratorConfig(),
    "full, keys / 4": GeneratorConfig(pooling=2),
    "half, all keys": GeneratorConfig(attention="half", pooling=1),
    "quarter, all keys": GeneratorConfig(attention="quarter", pooling=1),
    "none": GeneratorConfig(attention="none"),
}
UNPOOLED = GeneratorConfig(pooling=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--one", choices=tuple(PRECISIONS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(THREADS)
    device = torch.device(arguments.device)
    if arguments.one:
        alone(arguments.one, arguments.size, device)
        return
    picture = photo(arguments.size, device)
    place = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{THREADS} threads"
    print(f"{arguments.size} x {arguments.size}, torch {torch.__version__}, {place}")
    print(f"{'attention':22}{'precision':>10}{'ms':>9}{'of it attention, ms':>21}{'share':>8}")
    for name, dtype in PRECISIONS.items():
        calls: dict[str, Callable[[], object]] = {}
        for title, config in CONFIGS.items():
            generator = trained(config, device)
            calls[title] = whole(generator, picture, dtype)
            if config.attention != "none":
                calls[f"{title}: attention"] = attention_alone(generator, picture, dtype)
        seconds = interleaved(calls, arguments.rounds)
        for title in CONFIGS:
            total, part = seconds[title], seconds.get(f"{title}: attention", 0.0)
            print(f"{title:22}{name:>10}{total * 1000:9.1f}{part * 1000:21.1f}{part / total:8.0%}", flush=True)
    for name in PRECISIONS:
        size = str(arguments.size)
        command = [sys.executable, __file__, "--size", size, "--device", arguments.device, "--one", name]
        found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        print(f"{'full, all keys':22}{name:>10}{found.rstrip()}", flush=True)


def photo(size: int, device: torch.device) -> Tensor:
    torch.manual_seed(0)
    return torch.rand(1, 3, size, size).to(device, memory_format=torch.channels_last)


def trained(config: GeneratorConfig, device: torch.device) -> Generator:
    """A generator whose attention has left its beginning; speed does not depend on more."""
    generator = Generator(config).eval().requires_grad_(False)
    for module in generator.modules():
        if isinstance(module, SelfAttention):
            module.gamma.fill_(0.5)
    return generator.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def whole(generator: Generator, picture: Tensor, dtype: torch.dtype) -> Callable[[], Tensor]:
    def call() -> Tensor:
        with torch.autocast(picture.device.type, dtype, enabled=dtype != torch.float32):
            return translate(generator, picture)

    return call


def attention_alone(generator: Generator, picture: Tensor, dtype: torch.dtype) -> Callable[[], Tensor]:
    (block,) = (module for module in generator.modules() if isinstance(module, SelfAttention))
    seen: list[Tensor] = []
    handle = block.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone()))
    with torch.inference_mode():
        whole(generator, picture, dtype)()
    handle.remove()

    def call() -> Tensor:
        with torch.autocast(picture.device.type, dtype, enabled=dtype != torch.float32):
            found: Tensor = block(seen[0])
            return found

    return call


def interleaved(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each, in turns; once before that uncounted."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    with torch.inference_mode():
        for number in range(rounds + 1):
            for name, call in calls.items():
                seconds = timed(call)
                if number:
                    taken[name].append(seconds)
    return {name: statistics.median(values) for name, values in taken.items()}


def timed(call: Callable[[], object]) -> float:
    """Seconds until the GPU, too, is done, if there is work for one."""
    began = time.perf_counter()
    call()
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter() - began


def alone(name: str, size: int, device: torch.device) -> None:
    """Time and memory of unpooled attention at full resolution, for a process of its own."""
    generator, picture, dtype = trained(UNPOOLED, device), photo(size, device), PRECISIONS[name]
    with torch.inference_mode():
        timed(whole(generator, photo(32, device), dtype))
        before = megabytes(device, peak=False)
        total = timed(whole(generator, picture, dtype))
        memory = megabytes(device, peak=True) - before
        of_it = timed(attention_alone(generator, picture, dtype))
    print(f"{total * 1000:9.1f}{of_it * 1000:21.1f}{of_it / total:8.0%}, {memory} MB")


def megabytes(device: torch.device, *, peak: bool) -> int:
    """What this process takes of the device's memory now, or took at most so far."""
    if device.type == "cuda":
        taken = torch.cuda.max_memory_allocated(device) if peak else torch.cuda.memory_allocated(device)
        return taken // 2**20
    return (peak_bytes() if peak else resident_memory()) // 2**20


if __name__ == "__main__":
    main()
