"""Recipes of the default method's decoder, and of paper 004's own, with the settings that are known for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from accelerate import Accelerator

from impasto.data.folders import Crops, PictureStream, hold_out, list_pictures
from impasto.data.memory import PicturesInMemory
from impasto.encoders import load_encoder
from impasto.engine.architecture import DecoderConfig
from impasto.errors import OptionError
from impasto.methods.adain.backend import load_decoder
from impasto.methods.adain.network import Decoder
from impasto.methods.adain.painting import PaintingObjective, PaintingSettings, PaintingTraining
from impasto.methods.adain.training import AdaINTraining, Pairs, PaperObjective, PaperSettings
from impasto.training.loop import Schedule
from impasto.training.optimisation import InverseDecay, OneCycle

KINDS = ("content", "style")


@dataclass(frozen=True, kw_only=True)
class AdaINRecipe(PaintingSettings):
    """Settings of a run of the default method.

    encoder: whose features the decoder paints from. depths, hidden, gain, grounds: of `DecoderConfig`.
    sides: shorter sides that photographs and paintings are held at, in pixels. held_out: pictures of each kind that are
    never trained on, for previews and validation.
    """

    kinds = KINDS

    encoder: str = "lite"
    depths: tuple[int, int, int, int] = (2, 2, 2, 4)
    hidden: int = 128
    gain: float = 4.0
    grounds: tuple[int, ...] = (4, 3, 2)
    content_sides: tuple[int, ...] = (224, 272, 336, 448)
    style_sides: tuple[int, ...] = (320, 416, 512, 640)
    held_out: int = 8

    @property
    def crop(self) -> int:
        """Pixels of the largest crops; smaller pictures are enlarged for them, or do without."""
        return max(side for _, _, side in self.stages)

    def build(
        self,
        accelerator: Accelerator,
        data: Mapping[str, Sequence[Path]],
        *,
        weights: Path | None = None,
        start: Path | None = None,
    ) -> PaintingTraining:
        """weights: a local file for the encoder vgg19. start: a decoder's file, with whose weights the run begins.

        Raises DataError, OptionError, WeightsError.
        """
        encoder = load_encoder(self.encoder, weights=weights)
        decoder = DecoderConfig(
            widths=encoder.config.widths[:4],
            depths=self.depths,
            joined=True,
            hidden=self.hidden,
            gain=self.gain,
            grounds=self.grounds,
            detailed=True,
            upsampling="bilinear",
        )
        begun = _begun(start, decoder)
        training, held_out = [], []
        for kind, sides in zip(KINDS, (self.content_sides, self.style_sides), strict=True):
            learned_from, kept_back = hold_out(list_pictures(data[kind], shards=True), self.held_out, self.seed)
            training.append(PicturesInMemory(learned_from, sides, accelerator.device))
            held_out.append(PicturesInMemory(kept_back, sides[-1:], accelerator.device))
        pictures = (training[0], training[1]), (held_out[0], held_out[1])
        return PaintingTraining(decoder, encoder, accelerator, *pictures, self, begun)


def _begun(start: Path | None, config: DecoderConfig) -> Decoder | None:
    """The decoder of the file `start`. Raises OptionError if it is not built alike."""
    if start is None:
        return None
    decoder, _ = load_decoder(start)
    if decoder.config != config:
        raise OptionError(f"--start is {start}, but the recipe has another network: {config}, not {decoder.config}")
    return decoder


def adain() -> AdaINRecipe:
    """Sized for some ten minutes of one H100; in this form it has not been run to its end (`assets/adain.md`)."""
    return AdaINRecipe(
        schedule=Schedule(steps=11_000, preview_every=2000, validate_every=1000, save_every=1000, keep=1),
        objective=PaintingObjective(),
        rates=OneCycle(peak=1.5e-3),
        stages=((0.0, 16, 256), (0.75, 6, 448)),
    )


def adain_more() -> AdaINRecipe:
    """Further steps for a decoder of the default method (`--start`), in batches for a CPU."""
    return replace(
        adain(),
        schedule=Schedule(steps=4000, preview_every=500, validate_every=500, save_every=200, keep=1),
        objective=PaintingObjective(filters=16, blocks=48),
        rates=OneCycle(peak=4e-4),
        stages=((0.0, 4, 192),),
        average_decay=0.995,
    )


@dataclass(frozen=True, kw_only=True)
class PaperRecipe(PaperSettings):
    """Settings of a run of paper 004's method.

    crop, shorter: pixels of a training crop; range of the picture's shorter side that it is cut from.
    held_out: pictures of each kind that are never trained on, for previews and validation.
    """

    kinds = KINDS

    encoder: str = "lite"
    crop: int = 256
    shorter: tuple[int, int] = (512, 512)
    held_out: int = 8

    def build(
        self, accelerator: Accelerator, data: Mapping[str, Sequence[Path]], *, weights: Path | None = None
    ) -> AdaINTraining:
        """weights: a local file for the encoder vgg19. Raises DataError, WeightsError, OptionError."""
        encoder = load_encoder(self.encoder, weights=weights)
        decoder = DecoderConfig(widths=encoder.config.widths[:4])
        training, held_out = {}, {}
        for number, kind in enumerate(KINDS):
            learned_from, kept_back = hold_out(list_pictures(data[kind], shards=True), self.held_out, self.seed)
            # Seeds apart, so that the two orders have nothing to do with each other.
            seed = 2 * self.seed + number
            training[kind] = PictureStream(learned_from, Crops(side=self.crop, shorter=self.shorter), seed)
            held_out[kind] = PictureStream(kept_back, Crops(side=256, shorter=(256, 256), flip=False), seed)
        return AdaINTraining(decoder, encoder, accelerator, Pairs(**training), Pairs(**held_out), self)


def adain_paper() -> PaperRecipe:
    """Paper 004's method: relu4_1 alone, L_c + 10 L_s with Euclidean norms."""
    return PaperRecipe(
        schedule=Schedule(steps=160_000, preview_every=20_000, validate_every=5000, save_every=1000),
        objective=PaperObjective(),
        rates=InverseDecay(rate=1e-4, decay=5e-5),
    )


def adain_paper_short() -> PaperRecipe:
    """Paper 004's method within an hour of two CPU cores: one cycle of a higher rate, smaller crops."""
    return replace(
        adain_paper(),
        schedule=Schedule(steps=3000, preview_every=500, validate_every=500, save_every=250),
        rates=OneCycle(peak=1e-3),
        crop=128,
        shorter=(192, 448),
    )


def adain_mean_squared() -> PaperRecipe:
    """The operating point of pytorch-AdaIN: mean squares, lambda = 10 in every layer."""
    return replace(adain_paper(), objective=PaperObjective(convention="mean-squared", style_weight=10.0))


def adain_content() -> PaperRecipe:
    """The authors' operating point that keeps more content: squares summed over channels, lambda = 0.01."""
    return replace(adain_paper(), objective=PaperObjective(convention="channel-sum", style_weight=0.01))


def adain_style() -> PaperRecipe:
    """The authors' operating point with more style: squares summed over channels, lambda = 0.1."""
    return replace(adain_paper(), objective=PaperObjective(convention="channel-sum", style_weight=0.1))
