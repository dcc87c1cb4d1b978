"""Recipes of AdaIN decoders: the default method, and the paper's own with the settings that are known for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from accelerate import Accelerator

from impasto.data.folders import Crops, PictureStream, hold_out, list_pictures
from impasto.encoders import load_encoder
from impasto.errors import OptionError
from impasto.methods.adain.network import Decoder, DecoderConfig
from impasto.methods.adain.objective import PaperObjective, RelativeObjective
from impasto.methods.adain.stylizer import load_decoder
from impasto.methods.adain.training import AdaINTraining, Pairs, Settings
from impasto.training.loop import Schedule
from impasto.training.schedules import InverseDecay, OneCycle

# The two kinds of pictures that `impasto train --data content=FOLDER --data style=FOLDER` names.
DATA = ("content", "style")


@dataclass(frozen=True, kw_only=True)
class Config(Settings):
    """A whole recipe.

    crop, shorter: pixels of a training crop; range of the picture's shorter side that it is cut from.
    depths, joined, hidden, gain: of `DecoderConfig`; its widths are the encoder's.
    held_out: pictures of each kind that are never trained on, for previews and validation.
    """

    encoder: str = "lite"
    crop: int = 256
    shorter: tuple[int, int] = (512, 512)
    depths: tuple[int, int, int, int] = (2, 2, 4, 1)
    joined: bool = False
    hidden: int = 0
    gain: float = 0.0
    held_out: int = 8


def adain() -> Config:
    """The default method's decoder for `lite`, made for a few hours on two CPU cores."""
    return Config(
        schedule=Schedule(steps=10_000, preview_every=500, validate_every=500, save_every=250),
        objective=RelativeObjective(),
        rates=OneCycle(peak=2e-3),
        # Without it one batch at the peak of the rate once undid 3,400 steps.
        clip=1.0,
        crop=160,
        shorter=(192, 448),
        depths=(2, 2, 2, 2),
        joined=True,
        hidden=64,
        gain=4.0,
    )


def adain_more() -> Config:
    """1,500 more steps for a decoder of the default method (`--start`), with twice the style."""
    return replace(
        adain(),
        schedule=Schedule(steps=1500, preview_every=500, validate_every=500, save_every=250),
        objective=RelativeObjective(style_weight=8.0),
        rates=OneCycle(peak=1e-3),
    )


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
    start: Path | None = None,
) -> AdaINTraining:
    """The run that `impasto train adain` makes.

    data: folders and shards of photographs ('content') and of paintings ('style'). weights: a local file for the
        encoder vgg19. start: a decoder's file, with whose weights the run begins. Raises WeightsError, OptionError.
    """
    encoder = load_encoder(config.encoder, weights=weights)
    decoder = DecoderConfig(
        widths=encoder.config.widths[:4],
        depths=config.depths,
        joined=config.joined,
        hidden=config.hidden,
        gain=config.gain,
    )
    begun = _begun(start, decoder)
    training, held_out = {}, {}
    for number, kind in enumerate(DATA):
        some, others = hold_out(list_pictures(data[kind], shards=True), config.held_out, config.seed)
        # Seeds apart, so that the two orders have nothing to do with each other.
        seed = 2 * config.seed + number
        training[kind] = PictureStream(some, Crops(side=config.crop, shorter=config.shorter), seed)
        whole = Crops(side=256, shorter=(256, 256), flip=False)
        held_out[kind] = PictureStream(others, whole, seed)
    return AdaINTraining(decoder, encoder, accelerator, Pairs(**training), Pairs(**held_out), config, begun)


def _begun(start: Path | None, config: DecoderConfig) -> Decoder | None:
    """The decoder of the file `start`. Raises OptionError if it is not built alike; the gain may be another."""
    if start is None:
        return None
    decoder, _ = load_decoder(start)
    if replace(decoder.config, gain=config.gain) != config:
        raise OptionError(f"--start is {start}, but the recipe has another network: {config}, not {decoder.config}")
    return decoder
