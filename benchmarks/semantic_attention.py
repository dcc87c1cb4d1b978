"""Memory of the self-attention at the end of semantic-gan's generator, in training and in use, computed and measured.

    python benchmarks/semantic_attention.py [--size 256] [--unfused]

Each row is a process of its own: one picture, the attention of a generator of width 24 at the picture's own size.
"matrix" is what the weights of every position for every key take in float32; training keeps at least one such map.
"tensors" is what the block itself has to keep for the gradient: its input and output, queries, what was found, and the
keys and values. "measured" is the highest resident memory of the process, less what it had before the pass. Training is
forward and backward, of the block and then of a whole generator. --unfused measures PyTorch's plain softmax(q k^T) v as
well, at sizes whose matrix fits.
"""

import argparse
import subprocess
import sys

import torch

from impasto.blocks.attention import SMALLEST, SelfAttention
from impasto.device import peak_bytes, resident_memory
from impasto.methods.semantic_gan.network import Generator, GeneratorConfig

WIDTH = GeneratorConfig().width
POOLINGS = (4, 2, 1)
CASES = ("block in use", "block in training", "generator in use", "generator in training")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--unfused", action="store_true")
    parser.add_argument("--one", nargs=2, metavar=("CASE", "POOLING"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        case, pooling = arguments.one
        measure(case, int(pooling), arguments.size)
        return
    print(f"{arguments.size} x {arguments.size}, batch 1, float32, torch {torch.__version__}")
    print(f"{'':34}{'matrix, MB':>12}{'tensors, MB':>13}{'measured, MB':>14}")
    cases = [*CASES, *(["matrix in training"] if arguments.unfused else [])]
    for case in cases:
        for pooling in POOLINGS:
            command = [sys.executable, __file__, "--size", str(arguments.size), "--one", case, str(pooling)]
            run = subprocess.run(command, check=True, capture_output=True, text=True)
            matrix, tensors = computed(pooling, arguments.size)
            name = f"{case}, keys / {pooling * pooling}"
            print(f"{name:34}{matrix:12,.0f}{tensors:13,.0f}{int(run.stdout):14,}", flush=True)


def computed(pooling: int, size: int) -> tuple[float, float]:
    """Megabytes of (the matrix, what the block keeps)."""
    positions, keys = size**2, (-(-size // pooling)) ** 2
    kept = positions * (2 * WIDTH + 2 * SMALLEST) + 2 * keys * SMALLEST
    return positions * keys * 4 / 1e6, kept * 4 / 1e6


def measure(case: str, pooling: int, size: int) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(2)
    network: torch.nn.Module
    if case.startswith("generator"):
        network, channels = Generator(GeneratorConfig(pooling=pooling)), 3
    elif case.startswith("block"):
        network, channels = SelfAttention(WIDTH, pooling), WIDTH
    else:
        network, channels = Matrix(pooling), WIDTH
    network = network.to(memory_format=torch.channels_last)
    pass_once(network, case, torch.rand(1, channels, 32, 32))  # libraries and kernels are loaded
    x = torch.rand(1, channels, size, size).contiguous(memory_format=torch.channels_last)
    before = resident_memory()
    pass_once(network, case, x)
    print((peak_bytes() - before) // 2**20)


class Matrix(SelfAttention):
    """The same with the whole matrix."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        seen = self._pooled(x)
        q, k, v = (one.flatten(2).transpose(1, 2) for one in (self.g(x), self.f(seen), self.h(seen)))
        found = (q @ k.transpose(1, 2)).softmax(2) @ v
        o: torch.Tensor = self.v(found.transpose(1, 2).unflatten(2, x.shape[2:]))
        return x + self.gamma * o


def pass_once(network: torch.nn.Module, case: str, x: torch.Tensor) -> None:
    if case.endswith("training"):
        network(x.requires_grad_()).square().mean().backward()
    else:
        with torch.inference_mode():
            network(x)


if __name__ == "__main__":
    main()
