r"""How steady the method adain is, and whether its look depends on the pixels of the photo.

    python benchmarks/adain_steadiness.py --teacher encoder.safetensors --content PHOTO... --style PAINTING... \
        [--large PHOTO...]

Each content, with a shorter side of 512 pixels, is painted once more after a small change; what is printed is the root
mean square difference of the two paintings over that of the two photos (1: the painting changes as the photo does):

- shift: by 1, 2, 4 and 8 pixels to the side, the paintings compared where they show the same, against the deviation of
  the painting's pixels instead;
- noise: of a deviation of 2 levels; brightness: 2 percent more.

Each of `--large` is painted at 12 megapixels and at 1 megapixel; the first is reduced to the second: the relative
squared distance of Gram matrices (`--teacher`, relu1_1 to relu5_1) between the two, over that of the photo to the
style; and their distances to the style, one over the other. Blocks: a smooth sky, JPEG of quality 40, enlarged by 2 (so
that its blocks are 16 pixels wide) to 1,536 pixels and painted: energy of the differences of neighbours across the
edges of blocks over that elsewhere.
"""

import argparse
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

import impasto
from impasto import image
from impasto.encoders.network import Encoder
from impasto.encoders.teacher import load_teacher
from impasto.losses.gram import gram
from impasto.methods.adain.options import AdaINOptions
from impasto.tensors import resize, to_tensor

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
SIDE = 512
SHIFTS = (1, 2, 4, 8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--content", type=Path, nargs="+", required=True)
    parser.add_argument("--style", type=Path, nargs="+", required=True)
    parser.add_argument("--large", type=Path, nargs="*", default=())
    parser.add_argument("--decoder", default=AdaINOptions.decoder)
    parser.add_argument("--detail", type=float, default=AdaINOptions.detail)
    arguments = parser.parse_args()
    method, judge = impasto.load("adain"), load_teacher(arguments.teacher)
    options = AdaINOptions(decoder=arguments.decoder, detail=arguments.detail)
    styles = [to_tensor(image.read(path)) for path in arguments.style]
    encoded = [method.encode(style.numpy(), options) for style in styles]

    def paint(photo: Tensor, number: int) -> Tensor:
        return torch.from_numpy(method(photo.contiguous().numpy(), [encoded[number]], options))

    rows: dict[str, list[float]] = {}
    for path in arguments.content:
        photo = shorter_side(to_tensor(image.read(path)), SIDE)
        for number in range(len(styles)):
            for name, value in changes(photo, lambda picture, number=number: paint(picture, number)).items():
                rows.setdefault(name, []).append(value)
    for path in arguments.large:
        photo = to_tensor(image.read(path))
        small, large = (megapixels(photo, count) for count in (1, 12))
        for number, style in enumerate(styles):
            one, twelve = paint(small, number), resize(paint(large, number), *small.shape[-2:])
            wanted = shorter_side(style, SIDE)
            apart = gram_distance(judge, twelve, one)
            rows.setdefault("12 against 1 megapixel", []).append(apart / gram_distance(judge, small, wanted))
            values = [gram_distance(judge, picture, wanted) for picture in (twelve, one)]
            rows.setdefault("to the style, 12 over 1 megapixel", []).append(values[0] / values[1])
    for number in range(len(styles)):
        rows.setdefault("blocks", []).append(blocks(lambda picture, number=number: paint(picture, number)))
    for name, values in rows.items():
        print(f"{name:36} {np.mean(values):.3f}  (largest {max(values):.3f}, {len(values)} pairs)")


def changes(photo: Tensor, paint) -> dict[str, float]:
    """{change: how much of it is in the painting}."""
    before = paint(photo)
    found = {}
    spread = float(before.std())
    for shift in SHIFTS:
        after = paint(photo[..., shift:])
        found[f"shift by {shift}"] = distance(after[..., 8:-8], before[..., shift + 8 : -8]) / spread
    generator = torch.Generator().manual_seed(0)
    noisy = (photo + 2 / 255 * torch.randn(photo.shape, generator=generator)).clamp(0, 1)
    lighter = (photo * 1.02).clamp(0, 1)
    for name, other in (("noise", noisy), ("brightness", lighter)):
        found[name] = distance(paint(other), before) / distance(other, photo)
    return found


def blocks(paint) -> float:
    """Of a painted sky: energy across the edges of what were JPEG's blocks over that elsewhere."""
    rows, columns = np.mgrid[0:768, 0:768] / 768
    sky = np.stack([60 + 80 * rows, 110 + 60 * rows + 10 * columns, 190 + 30 * columns], 2)
    noise = np.random.default_rng(0).normal(0, 2, sky.shape)
    data = io.BytesIO()
    Image.fromarray((sky + noise).clip(0, 255).astype(np.uint8)).save(data, "JPEG", quality=40)
    pixels = torch.from_numpy(np.array(Image.open(data))).permute(2, 0, 1)[None].float() / 255
    painted = paint(resize(pixels, 1536, 1536))[0]
    energy = painted.diff(dim=-1).square().mean((0, 1))
    edges = torch.arange(1, len(energy) + 1) % 16 == 0
    return float(energy[edges].mean() / energy[~edges].mean())


def distance(one: Tensor, other: Tensor) -> float:
    return float((one - other).square().mean().sqrt())


@torch.inference_mode()
def gram_distance(judge: Encoder, picture: Tensor, target: Tensor) -> float:
    found, wanted = judge(picture, LAYERS), judge(target, LAYERS)
    pairs = [(gram(found[layer]), gram(wanted[layer])) for layer in LAYERS]
    return sum(float((one - other).square().sum() / other.square().sum()) for one, other in pairs)


def shorter_side(picture: Tensor, side: int) -> Tensor:
    ratio = side / min(picture.shape[-2:])
    return resize(picture, *(round(length * ratio) for length in picture.shape[-2:]))


def megapixels(picture: Tensor, count: float) -> Tensor:
    sides: Sequence[int] = picture.shape[-2:]
    ratio = (count * 1e6 / (sides[0] * sides[1])) ** 0.5
    return resize(picture, *(round(length * ratio) for length in sides))


if __name__ == "__main__":
    main()
