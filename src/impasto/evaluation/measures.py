"""The measures of pairs and of sets, with the protocol of each."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from impasto import metrics, tensors
from impasto.errors import DataError
from impasto.evaluation.judges import CONTENT_LAYERS, STYLE_LAYERS, Judges
from impasto.evaluation.number import Number, software
from impasto.evaluation.picture_set import PictureSet, of_area, pixels, resized_like
from impasto.metrics.fid import rank_warning
from impasto.metrics.kid import LARGEST_SUBSET, SUBSETS
from impasto.metrics.ssim import SMALLEST_MS_SSIM, WINDOW

Report = Callable[[int, int, str], None]
Facts = Mapping[str, Any]


def likeness(
    subject: str,
    outputs: PictureSet,
    originals: PictureSet,
    judges: Judges,
    *,
    prefix: str = "",
    squeezed: bool = False,
    facts: Facts | None = None,
    report: Report | None = None,
) -> list[Number]:
    """PSNR, SSIM, MS-SSIM, LPIPS and the content distance of pairs, averaged over them.

    originals: one for every output, brought to its size. prefix: before each measure's name. squeezed: the outputs are
    brought to their originals' sizes instead, whatever their proportions. facts: for the protocol. Raises DataError for
    a pair whose proportions differ, unless they are squeezed.
    """
    values: dict[str, list[float]] = {}
    for number, (path, other) in enumerate(zip(outputs.paths, originals.paths, strict=True), 1):
        picture, whole = pixels(path), pixels(other)
        if squeezed:
            picture = tensors.resize(picture, *whole.shape[-2:])
        original = resized_like(whole, picture)
        if original is None:
            raise DataError(f"{path} and {other} have other proportions, and so no pixels to compare")
        for name, value in likeness_of_pair(picture, original, judges).items():
            values.setdefault(name, []).append(value)
        if report:
            report(number, len(outputs), subject)
    resized = {"outputs": "squeezed to the originals"} if squeezed else {"originals": "resized to the outputs, bicubic"}
    about = _about(facts, outputs=outputs, originals=originals) | resized
    extras: dict[str, dict[str, Any]] = {
        "LPIPS": {"network": judges.perceptual_about} if "LPIPS" in values else {},
        f"content distance-{judges.encoder}": {"network": judges.encoder_about, "layers": CONTENT_LAYERS},
    }
    return [_mean(subject, f"{prefix}{name}", found, about | extras.get(name, {})) for name, found in values.items()]


def likeness_of_pair(picture: Tensor, original: Tensor, judges: Judges) -> dict[str, float]:
    """{measure: value} of one picture and what it was made of, of one size."""
    side = min(picture.shape[-2:])
    found = {"PSNR": float(metrics.psnr(picture, original))}
    if side >= WINDOW:
        found["SSIM"] = float(metrics.ssim(picture, original))
    if side >= SMALLEST_MS_SSIM:
        found["MS-SSIM"] = float(metrics.ms_ssim(picture, original))
    perceived = judges.lpips(picture, original)
    if perceived is not None:
        found["LPIPS"] = float(perceived)
    with torch.inference_mode():
        seen = [judges.features(one.to(judges.where), CONTENT_LAYERS) for one in (picture, original)]
    found[f"content distance-{judges.encoder}"] = float(metrics.content_distance(*seen))
    return found


def style(
    subject: str,
    outputs: PictureSet,
    styles: PictureSet,
    judges: Judges,
    *,
    facts: Facts | None = None,
    report: Report | None = None,
) -> list[Number]:
    """Distances of style, Gram matrices and colours between outputs and their styles, averaged over pairs.

    styles: one for every output, brought to its area with the proportions that it has.
    """
    values: dict[str, list[float]] = {}
    for number, (path, other) in enumerate(zip(outputs.paths, styles.paths, strict=True), 1):
        picture = pixels(path)
        painting = of_area(pixels(other), picture.shape[2] * picture.shape[3])
        for name, value in style_of_pair(picture, painting, judges).items():
            values.setdefault(name, []).append(value)
        if report:
            report(number, len(outputs), subject)
    about = _about(facts, outputs=outputs, styles=styles) | {"styles": "resized to the outputs' area, bicubic"}
    network = {"network": judges.encoder_about, "layers": STYLE_LAYERS}
    return [
        _mean(subject, name, found, about | ({} if name.startswith("colour") else network))
        for name, found in values.items()
    ]


def style_of_pair(picture: Tensor, painting: Tensor, judges: Judges) -> dict[str, float]:
    """{measure: value} of one picture and one painting."""
    with torch.inference_mode():
        seen = [judges.features(one.to(judges.where), STYLE_LAYERS) for one in (picture, painting)]
    return {
        f"style distance-{judges.encoder}": float(metrics.style_distance(*seen)),
        f"Gram distance-{judges.encoder}": float(metrics.gram_distance(*seen)),
        "colour distance": float(metrics.colour_histogram_distance(picture, painting)),
    }


def distribution(
    subject: str,
    found: PictureSet,
    reference: PictureSet,
    judges: Judges,
    *,
    seed: int = 0,
    facts: Facts | None = None,
) -> list[Number]:
    """FID and KID of two sets with every network that is there. Nothing for sets of fewer than two pictures."""
    if min(len(found), len(reference)) < 2:
        return []
    numbers = []
    size = min(LARGEST_SUBSET, len(found), len(reference))
    for way in judges.of_sets():
        a, b = way.of(found), way.of(reference)
        about = _about(facts, found=found, reference=reference)
        about |= {"resize": way.resize, "network": dict(way.network), "features": way.dimension}
        warning = rank_warning(min(len(a), len(b)), way.dimension)
        noted = about | ({"warning": warning} if warning else {})
        count = len(found)
        fid = metrics.frechet_distance(a, b)
        numbers.append(Number(subject=subject, measure=f"FID{way.suffix}", value=fid, count=count, protocol=noted))
        mean, deviation = metrics.kernel_distance(a, b, seed=seed)
        drawn = about | {"subsets": SUBSETS, "subset_size": size, "subset_seed": seed}
        whole = size == max(len(a), len(b))
        numbers.append(
            Number(
                subject=subject, measure=f"KID{way.suffix}", value=mean, count=count, protocol=drawn,
                spread=None if whole else deviation, spread_over="" if whole else "subsets",
            )
        )  # fmt: skip
    return numbers


def art_fid(subject: str, content: list[Number], sets: list[Number]) -> list[Number]:
    """ArtFID of the LPIPS and the FID among these numbers, if both are there. Its name says that the networks are those
    of ImageNet: the published ArtFID has an Inception of its own, trained on art, and AlexNet's LPIPS."""
    perceived = next((number for number in content if number.measure == "LPIPS"), None)
    distance = next((number for number in sets if number.measure == "FID"), None)
    if perceived is None or distance is None:
        return []
    value = metrics.art_fid(perceived.value, distance.value)
    protocol = {"LPIPS": dict(perceived.protocol), "FID": dict(distance.protocol)}
    return [Number(subject=subject, measure="ArtFID-imagenet", value=value, count=perceived.count, protocol=protocol)]


def _mean(subject: str, measure: str, values: list[float], protocol: Facts) -> Number:
    """Mean over the pairs; infinite if one pair is equal, which is then said."""
    equal = sum(math.isinf(value) for value in values)
    if equal:
        protocol = {**protocol, "warning": f"{equal} of {len(values)} pairs are equal, and their PSNR infinite"}
    spread = None
    if len(values) > 1 and not equal:
        spread = float(torch.tensor(values, dtype=torch.float64).std())
    return Number(
        subject=subject, measure=measure, value=sum(values) / len(values), count=len(values), protocol=protocol,
        spread=spread, spread_over="" if spread is None else "pairs",
    )  # fmt: skip


def _about(facts: Facts | None, **sets: PictureSet) -> dict[str, Any]:
    described = {name: pictures.about for name, pictures in sets.items()}
    return {"software": software(), "sets": described, **(facts or {})}
