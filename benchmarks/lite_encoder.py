"""How good the embedded encoder is, against the teacher it was distilled from, on pictures that training never saw.

    python benchmarks/lite_encoder.py --teacher encoder.safetensors --data photos paintings monet vangogh \
        --content content --style styles -o lite-report

1. Relative error of the features after each ReLU, on the pictures that the recipe `lite_encoder` holds out of `--data`
   (the same folders in the same order as in training).
2. Transfer: content-style pairs painted once with the teacher and several times with `lite`, at style weights around
   the teacher's; the teacher then judges all of them. Its style loss of the lite pictures is read off where their
   content loss equals that of the teacher's picture, and the ratio of both style losses is printed. Pairs are saved
   side by side: content, teacher, lite.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from impasto import image
from impasto.data.folders import Crops, PictureStream, hold_out, list_pictures
from impasto.encoders import load_encoder, weights_file
from impasto.encoders.filters import filter_scales, mean_activations, normalise_filters
from impasto.encoders.network import LAYERS, Encoder
from impasto.encoders.teacher import load_teacher
from impasto.methods.gatys.objective import objective_at
from impasto.methods.gatys.options import GatysOptions
from impasto.methods.gatys.stylizer import Gatys
from impasto.recipes.lite_encoder import lite_encoder
from impasto.tensors import resize, to_tensor
from impasto.weights import load, sha256_of

STYLE_WEIGHTS = (0.25, 1.0, 4.0)  # of the lite runs, as multiples of the teacher's


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--content", type=Path)
    parser.add_argument("--style", type=Path)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("-o", "--output", type=Path, default=Path("lite-report"))
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    teacher = load_teacher(arguments.teacher)
    report = {
        "weights": sha256_of(weights_file("lite")),
        "torch": torch.__version__,
        "relative_error": feature_errors(load_encoder("lite"), teacher, arguments.data),
    }
    print(json.dumps(report, indent=2))
    if arguments.content and arguments.style:
        report["transfer"] = transfer(teacher, arguments)
    (arguments.output / "report.json").write_text(json.dumps(report, indent=2) + "\n")


@torch.inference_mode()
def feature_errors(lite: Encoder, teacher: Encoder, data: list[Path]) -> dict[str, float]:
    """Mean squared error over mean square, in the teacher's units, per layer."""
    config = lite_encoder()
    tensors, _ = load(weights_file("lite"))
    units = {layer: tensors[f"teacher_units.{layer}"].view(1, -1, 1, 1) for layer in LAYERS}
    _, held_out = hold_out(list_pictures(data), config.held_out, config.seed)
    stream = PictureStream(held_out, Crops(side=192, flip=False), config.seed)
    wrong, total = dict.fromkeys(LAYERS, 0.0), dict.fromkeys(LAYERS, 0.0)
    for index in range(config.held_out):
        picture = stream[index][None].float() / 255
        features, targets = lite(picture, LAYERS), teacher(picture, LAYERS)
        for layer in LAYERS:
            wrong[layer] += (features[layer] * units[layer] - targets[layer]).square().mean().item()
            total[layer] += targets[layer].square().mean().item()
    return {layer: round(wrong[layer] / total[layer], 4) for layer in LAYERS}


def transfer(teacher: Encoder, arguments: argparse.Namespace) -> dict[str, object]:
    judge = normalised(teacher, arguments.data)
    options = GatysOptions(size=arguments.size, precision="fp32")
    device = torch.device("cpu")
    with_teacher, with_lite = Gatys(device), Gatys(device)
    with_teacher._encoders["lite", "own", torch.float32] = judge
    contents, styles = list_pictures([arguments.content]), list_pictures([arguments.style])
    rows, ratios = [], []
    for index in range(arguments.pairs):
        # Spread over both folders, so that pairs differ in both pictures.
        content_path = contents[index * len(contents) // arguments.pairs]
        style_path = styles[index * len(styles) // arguments.pairs]
        content = read(content_path, arguments.size)
        style = to_tensor(image.read(style_path))
        own = with_teacher(content, [style], options)
        content_loss, style_loss = judged(judge, own, content, style, options)
        points, pictures = [], []
        for factor in STYLE_WEIGHTS:
            weighted = replace(options, style_weight=options.chosen("style_weight") * factor)
            pictures.append(with_lite(content, [style], weighted))
            points.append(judged(judge, pictures[-1], content, style, options))
        ratio = style_at(content_loss, points) / style_loss
        ratios.append(ratio)
        rows.append({"content": content_path.name, "style": style_path.name, "ratio": round(ratio, 3)})
        print(rows[-1], "teacher", (content_loss, style_loss), "lite", points, flush=True)
        side_by_side([content, own, pictures[1]], arguments.output / f"pair-{index:02d}.png")
    summary = {"median_ratio": float(np.median(ratios)), "worst_ratio": max(ratios), "pairs": rows}
    print(json.dumps({"median_ratio": summary["median_ratio"], "worst_ratio": summary["worst_ratio"]}))
    return summary


def normalised(teacher: Encoder, data: list[Path]) -> Encoder:
    """The teacher with its filters normalised, as lite's are, so that one style weight suits both."""
    training, _ = hold_out(list_pictures(data), lite_encoder().held_out, lite_encoder().seed)
    stream = PictureStream(training, Crops(side=192, flip=False), lite_encoder().seed)
    batches = (torch.stack([stream[i] for i in range(j, j + 16)]).float() / 255 for j in range(0, 512, 16))
    normalise_filters(teacher, filter_scales(mean_activations(teacher, batches)))
    return teacher


@torch.no_grad()
def judged(
    judge: Encoder, picture: Tensor, content: Tensor, style: Tensor, options: GatysOptions
) -> tuple[float, float]:
    losses = objective_at(judge, content, [style], options).losses(picture)
    return losses["content"].item(), losses["style"].item()


def style_at(content_loss: float, points: list[tuple[float, float]]) -> float:
    """Style loss where the lite pictures' curve has this content loss; log-log, its last segments extended."""
    points = sorted(points)
    x, y = np.log([p[0] for p in points]), np.log([p[1] for p in points])
    at = np.log(content_loss)
    i = int(np.clip(np.searchsorted(x, at) - 1, 0, len(x) - 2))
    return float(np.exp(y[i] + (y[i + 1] - y[i]) * (at - x[i]) / (x[i + 1] - x[i])))


def read(path: Path, size: int) -> Tensor:
    picture = to_tensor(image.read(path))
    return resize(picture, *image.fit(picture.shape[-2], picture.shape[-1], size))


def side_by_side(pictures: list[Tensor], path: Path) -> None:
    row = torch.cat(pictures, 3)[0].clamp(0, 1).permute(1, 2, 0).mul(255).round().byte().numpy()
    Image.fromarray(row).save(path)


if __name__ == "__main__":
    main()
