"""The networks that judge pictures: which ones there are, where their weights come from, what is missing."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from impasto import tensors
from impasto.device import choose_device
from impasto.encoders import load_encoder, points, weights_file
from impasto.encoders.inception import FEATURES, RESIZES, SIDE, Inception, load_inception, prepared
from impasto.encoders.network import Encoder
from impasto.encoders.perceptual import SMALLEST, PerceptualNetwork, load_perceptual
from impasto.errors import OptionError, WeightsError
from impasto.evaluation.picture_set import PictureSet
from impasto.metrics import lpips
from impasto.weights import WEIGHTS, location, sha256_of

NETWORKS = ("inception", "lpips")
"""Those that need weights from elsewhere; `lite` is always there."""

CONTENT_LAYERS = ("relu4_1",)
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")


@dataclass(frozen=True, kw_only=True)
class JudgeFiles:
    """Local files of weights; None for the official ones, which are downloaded at first use."""

    inception: Path | None = None
    vgg16: Path | None = None
    lpips_heads: Path | None = None
    weights: Path | None = None


@dataclass(frozen=True, kw_only=True)
class SetFeatures:
    """How the pictures of a set become points: suffix: what a measure's name ends with; '' for the standard one."""

    suffix: str
    resize: str
    network: Mapping[str, str]
    dimension: int
    of: Callable[[PictureSet], Tensor]


@dataclass(kw_only=True)
class Judges:
    """Loaded when they are first needed, and kept.

    networks: of NETWORKS, which ones to use. encoder: lite or vgg19, for distances of content and style. download: told
    of (bytes, total). missing: what could not be had, one line each, after it was asked for.
    """

    networks: tuple[str, ...] = NETWORKS
    encoder: str = "lite"
    files: JudgeFiles = JudgeFiles()
    device: str = "auto"
    download: Callable[[int, int], None] | None = None
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
        return load_encoder(self.encoder, weights=self.files.weights, progress=self.download).to(self.where)

    @property
    def encoder_about(self) -> dict[str, str]:
        return {"name": self.encoder, "sha256": sha256_of(weights_file(self.encoder, self.files.weights))}

    @cached_property
    def inception(self) -> Inception | None:
        if "inception" not in self.networks:
            return None
        try:
            return load_inception(self.files.inception, progress=self.download).to(self.where)
        except WeightsError as error:
            self.missing.append(f"no FID and KID of Inception: {error}")
            return None

    @cached_property
    def perceptual(self) -> PerceptualNetwork | None:
        if "lpips" not in self.networks:
            return None
        try:
            found = load_perceptual(self.files.vgg16, self.files.lpips_heads, progress=self.download)
        except WeightsError as error:
            self.missing.append(f"no LPIPS: {error}")
            return None
        found.heads = {layer: head.to(self.where) for layer, head in found.heads.items()}
        return found.to(self.where)

    @cached_property
    def perceptual_about(self) -> dict[str, str]:
        files = {"vgg16": self.files.vgg16, "lpips": self.files.lpips_heads}
        return {name: sha256_of(path or location(WEIGHTS[name])) for name, path in files.items()}

    @torch.inference_mode()
    def lpips(self, a: Tensor, b: Tensor) -> Tensor | None:
        """(N,) of pictures of one size; None where the network is missing or the pictures are too small for it."""
        if self.perceptual is None or min(a.shape[-2:]) < SMALLEST:
            return None
        network = self.perceptual
        return lpips(network(a.to(self.where)), network(b.to(self.where)), network.heads).cpu()

    def of_sets(self) -> Iterator[SetFeatures]:
        """Every way in which sets are compared: Inception with both resizes, if it is there, and lite."""
        if self.inception is not None:
            about = {
                "name": "Inception-v3 of 2015-12-05",
                "sha256": sha256_of(self.files.inception or location(WEIGHTS["inception"])),
            }
            for resize in RESIZES:
                suffix = "" if resize == "clean" else f"-{resize}"
                what = f"{resize} to {SIDE} x {SIDE}" + (", clamped" if resize == "clean" else "")
                yield SetFeatures(
                    suffix=suffix,
                    resize=what,
                    network=about,
                    dimension=FEATURES,
                    of=self._cached(suffix, self._seen(resize)),
                )
        about = {"name": f"lite, {points.LAYER}", "sha256": sha256_of(weights_file("lite"))}
        dimension = self.lite.config.widths[-1]
        what = f"bicubic, antialiased, to {points.SIDE} x {points.SIDE}"
        yield SetFeatures(
            suffix="-lite",
            resize=what,
            network=about,
            dimension=dimension,
            of=self._cached("-lite", self._seen_by_lite),
        )

    def _seen(self, resize: str) -> Callable[[PictureSet], Tensor]:
        network = self.inception
        assert network is not None

        @torch.inference_mode()
        def points(pictures: PictureSet) -> Tensor:
            batches = pictures.batches(lambda picture: prepared(picture, resize))
            return torch.cat([network(batch.to(self.where)).cpu() for batch in batches])

        return points

    def _seen_by_lite(self, pictures: PictureSet) -> Tensor:
        batches = pictures.batches(lambda picture: tensors.resize(picture, points.SIDE, points.SIDE))
        return torch.cat([points.points(self.lite, batch.to(self.where)) for batch in batches])

    def _cached(self, kind: str, points: Callable[[PictureSet], Tensor]) -> Callable[[PictureSet], Tensor]:
        """A reference is compared with many sets, and looked at once."""

        def of(pictures: PictureSet) -> Tensor:
            key = kind, pictures.paths
            if key not in self._points:
                self._points[key] = points(pictures)
            return self._points[key]

        return of
