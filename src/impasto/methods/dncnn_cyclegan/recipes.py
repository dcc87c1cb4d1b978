"""Recipes of DnCNN-CycleGAN (paper 002, part II): its three experiments, its failure case, and a single style picture.

Of the two kinds of pictures, A is the paper's content and B its style, so that A2B is its gen2s and B2A its gen2c.
"""

from dataclasses import dataclass, replace

from impasto.methods.dncnn_cyclegan.network import Discriminator, Generator, GeneratorConfig
from impasto.training.cycle import CycleRecipe
from impasto.training.loop import Schedule
from impasto.training.optimisation import StepDecay
from impasto.training.unpaired import Networks


@dataclass(frozen=True, kw_only=True)
class DnCNNCycleGANRecipe(CycleRecipe):
    """Settings of a run."""

    generator: GeneratorConfig = GeneratorConfig()

    def networks(self) -> Networks:
        return Networks(generator=Generator(self.generator), discriminator=Discriminator())


def dncnn_cyclegan() -> DnCNNCycleGANRecipe:
    """exp_largeBS: 200 epochs over all style pictures, 16 at a time, at a constant rate (section 2.5)."""
    return DnCNNCycleGANRecipe(
        schedule=Schedule(steps=0, log_every=50, preview_every=1000, validate_every=1000, save_every=500),
        rates=StepDecay(rate=1e-3, epochs=200),
        batch=16,
        # L_cheat + L_cycle and L_identity + L_dis as they stand in section 2.3.3: no weights, no identity loss of the
        # generators, and no earlier pictures.
        cycle_weight=1.0,
        identity_weight=0.0,
        discriminator_weight=1.0,
        pool=0,
        # The paper crops and resizes to one size, which it does not name.
        crop=128,
        shorter=143,
        epoch="B",
    )


def dncnn_cyclegan_small_batch() -> DnCNNCycleGANRecipe:
    """exp_smallBS: two pictures at a time, at a constant rate."""
    return replace(dncnn_cyclegan(), batch=2)


def dncnn_cyclegan_decay() -> DnCNNCycleGANRecipe:
    """exp_largeBS_decay, the paper's best: from 2e-3, times 0.99 every second epoch."""
    return replace(dncnn_cyclegan(), rates=StepDecay(rate=2e-3, epochs=200, factor=0.99))


def dncnn_cyclegan_small_batch_decay() -> DnCNNCycleGANRecipe:
    """exp_smallBS_decay, the paper's failure case (section 2.6). It does not say from which rate; from that of the
    other experiment whose rate decays."""
    return replace(dncnn_cyclegan_decay(), batch=2)


def dncnn_cyclegan_single() -> DnCNNCycleGANRecipe:
    """One single style picture, B (section 2.1): crops of it are its kind of pictures."""
    # An epoch of one picture would be one step.
    return replace(dncnn_cyclegan_decay(), epoch="A")
