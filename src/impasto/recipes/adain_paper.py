"""Recipes of paper 004's AdaIN decoders, with the settings that are known for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from accelerate import Accelerator

from impasto.data.folders import Crops, PictureStream, hold_out, list_pictures
from impasto.encoders import load_encoder
from impasto.engine.architecture import DecoderConfig
from impasto.methods.adain.training import AdaINTraining, Pairs, PaperObjective, Settings
from impasto.training.loop import Schedule
from impasto.training.schedules import InverseDecay, OneCycle

# The two kinds of pictures that `impasto train --data content=FOLDER --data style=FOLDER` names.
DATA = ("content", "style")


@dataclass(frozen=True, kw_only=True)
class Config(Settings):
    """A whole recipe.

    crop, shorter: pixels of a training crop; range of the picture's shorter side that it is cut from.
    held_out: pictures of each kind that are never trained on, for previews and validation.
    """

    encoder: str = "lite"
    crop: int = 256
    shorter: tuple[int, int] = (512, 512)
    held_out: int = 8


def adain_paper() -> Config:
    """Paper 004's method: relu4_1 alone, L_c + 10 L_s with Euclidean norms."""
    return _published(PaperObjective())


def adain_paper_short() -> Config:
    """Paper 004's method within an hour of two CPU cores: one cycle of a higher rate, smaller crops."""
    return replace(
        adain_paper(),
        schedule=Schedule(steps=3000, preview_every=500, validate_every=500, save_every=250),
        rates=OneCycle(peak=1e-3),
        crop=128,
        shorter=(192, 448),
    )


def adain_mean_squared() -> Config:
    """The operating point of pytorch-AdaIN: mean squares, lambda = 10 in every layer."""
    return _published(PaperObjective(convention="mean-squared", style_weight=10.0))


def adain_content() -> Config:
    """The authors' operating point that keeps more content: squares summed over channels, lambda = 0.01."""
    return _published(PaperObjective(convention="channel-sum", style_weight=0.01))


def adain_style() -> Config:
    """The authors' operating point with more style: squares summed over channels, lambda = 0.1."""
    return _published(PaperObjective(convention="channel-sum", style_weight=0.1))


def _published(objective: PaperObjective) -> Config:
    return Config(
        schedule=Schedule(steps=160_000, preview_every=20_000, validate_every=5000, save_every=1000),
        objective=objective,
        rates=InverseDecay(rate=1e-4, decay=5e-5),
    )


def build(
    config: Config,
    accelerator: Accelerator,
    data: Mapping[str, Sequence[Path]],
    *,
    weights: Path | None = None,
) -> AdaINTraining:
    """The run that `impasto train adain_paper` makes.

    data: folders and shards of photographs ('content') and of paintings ('style'). weights: a local file for the
        encoder vgg19. Raises DataError, WeightsError, OptionError.
    """
    encoder = load_encoder(config.encoder, weights=weights)
    decoder = DecoderConfig(widths=encoder.config.widths[:4])
    training, held_out = {}, {}
    for number, kind in enumerate(DATA):
        some, others = hold_out(list_pictures(data[kind], shards=True), config.held_out, config.seed)
        # Seeds apart, so that the two orders have nothing to do with each other.
        seed = 2 * config.seed + number
        training[kind] = PictureStream(some, Crops(side=config.crop, shorter=config.shorter), seed)
        whole = Crops(side=256, shorter=(256, 256), flip=False)
        held_out[kind] = PictureStream(others, whole, seed)
    return AdaINTraining(decoder, encoder, accelerator, Pairs(**training), Pairs(**held_out), config)
