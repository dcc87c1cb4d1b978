"""What trained variants make of pictures that none of them has seen, as numbers, and the worst of it as a picture."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from impasto import image, tensors
from impasto.encoders import load_encoder, points
from impasto.metrics import frechet_distance, kernel_distance, psnr, ssim
from impasto.metrics.held_out import rounded
from impasto.report.sheets import grid
from impasto.studies.paper_tables import NOT_RUN, PUBLISHED
from impasto.translation import WAYS, Translator

WORST = 4
"""Rows of the picture of failures."""

PROTOCOL = (
    "PSNR (dB) and SSIM: means over all held-out pictures of both kinds. Structure: of a translation and its input; a"
    " run that changes nothing has the best. Cycle: of what comes back, by way of 8 bits, and the input."
    f" FID-lite, KID-lite: {points.LAYER} of lite at {points.SIDE} pixels, translations against the held-out pictures"
    " of their target, mean of both directions; FID of so few pictures is much too large, and fit to be compared within"
    " this table only. Published: at 400,000 steps and 256 x 256, on other data; the paper does not say what PSNR and"
    " SSIM compare, nor how FID was computed. No other column is meant to equal them."
)


@dataclass(frozen=True, kw_only=True)
class Translation:
    """A picture of a kind, what it became, and what this became on the way back; (1, 3, H, W) in [0, 1]."""

    kind: str
    picture: Tensor
    painted: Tensor
    back: Tensor


def translations(method: Translator, held_out: Mapping[str, Sequence[Tensor]]) -> list[Translation]:
    """held_out: {kind: pictures (1, 3, H, W) in [0, 1]}. Results are rounded to 8 bits before they go the way back, as
    if they had been saved: what a generator hides in less than that counts for nothing."""
    translated = []
    for kind, there, back in WAYS:
        ways = [method.options(direction=direction) for direction in (there, back)]
        for picture in held_out[kind]:
            painted = rounded(method(picture, [], ways[0]))
            again = rounded(method(painted, [], ways[1]))
            translated.append(Translation(kind=kind, picture=picture, painted=painted, back=again))
    return translated


def measures(translated: Sequence[Translation]) -> dict[str, float]:
    """Means of `similarities`, and `distances`."""
    return {**_means(map(similarities, translated)), **distances(translated)}


def similarities(translated: Translation) -> dict[str, float]:
    """The paper gives PSNR and SSIM "of the generated image" and does not say with what. Without pairs there are two:
    structure, with the input of the translation; and cycle, of what comes back with the input."""
    values = {}
    for what, other in (("structure", translated.painted), ("cycle", translated.back)):
        values[f"{what} PSNR"] = float(psnr(other, translated.picture))
        values[f"{what} SSIM"] = float(ssim(other, translated.picture))
    return values


@torch.inference_mode()
def distances(translated: Sequence[Translation]) -> dict[str, float]:
    """FID and KID by the features of `lite`, not of Inception: of what pictures of one kind became and the pictures of
    the other kind; mean of both directions."""
    encoder = load_encoder("lite")

    def seen(pictures: Iterable[Tensor]) -> Tensor:
        return torch.cat([points.points(encoder, picture) for picture in pictures])

    real = {kind: seen(one.picture for one in translated if one.kind == kind) for kind, _, _ in WAYS}
    painted = {kind: seen(one.painted for one in translated if one.kind == kind) for kind, _, _ in WAYS}
    pairs = [(painted["A"], real["B"]), (painted["B"], real["A"])]
    return _means({"FID-lite": frechet_distance(a, b), "KID-lite": kernel_distance(a, b)[0]} for a, b in pairs)


def published(row: str) -> dict[str, str]:
    """What paper 003 has for PSNR, SSIM and FID of a row of its tables."""
    tables = {place: printed for rows in PUBLISHED.values() for place, printed in rows.items()}
    columns = {}
    for data_set in ("Horse2zebra", "Orange2apple"):
        printed = tables.get(f"{data_set}/{row}")
        text = "{:.2f}, {:.2f}, {:.1f}".format(*printed) if printed else NOT_RUN
        columns[f"published PSNR, SSIM, FID of {data_set}"] = text
    return columns


def failures(translated: Sequence[Translation], name: str, readable: Any) -> Image.Image:
    """The translations with the lowest structure SSIM, beside their inputs: chosen by the number, not by hand.

    readable: what a small picture goes through to be shown.
    """
    ranked = sorted(((similarities(one)["structure SSIM"], number) for number, one in enumerate(translated)))[:WORST]
    rows, names = [], []
    for value, number in ranked:
        one = translated[number]
        rows.append([readable(image.to_pil(tensors.to_picture(pixels))) for pixels in (one.picture, one.painted)])
        names.append(f"{one.kind}: SSIM {value:.2f}")
    return grid(rows, ["input", name], names)


def _means(values: Iterable[Mapping[str, float]]) -> dict[str, float]:
    columns: dict[str, list[float]] = {}
    for row in values:
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    return {name: sum(column) / len(column) for name, column in columns.items()}
