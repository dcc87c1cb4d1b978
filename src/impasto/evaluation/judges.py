"""The networks that judge pictures: which ones there are, where their weights come from, what is missing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from impasto import tensors
from impasto.device import choose_device
from impasto.encoders import load_encoder, points, weights_file
from impasto.encoders.inception import FEATURES, RESIZES, SIDE, Inception, load_inception, prepared
from impasto.encoders.network import Encoder
from impasto.encoders.perceptual import SMALLEST, PerceptualNetwork, load_perceptual
from impasto.errors import OptionError, WeightsError
from impasto.evaluation.pictures import PictureSet, pixels
from impasto.metrics import lpips
from impasto.weights import WEIGHTS, location, sha256_of

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
        return lpips(network(a.to(self.where)), network(b.to(self.where)), network.heads).cpu()

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
