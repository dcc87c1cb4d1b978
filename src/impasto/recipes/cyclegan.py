"""Recipes of CycleGAN (Zhu et al. 2017), the baseline of paper 000."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from accelerate import Accelerator

from impasto.blocks.patch_discriminator import PatchConfig, PatchDiscriminator
from impasto.methods.cyclegan.network import Generator, GeneratorConfig
from impasto.recipes.unpaired import DATA, UnpairedConfig, settle, training
from impasto.training.cycle import CycleTraining
from impasto.training.loop import Schedule
from impasto.training.optimizers import Adam
from impasto.training.schedules import LinearDecay
from impasto.training.unpaired import Networks

__all__ = ["DATA", "Config", "build", "cyclegan", "cyclegan_slim", "settle"]


@dataclass(frozen=True, kw_only=True)
class Config(UnpairedConfig):
    """A whole recipe."""

    generator: GeneratorConfig = GeneratorConfig()
    discriminator: PatchConfig = PatchConfig()


def cyclegan() -> Config:
    """As published: 100 epochs at a constant rate, 100 more while it falls."""
    return Config(
        schedule=Schedule(steps=0, log_every=100, preview_every=5000, validate_every=5000, save_every=250),
        rates=LinearDecay(rate=2e-4, epochs=200, constant=100),
        optimizer=Adam(),
    )


def cyclegan_slim() -> Config:
    """A sixteenth of the work at a quarter of the pixels, made for two hours of two CPU cores in bf16."""
    return replace(
        cyclegan(),
        schedule=Schedule(steps=20_000, log_every=50, preview_every=1000, validate_every=1000, save_every=250),
        average_decay=0.999,
        crop=128,
        shorter=143,
        generator=GeneratorConfig(width=16, upsampling="resize"),
        discriminator=PatchConfig(width=32),
    )


def build(config: Config, accelerator: Accelerator, data: Mapping[str, Sequence[Path]]) -> CycleTraining:
    """The run that `impasto train cyclegan` makes. data: folders and shards of pictures of the kinds 'A' and 'B'."""

    def networks() -> Networks:
        return Networks(
            generator=Generator(config.generator), discriminator=PatchDiscriminator(config.discriminator)
        )  # fmt: skip

    return training("cyclegan", networks, config, accelerator, data)
