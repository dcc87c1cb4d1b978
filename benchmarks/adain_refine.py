"""Style loss against seconds of CPU time: adain, adain with --refine, and gatys, for one picture in one run.

    python benchmarks/adain_refine.py [--content PHOTO --style PAINTING] [--size 512] -o refine.png

The style loss is that of gatys at full size in float32, its content loss stands beside it. Seconds are those of one
thread at work, which other work on the machine hardly changes. Needs matplotlib.
"""

import argparse
import json
import time
from pathlib import Path

import torch

import impasto
from impasto import Options, StylizeOptions, image
from impasto.api import paint
from impasto.encoders import load_encoder
from impasto.gallery import packaged
from impasto.methods import Stylizer
from impasto.methods.gatys.objective import Objective, objective_at
from impasto.tensors import resize, to_picture, to_tensor

REFINEMENTS = (0, 5, 10, 20, 40, 80)
STEPS = (5, 10, 20, 40, 80, 160)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--content", type=Path, default=packaged()["mountains"])
    parser.add_argument("--style", type=Path, default=packaged()["swirls"])
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("-o", "--output", type=Path, default=Path("refine.png"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    content, style = image.read(arguments.content), image.read(arguments.style)
    height, width = image.fit(content.height, content.width, arguments.size)
    pixels = resize(to_tensor(content), height, width)
    options = StylizeOptions(method="gatys")
    encoder = load_encoder(options.encoder)
    objective = objective_at(encoder, pixels, [to_tensor(style)], options)
    adain, gatys = impasto.load("adain"), impasto.load("gatys")
    small = to_picture(pixels[..., :64, :64])
    for method in (adain, gatys):  # warm
        paint(small, [style], StylizeOptions(method=method.method, size=64), stylizer=method)
    paint(small, [style], StylizeOptions(refine=1, size=64), stylizer=adain)
    points: dict[str, list[dict[str, float]]] = {"adain --refine N": [], "gatys, one size, N steps": []}
    for count in REFINEMENTS:
        chosen = StylizeOptions(size=arguments.size, refine=count)
        points["adain --refine N"].append({"N": count, **taken(content, style, chosen, adain, objective)})
    for count in STEPS:
        chosen = StylizeOptions(method="gatys", size=arguments.size, scales=1, steps=count)
        points["gatys, one size, N steps"].append({"N": count, **taken(content, style, chosen, gatys, objective)})
    points["gatys, presets draft and default"] = [
        taken(content, style, StylizeOptions(method="gatys", size=arguments.size, preset=preset), gatys, objective)
        for preset in ("draft", "default")
    ]
    arguments.output.with_suffix(".json").write_text(json.dumps(points, indent=2) + "\n")
    draw(points, arguments.output, f"{arguments.content.stem} x {arguments.style.stem}, {width} x {height}")


def taken(
    content: image.Picture,
    style: image.Picture,
    options: Options,
    method: Stylizer,
    objective: Objective,
) -> dict[str, float]:
    began = time.process_time()
    painting = paint(content, [style], options, stylizer=method)
    seconds = time.process_time() - began
    with torch.no_grad():
        losses = objective.losses(to_tensor(painting.picture))
    found = {"CPU seconds": seconds, "style": float(losses["style"]), "content": float(losses["content"])}
    print(options.method, options.refine or options.steps or options.preset, found, flush=True)
    return found


def draw(points: dict[str, list[dict[str, float]]], path: Path, title: str) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for name, curve in points.items():
        axes.plot([point["CPU seconds"] for point in curve], [point["style"] for point in curve], "o-", label=name)
        for point in curve:
            if "N" in point:
                axes.annotate(f"{point['N']:.0f}", (point["CPU seconds"], point["style"]), fontsize=8)
    axes.set(xscale="log", yscale="log", xlabel="CPU seconds", ylabel="style loss of gatys", title=title)
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
