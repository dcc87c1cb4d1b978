"""How well the method adain paints pictures that training never saw, judged by a network that is not its own.

    python benchmarks/adain_quality.py --teacher encoder.safetensors --content PHOTO... --style PAINTING... -o report

Every content is painted in every style, both with a shorter side of 512 pixels. In the features of the teacher
(the 16x smaller VGG-19 of Collaborative-Distillation):

- style: D(painted, style) / D(content, style), where D sums over relu1_1, 2_1, 3_1, 4_1 and 5_1 the squared distance of
  the channels' means and of their standard deviations, each over the style's own squared norm;
- gram: the same with the relative squared distance of the Gram matrices;
- content: half the mean squared difference of relu4_2, each channel at mean 0 and deviation 1;
- SSIM of the painted picture and the content (torchmetrics, data range 1; extra `dev`);
- stray: the share of the painted pixels, in percent, with more chroma (OkLab) than 99.9 percent of the style's have:
  colours that the painting does not have.

`--decoder` names another decoder, `--strength` less of the style, `--detail` how much of the photo stays. The
report's folder gets every pair as a PNG, the numbers as JSON, and a contact sheet.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure

import impasto
from impasto import image
from impasto.colour import to_oklab
from impasto.encoders.network import Encoder
from impasto.encoders.teacher import load_teacher
from impasto.losses.feature_statistics import mean_std, normalised_content_loss, relative_statistics_loss
from impasto.losses.gram import gram
from impasto.methods.adain.options import AdaINOptions
from impasto.methods.adain.stylizer import decoder_file
from impasto.tensors import resize, to_picture, to_tensor
from impasto.weights import sha256_of

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT_LAYER = "relu4_2"
SIDE = 512
CELL = 192


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--content", type=Path, nargs="+", required=True)
    parser.add_argument("--style", type=Path, nargs="+", required=True)
    parser.add_argument("--decoder", default=AdaINOptions.decoder)
    parser.add_argument("--strength", type=float, default=1.0)
    parser.add_argument("--detail", type=float, default=AdaINOptions.detail)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("-o", "--output", type=Path, default=Path("adain-report"))
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    judge = load_teacher(arguments.teacher)
    chosen = {name: getattr(arguments, name) for name in ("decoder", "strength", "detail", "precision")}
    options = AdaINOptions(**chosen)
    method = impasto.load("adain")
    styles = {path.stem: read(path) for path in arguments.style}
    rows, cells = [], [[blank(), *(cell(picture) for picture in styles.values())]]
    for path in arguments.content:
        content = read(path)
        cells.append([cell(content)])
        for name, style in styles.items():
            painted = torch.from_numpy(method(content.numpy(), [style.numpy()], options))
            rows.append({"photo": path.stem, "painting": name, **measured(judge, painted, content, style)})
            image.write(to_picture(painted), arguments.output / f"{path.stem} x {name}.png", overwrite=True)
            cells[-1].append(cell(painted))
        print(path.stem, {key: round(mean(rows[-len(styles) :], key), 3) for key in MEASURES}, flush=True)
    sheet = torch.cat([torch.cat(row, 3) for row in cells], 2)
    image.write(to_picture(sheet), arguments.output / "sheet.png", overwrite=True)
    summary = {
        "decoder": sha256_of(decoder_file(arguments.decoder)),
        "options": {name: value for name, value in chosen.items() if name != "decoder"},
        "pairs": len(rows),
        "mean": {key: round(mean(rows, key), 4) for key in MEASURES},
        "median": {key: round(float(np.median([row[key] for row in rows])), 4) for key in MEASURES},
    }
    (arguments.output / "report.json").write_text(json.dumps({**summary, "rows": rows}, indent=2) + "\n")
    print(json.dumps(summary, indent=2))


MEASURES = ("style", "gram", "content", "ssim", "stray")


@torch.inference_mode()
def measured(judge: Encoder, painted: Tensor, content: Tensor, style: Tensor) -> dict[str, float]:
    layers = (*STYLE_LAYERS, CONTENT_LAYER)
    seen, before, wanted = (judge(picture, layers) for picture in (painted, content, style))

    def distance(features: dict[str, Tensor]) -> float:
        pairs = ((mean_std(features[layer]), mean_std(wanted[layer])) for layer in STYLE_LAYERS)
        return sum(float(relative_statistics_loss(found, target)) for found, target in pairs)

    def gram_distance(features: dict[str, Tensor]) -> float:
        pairs = [(gram(features[layer]), gram(wanted[layer])) for layer in STYLE_LAYERS]
        return sum(float((found - target).square().sum() / target.square().sum()) for found, target in pairs)

    return {
        "style": distance(seen) / distance(before),
        "gram": gram_distance(seen) / gram_distance(before),
        "content": float(normalised_content_loss(seen[CONTENT_LAYER], before[CONTENT_LAYER])),
        "ssim": float(structural_similarity_index_measure(painted, content, data_range=1.0)),
        "stray": 100 * float((chroma(painted) > float(np.quantile(chroma(style), 0.999))).double().mean()),
    }


def chroma(picture: Tensor) -> Tensor:
    return torch.from_numpy(to_oklab(picture[0].flatten(1).double().numpy()))[1:].square().sum(0).sqrt()


def mean(rows: list[dict[str, object]], key: str) -> float:
    return float(np.mean([row[key] for row in rows]))  # type: ignore[arg-type]


def read(path: Path) -> Tensor:
    pixels = to_tensor(image.read(path))
    ratio = SIDE / min(pixels.shape[-2:])
    return resize(pixels, *(round(side * ratio) for side in pixels.shape[-2:]))


def cell(picture: Tensor) -> Tensor:
    """(1, 3, CELL, CELL), the whole picture on white."""
    height, width = image.fit(*picture.shape[-2:], CELL)
    square = blank()
    top, left = (CELL - height) // 2, (CELL - width) // 2
    square[..., top : top + height, left : left + width] = resize(picture, height, width)
    return square


def blank() -> Tensor:
    return torch.ones(1, 3, CELL, CELL)


if __name__ == "__main__":
    main()
