"""Recipes of the default method's decoder, and of paper 004's own, with the settings that are known for it."""

from dataclasses import replace

from impasto.methods.adain.painting import AdaINRecipe, PaintingObjective
from impasto.methods.adain.training import PaperObjective, PaperRecipe
from impasto.training.loop import Schedule
from impasto.training.optimisation import InverseDecay, OneCycle


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
