"""Peak memory and time of the attention style loss at every layer, over plain gatys.

    python benchmarks/attention_memory.py [--size 512] [--features layer|shallower|all] [--kind gram|local]

Each row is a process of its own that paints a square picture for three steps with the target of one layer. Memory is
the highest resident memory of the process, less that of plain gatys; time is what computing the objective takes longer,
once per scale. The last column is what the matrix of all weights would take in float32.
"""

import argparse
import subprocess
import sys
import time

import torch

from impasto import image
from impasto.device import peak_bytes
from impasto.encoders.network import block_of
from impasto.gallery import packaged
from impasto.methods.gatys.objective import objective_at
from impasto.methods.gatys.options import GatysOptions
from impasto.methods.gatys.stylizer import Gatys
from impasto.tensors import resize, to_tensor

LAYERS = ("", "relu5_1", "relu4_1", "relu3_1", "relu2_1", "relu1_1")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--features", default="layer", choices=("layer", "shallower", "all"))
    parser.add_argument("--kind", default="gram", choices=("gram", "raw-gram", "local"))
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one is not None:
        measure(arguments.one, arguments)
        return
    print(f"{arguments.size} x {arguments.size}, {arguments.kind}, {arguments.features}, torch {torch.__version__}")
    print(f"{'':10}{'positions':>10}{'peak MB':>10}{'above plain':>13}{'seconds':>10}{'all weights, MB':>17}")
    plain_memory, plain_seconds = 0, 0.0
    for layer in LAYERS:
        same = ["--size", str(arguments.size), "--features", arguments.features, "--kind", arguments.kind]
        run = subprocess.run(
            [sys.executable, __file__, "--one", layer, *same], check=True, capture_output=True, text=True
        )
        memory, seconds = int(run.stdout.split()[0]), float(run.stdout.split()[1])
        if not layer:
            plain_memory, plain_seconds = memory, seconds
            print(f"{'plain':10}{'':10}{memory:10}")
            continue
        positions = (arguments.size // 2 ** (block_of(layer) - 1)) ** 2
        print(
            f"{layer:10}{positions:10}{memory:10}{memory - plain_memory:13}{seconds - plain_seconds:10.1f}"
            f"{positions**2 * 4 / 1e6:17,.0f}",
            flush=True,
        )


def measure(layer: str, arguments: argparse.Namespace) -> None:
    torch.set_num_threads(2)
    content, style = (
        resize(to_tensor(image.read(packaged()[name])), arguments.size, arguments.size)
        for name in ("mountains", "swirls")
    )
    options = GatysOptions(
        scales=1, steps=3, attention_weight=1.0 if layer else 0.0, attention_layers=layer or "relu4_1",
        attention_features=arguments.features, attention_loss=arguments.kind,
    )  # fmt: skip
    method = Gatys(torch.device("cpu"))
    encoder = method.encoder(options)
    began = time.perf_counter()
    objective = objective_at(encoder, content, [style], options)
    seconds = time.perf_counter() - began
    del objective
    method(content, [style], options)
    print(peak_bytes() // 2**20, seconds)


if __name__ == "__main__":
    main()
