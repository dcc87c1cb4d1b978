"""The recipe of the default method's decoder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from accelerate import Accelerator

from impasto.data.folders import hold_out, list_pictures
from impasto.data.memory import PicturesInMemory
from impasto.encoders import load_encoder
from impasto.engine.architecture import DecoderConfig
from impasto.errors import OptionError
from impasto.methods.adain.backend import load_decoder
from impasto.methods.adain.network import Decoder
from impasto.methods.adain.painting import PaintingObjective, PaintingSettings, PaintingTraining
from impasto.training.loop import Schedule
from impasto.training.schedules import OneCycle

# The two kinds of pictures that `impasto train --data content=FOLDER --data style=FOLDER` names.
DATA = ("content", "style")


@dataclass(frozen=True, kw_only=True)
class Config(PaintingSettings):
    """A whole recipe.

    encoder: whose features the decoder paints from. depths, hidden, gain, grounds: of `DecoderConfig`.
    sides: shorter sides that photographs and paintings are held at, in pixels. held_out: pictures of each kind that are
    never trained on, for previews and validation.
    """

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


def adain() -> Config:
    """Sized for some ten minutes of one H100; in this form it has not been run to its end (`assets/adain.md`)."""
    return Config(
        schedule=Schedule(steps=11_000, preview_every=2000, validate_every=1000, save_every=1000, keep=1),
        objective=PaintingObjective(),
        rates=OneCycle(peak=1.5e-3),
        stages=((0.0, 16, 256), (0.75, 6, 448)),
    )


def adain_more() -> Config:
    """Further steps for a decoder of the default method (`--start`), in batches for a CPU."""
    return replace(
        adain(),
        schedule=Schedule(steps=4000, preview_every=500, validate_every=500, save_every=200, keep=1),
        objective=PaintingObjective(filters=16, blocks=48),
        rates=OneCycle(peak=4e-4),
        stages=((0.0, 4, 192),),
        average_decay=0.995,
    )


def build(
    config: Config,
    accelerator: Accelerator,
    data: Mapping[str, Sequence[Path]],
    *,
    weights: Path | None = None,
    start: Path | None = None,
) -> PaintingTraining:
    """The run that `impasto train adain` makes.

    data: folders and shards of photographs ('content') and of paintings ('style'). weights: a local file for the
        encoder vgg19. start: a decoder's file, with whose weights the run begins. Raises DataError, OptionError,
        WeightsError.
    """
    encoder = load_encoder(config.encoder, weights=weights)
    decoder = DecoderConfig(
        widths=encoder.config.widths[:4],
        depths=config.depths,
        joined=True,
        hidden=config.hidden,
        gain=config.gain,
        grounds=config.grounds,
        detailed=True,
        upsampling="bilinear",
    )
    begun = _begun(start, decoder)
    training, held_out = [], []
    for kind, sides in zip(DATA, (config.content_sides, config.style_sides), strict=True):
        some, others = hold_out(list_pictures(data[kind], shards=True), config.held_out, config.seed)
        training.append(PicturesInMemory(some, sides, accelerator.device))
        held_out.append(PicturesInMemory(others, sides[-1:], accelerator.device))
    pictures = (training[0], training[1]), (held_out[0], held_out[1])
    return PaintingTraining(decoder, encoder, accelerator, *pictures, config, begun)


def _begun(start: Path | None, config: DecoderConfig) -> Decoder | None:
    """The decoder of the file `start`. Raises OptionError if it is not built alike."""
    if start is None:
        return None
    decoder, _ = load_decoder(start)
    if decoder.config != config:
        raise OptionError(f"--start is {start}, but the recipe has another network: {config}, not {decoder.config}")
    return decoder
