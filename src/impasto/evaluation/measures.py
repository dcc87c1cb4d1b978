"""The measures of pairs and of sets with the protocol of each, and the networks that judge: which there are, where
their weights come from, what is missing."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from impasto import metrics, tensors
from impasto.device import choose_device
from impasto.encoders import load_encoder, points, weights_file
from impasto.encoders.inception import FEATURES, RESIZES, SIDE, Inception, load_inception, prepared
from impasto.encoders.network import Encoder
from impasto.encoders.perceptual import SMALLEST, PerceptualNetwork, load_perceptual
from impasto.errors import DataError, OptionError, WeightsError
from impasto.evaluation.numbers import Number, software
from impasto.evaluation.pictures import PictureSet, of_area, pixels
from impasto.metrics.pictures import SMALLEST_MS_SSIM, WINDOW
from impasto.metrics.sets import LARGEST_SUBSET, SUBSETS, rank_warning
from impasto.report.tables import columns_of
from impasto.report.variants import Report
from impasto.weights import WEIGHTS, location, sha256_of

CONTENT_LAYERS = ("relu4_1",)
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
LAYERS = {"content distance": CONTENT_LAYERS, "style distance": STYLE_LAYERS, "Gram distance": STYLE_LAYERS}

Facts = Mapping[str, Any]
NOTHING: Facts = {}

NETWORKS = ("inception", "lpips")
"""Those that need weights from elsewhere; `lite` is always there."""

BATCH = 16
"""Pictures that a network sees at a time."""


@dataclass(kw_only=True)
class Judges:
    """Loaded when they are first needed, and kept.

    networks: of NETWORKS, which ones to use. encoder: lite or vgg19, for distances of content and style. files: local
    ones of the weights inception, vgg16, lpips and vgg19; without one, the official file is downloaded at first use.
    download: told of (bytes, total). seed: of the subsets of KID. missing: what could not be had, one line each, after
    it was asked for.
    """

    networks: tuple[str, ...] = NETWORKS
    encoder: str = "lite"
    files: Mapping[str, Path | None] = field(default_factory=dict)
    device: str = "auto"
    download: Callable[[int, int], None] | None = None
    seed: int = 0
    missing: list[str] = field(default_factory=list)
    _points: dict[tuple[str, tuple[Path, ...]], Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.networks:
            if name not in NETWORKS:
                raise OptionError(f"networks is '{name}', but must be of {', '.join(NETWORKS)}")

    @cached_property
    def where(self) -> torch.device:
        return torch.device(str(choose_device(self.device)))

    @cached_property
    def lite(self) -> Encoder:
        return load_encoder("lite").to(self.where)

    @cached_property
    def features(self) -> Encoder:
        """The encoder for distances of content and style. Raises WeightsError: it was asked for by name."""
        if self.encoder == "lite":
            return self.lite
        return load_encoder(self.encoder, weights=self.files.get("vgg19"), progress=self.download).to(self.where)

    @torch.inference_mode()
    def seen(self, pictures: Sequence[Tensor], layers: Sequence[str]) -> list[dict[str, Tensor]]:
        """Of each picture {layer: features}, by that encoder."""
        return [self.features(picture.to(self.where), layers) for picture in pictures]

    @cached_property
    def encoder_about(self) -> dict[str, str]:
        return {"name": self.encoder, "sha256": sha256_of(weights_file(self.encoder, self.files.get("vgg19")))}

    @cached_property
    def inception(self) -> Inception | None:
        if "inception" not in self.networks:
            return None
        try:
            return load_inception(self.files.get("inception"), progress=self.download).to(self.where)
        except WeightsError as error:
            self.missing.append(f"no FID and KID of Inception: {error}")
            return None

    @cached_property
    def perceptual(self) -> PerceptualNetwork | None:
        if "lpips" not in self.networks:
            return None
        try:
            network = load_perceptual(self.files.get("vgg16"), self.files.get("lpips"), progress=self.download)
        except WeightsError as error:
            self.missing.append(f"no LPIPS: {error}")
            return None
        network.heads = {layer: head.to(self.where) for layer, head in network.heads.items()}
        return network.to(self.where)

    @cached_property
    def perceptual_about(self) -> dict[str, str]:
        return {name: self._sha256(name) for name in ("vgg16", "lpips")}

    def _sha256(self, name: str) -> str:
        return sha256_of(self.files.get(name) or location(WEIGHTS[name]))

    @torch.inference_mode()
    def lpips(self, a: Tensor, b: Tensor) -> Tensor | None:
        """(N,) of pictures of one size; None where the network is missing or the pictures are too small for it."""
        if self.perceptual is None or min(a.shape[-2:]) < SMALLEST:
            return None
        network = self.perceptual
        return metrics.lpips(network(a.to(self.where)), network(b.to(self.where)), network.heads).cpu()

    def of_sets(self, *sets: PictureSet) -> Iterator[tuple[str, dict[str, Any], list[Tensor]]]:
        """Every way in which sets are compared, Inception with both resizes, if it is there, and lite: what a measure's
        name ends with, '' for the standard one; what a protocol says of it; and the points (N, D) of each set."""
        if self.inception is not None:
            network = {"name": "Inception-v3 of 2015-12-05", "sha256": self._sha256("inception")}
            for resize in RESIZES:
                suffix, clamped = ("", ", clamped") if resize == "clean" else (f"-{resize}", "")
                about = {"resize": f"{resize} to {SIDE} x {SIDE}{clamped}", "network": network, "features": FEATURES}
                prepare = partial(prepared, resize=resize)
                yield suffix, about, [self._seen(pictures, suffix, prepare, self.inception) for pictures in sets]
        about = {
            "resize": f"bicubic, antialiased, to {points.SIDE} x {points.SIDE}",
            "network": {"name": f"lite, {points.LAYER}", "sha256": sha256_of(weights_file("lite"))},
            "features": self.lite.config.widths[-1],
        }
        prepare, see = partial(tensors.resize, height=points.SIDE, width=points.SIDE), partial(points.points, self.lite)
        yield "-lite", about, [self._seen(pictures, "-lite", prepare, see) for pictures in sets]

    @torch.inference_mode()
    def _seen(
        self, pictures: PictureSet, way: str, prepare: Callable[[Tensor], Tensor], see: Callable[[Tensor], Tensor]
    ) -> Tensor:
        """Points (N, D). A reference is compared with many sets, and looked at once.

        prepare: one picture to the size that the network sees.
        """
        key = way, pictures.paths
        if key not in self._points:
            seen = []
            for start in range(0, len(pictures), BATCH):
                batch = torch.cat([prepare(pixels(path)) for path in pictures.paths[start : start + BATCH]])
                seen.append(see(batch.to(self.where)).cpu())
            self._points[key] = torch.cat(seen)
        return self._points[key]


def likeness(
    subject: str,
    outputs: PictureSet,
    originals: PictureSet,
    judges: Judges,
    *,
    prefix: str = "",
    squeezed: bool = False,
    facts: Facts = NOTHING,
    report: Report = lambda *_: None,
) -> list[Number]:
    """PSNR, SSIM, MS-SSIM, LPIPS and the content distance of pairs, averaged over them.

    originals: one for every output, brought to its size. prefix: before each measure's name. squeezed: the outputs are
    brought to their originals' sizes instead, whatever their proportions. facts: for the protocol. Raises DataError for
    a pair whose proportions differ, unless they are squeezed.
    """
    rows = []
    for path, other in _pairs(subject, outputs, originals, report):
        picture, original = pixels(path), pixels(other)
        if squeezed:
            picture = tensors.resize(picture, *original.shape[-2:])
        elif not _have_same_proportions(picture, original):
            raise DataError(f"{path} and {other} have other proportions, and so no pixels to compare")
        rows.append(likeness_of_pair(picture, tensors.resize(original, *picture.shape[-2:]), judges))
    resized = {"outputs": "squeezed to the originals"} if squeezed else {"originals": "resized to the outputs, bicubic"}
    return _means(subject, rows, _about(facts, outputs=outputs, originals=originals) | resized, judges, prefix)


def likeness_of_pair(picture: Tensor, original: Tensor, judges: Judges) -> dict[str, float]:
    """{measure: value} of one picture and what it was made of, of one size."""
    side = min(picture.shape[-2:])
    values = {"PSNR": float(metrics.psnr(picture, original))}
    if side >= WINDOW:
        values["SSIM"] = float(metrics.ssim(picture, original))
    if side >= SMALLEST_MS_SSIM:
        values["MS-SSIM"] = float(metrics.ms_ssim(picture, original))
    perceived = judges.lpips(picture, original)
    if perceived is not None:
        values["LPIPS"] = float(perceived)
    seen = judges.seen((picture, original), CONTENT_LAYERS)
    values[f"content distance-{judges.encoder}"] = float(metrics.content_distance(*seen))
    return values


def style(
    subject: str,
    outputs: PictureSet,
    styles: PictureSet,
    judges: Judges,
    *,
    facts: Facts = NOTHING,
    report: Report = lambda *_: None,
) -> list[Number]:
    """Distances of style, Gram matrices and colours between outputs and their styles, averaged over pairs.

    styles: one for every output, brought to its area with the proportions that it has.
    """
    rows = []
    for path, other in _pairs(subject, outputs, styles, report):
        picture = pixels(path)
        rows.append(style_of_pair(picture, of_area(pixels(other), picture.shape[2] * picture.shape[3]), judges))
    about = _about(facts, outputs=outputs, styles=styles) | {"styles": "resized to the outputs' area, bicubic"}
    return _means(subject, rows, about, judges)


def style_of_pair(picture: Tensor, painting: Tensor, judges: Judges) -> dict[str, float]:
    """{measure: value} of one picture and one painting."""
    seen = judges.seen((picture, painting), STYLE_LAYERS)
    return {
        f"style distance-{judges.encoder}": float(metrics.style_distance(*seen)),
        f"Gram distance-{judges.encoder}": float(metrics.gram_distance(*seen)),
        "colour distance": float(metrics.colour_histogram_distance(picture, painting)),
    }


def distribution(
    subject: str, pictures: PictureSet, reference: PictureSet, judges: Judges, *, facts: Facts = NOTHING
) -> list[Number]:
    """FID and KID of two sets with every network that is there. Nothing for sets of fewer than two pictures."""
    smallest, largest = sorted((len(pictures), len(reference)))
    if smallest < 2:
        return []
    numbers = []
    size = min(LARGEST_SUBSET, smallest)
    for suffix, seen_by, (a, b) in judges.of_sets(pictures, reference):
        about = _about(facts, found=pictures, reference=reference) | seen_by
        warning = rank_warning(smallest, about["features"])
        fid = Number(
            subject=subject, measure=f"FID{suffix}", value=metrics.frechet_distance(a, b), count=len(pictures),
            protocol=about | ({"warning": warning} if warning else {}),
        )  # fmt: skip
        mean, deviation = metrics.kernel_distance(a, b, seed=judges.seed)
        is_whole = size == largest
        kid = Number(
            subject=subject, measure=f"KID{suffix}", value=mean, count=len(pictures),
            protocol=about | {"subsets": SUBSETS, "subset_size": size, "subset_seed": judges.seed},
            spread=None if is_whole else deviation, spread_over="" if is_whole else "subsets",
        )  # fmt: skip
        numbers += [fid, kid]
    return numbers


def real_floor(reference: PictureSet, others: PictureSet | None, judges: Judges) -> list[Number]:
    """Real against real pictures. Halves are small sets, whose FID is higher for that alone: their subject says it."""
    if others is not None:
        return distribution("floor: other real pictures", others, reference, judges)
    halves = PictureSet(reference.paths[::2]), PictureSet(reference.paths[1::2])
    return distribution("floor: halves of the reference", *halves, judges)


def art_fid(numbers: Sequence[Number], subject: str) -> list[Number]:
    """ArtFID of the subject's LPIPS and FID among these numbers, if both are there. Its name says that the networks are
    those of ImageNet: the published ArtFID has an Inception of its own, trained on art, and AlexNet's LPIPS."""
    found = {number.measure: number for number in numbers if number.subject == subject}
    if not {"LPIPS", "FID"} <= found.keys():
        return []
    perceived, distance = found["LPIPS"], found["FID"]
    value = metrics.art_fid(perceived.value, distance.value)
    protocol = {"LPIPS": dict(perceived.protocol), "FID": dict(distance.protocol)}
    return [Number(subject=subject, measure="ArtFID-imagenet", value=value, count=perceived.count, protocol=protocol)]


