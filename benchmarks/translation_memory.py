"""Peak memory and time of translating one square picture with generators of published width.

    python benchmarks/translation_memory.py [--sizes 512 1024 2048] [--precisions bf16 fp32] [--methods nla-cyclegan]

Each row is a process of its own that holds a generator of width 64 with random weights, in a file as training writes
it, and translates one picture of noise. Peak is the process's highest resident memory, all of it; above is what of it
came with the picture, beside the estimate by which a picture that would not fit is refused. 2048 pixels take
`nla-cyclegan` minutes: its block compares 262,144 positions with each other.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

import impasto
from impasto import StylizeOptions
from impasto.device import peak_bytes, resident_memory
from impasto.methods.cyclegan import network as cyclegan
from impasto.methods.dncnn_cyclegan import network as dncnn
from impasto.methods.nla_cyclegan import network as nla
from impasto.translation import Translator, save_generators

THREADS = 2
GENERATORS = {
    "nla-cyclegan": lambda width: nla.Generator(nla.GeneratorConfig(width=width)),
    "cyclegan": lambda width: cyclegan.Generator(cyclegan.GeneratorConfig(width=width)),
    "dncnn-cyclegan": lambda width: dncnn.Generator(dncnn.GeneratorConfig(width=width)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024, 2048])
    parser.add_argument("--precisions", nargs="+", default=["bf16", "fp32"], choices=["bf16", "fp32"])
    parser.add_argument("--methods", nargs="+", default=["nla-cyclegan", "cyclegan"], choices=list(GENERATORS))
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--one", nargs=4, metavar=("FILE", "METHOD", "PRECISION", "SIZE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        measure(*arguments.one)
        return
    print(f"width {arguments.width}, torch {torch.__version__}, {THREADS} threads")
    print(f"{'method':16}{'precision':>10}{'pixels':>8}{'peak MB':>10}{'above':>8}{'estimate':>10}{'seconds':>10}")
    with TemporaryDirectory() as folder:
        for method in arguments.methods:
            file = Path(folder) / f"{method}.safetensors"
            torch.manual_seed(0)
            save_generators(file, method, {"A2B": GENERATORS[method](arguments.width)}, {})
            for precision in arguments.precisions:
                for size in arguments.sizes:
                    chosen = [str(file), method, precision, str(size)]
                    subprocess.run([sys.executable, __file__, "--one", *chosen], check=True)


def measure(file: str, method: str, precision: str, size: str) -> None:
    torch.set_num_threads(THREADS)
    options = StylizeOptions(method=method, precision=precision)
    translator = impasto.load(method, device="cpu", weights=Path(file))
    assert isinstance(translator, Translator)
    translator(torch.rand(1, 3, 32, 32), [], options)
    picture = torch.rand(1, 3, int(size), int(size))
    before = resident_memory() / 2**20
    began = time.perf_counter()
    translator(picture, [], options)
    seconds = time.perf_counter() - began
    peak = peak_bytes() / 2**20
    estimate = translator.bytes_per_pixel(options) * int(size) ** 2 / 2**20
    print(
        f"{method:16}{precision:>10}{size:>8}{peak:10.0f}{peak - before:8.0f}{estimate:10.0f}{seconds:10.1f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
