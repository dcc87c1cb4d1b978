"""Recipes of NLA-CycleGAN (paper 000): CycleGAN with a non-local block in both generators, learned with NAdam."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from accelerate import Accelerator

from impasto.blocks.patch_discriminator import PatchConfig, PatchDiscriminator
from impasto.methods.nla_cyclegan.network import Generator, GeneratorConfig
from impasto.recipes.unpaired import DATA, UnpairedConfig, settle, training
from impasto.training.cycle import CycleTraining
from impasto.training.loop import Schedule
from impasto.training.optimizers import NAdam
from impasto.training.schedules import LinearDecay
from impasto.training.unpaired import Networks

__all__ = ["DATA", "Config", "build", "nla_cyclegan", "nla_cyclegan_compose", "nla_cyclegan_slim", "settle"]


@dataclass(frozen=True, kw_only=True)
class Config(UnpairedConfig):
    """A whole recipe."""

    generator: GeneratorConfig = GeneratorConfig()
    discriminator: PatchConfig = PatchConfig()


def nla_cyclegan() -> Config:
    """As in paper 000, section 2.3: 150 epochs, whose rate falls after the first 100."""
    return Config(
        # Often enough that a kill costs minutes on a CPU as well, where a step of this size takes seconds.
        schedule=Schedule(steps=0, log_every=100, preview_every=5000, validate_every=5000, save_every=250),
        rates=LinearDecay(rate=2e-4, epochs=150, constant=100),
        # The paper gives NAdam and its rate alone. Betas of CycleGAN, because with PyTorch's 0.9 the momentum would
        # outlast the discriminator that it was gathered against; so Adam and NAdam differ in Nesterov's part only.
        optimizer=NAdam(),
    )


def nla_cyclegan_compose() -> Config:
    """The other reading of paper 000: what is painted is blended with the input (section 3.2 and conclusion)."""
    return replace(nla_cyclegan(), generator=GeneratorConfig(compose=True))


def nla_cyclegan_slim() -> Config:
    """A sixteenth of the work at a quarter of the pixels, made for two hours of two CPU cores in bf16."""
    return replace(
        nla_cyclegan(),
        schedule=Schedule(steps=20_000, log_every=50, preview_every=1000, validate_every=1000, save_every=250),
        average_decay=0.999,
        crop=128,
        shorter=143,
        generator=GeneratorConfig(width=16, upsampling="resize"),
        discriminator=PatchConfig(width=32),
    )


def build(config: Config, accelerator: Accelerator, data: Mapping[str, Sequence[Path]]) -> CycleTraining:
    """The run that `impasto train nla_cyclegan` makes. data: folders and shards of pictures, 'A' and 'B'."""

    def networks() -> Networks:
        return Networks(
            generator=Generator(config.generator), discriminator=PatchDiscriminator(config.discriminator)
        )  # fmt: skip

    return training("nla-cyclegan", networks, config, accelerator, data)