def _pairs(subject: str, outputs: PictureSet, others: PictureSet, report: Report) -> Iterator[tuple[Path, Path]]:
    for number, pair in enumerate(zip(outputs.paths, others.paths, strict=True), 1):
        yield pair
        report(number, len(outputs), subject)


def _have_same_proportions(a: Tensor, b: Tensor) -> bool:
    """Whether their sizes differ by no more than rounding explains."""
    (height, width), (rows, columns) = a.shape[-2:], b.shape[-2:]
    return abs(columns * height / rows - width) <= 1 or abs(rows * width / columns - height) <= 1


def _means(
    subject: str, rows: Sequence[Mapping[str, float]], about: Facts, judges: Judges, prefix: str = ""
) -> list[Number]:
    """Of every measure, over the pairs that have it; infinite if one pair is equal, which is then said."""
    numbers = []
    for name in columns_of(rows):
        values = [row[name] for row in rows if name in row]
        protocol = {**about, **_seen_by(name, judges)}
        equal = sum(math.isinf(value) for value in values)
        if equal:
            protocol["warning"] = f"{equal} of {len(values)} pairs are equal, and their PSNR infinite"
        spread = None
        if len(values) > 1 and not equal:
            spread = float(torch.tensor(values, dtype=torch.float64).std())
        numbers.append(
            Number(
                subject=subject, measure=f"{prefix}{name}", value=sum(values) / len(values), count=len(values),
                protocol=protocol, spread=spread, spread_over="" if spread is None else "pairs",
            )
        )  # fmt: skip
    return numbers


def _seen_by(measure: str, judges: Judges) -> dict[str, Any]:
    """What a protocol says of the network, for a measure that has one."""
    if measure == "LPIPS":
        return {"network": judges.perceptual_about}
    layers = LAYERS.get(measure.removesuffix(f"-{judges.encoder}"))
    return {} if layers is None else {"network": judges.encoder_about, "layers": layers}


def _about(facts: Facts, **sets: PictureSet) -> dict[str, Any]:
    return {"software": software(), "sets": {name: pictures.about for name, pictures in sets.items()}, **facts}
