"""The recipes of unpaired translation in miniature: networks that learn in milliseconds."""

from dataclasses import replace
from typing import Any

from impasto.blocks.patch_discriminator import PatchConfig
from impasto.methods.aggan import recipes as aggan
from impasto.methods.aggan.network import GeneratorConfig as AgGANConfig
from impasto.methods.cyclegan import recipes as cyclegan
from impasto.methods.cyclegan.network import GeneratorConfig
from impasto.methods.dncnn_cyclegan import recipes as dncnn_cyclegan
from impasto.methods.dncnn_cyclegan.network import GeneratorConfig as DnCNNConfig
from impasto.methods.munit import recipes as munit
from impasto.methods.munit.network import DiscriminatorConfig
from impasto.methods.munit.network import GeneratorConfig as MUNITConfig
from impasto.methods.nla_cyclegan import recipes as nla_cyclegan
from impasto.methods.nla_cyclegan.network import GeneratorConfig as NLAConfig
from impasto.methods.semantic_gan import recipes as semantic_gan
from impasto.methods.semantic_gan.network import GeneratorConfig as SemanticConfig
from impasto.training.loop import Schedule
from impasto.training.optimisation import LinearDecay, StepDecay

# Pools and averages that already matter within four steps.
SMALL: dict[str, Any] = {
    "schedule": Schedule(steps=4, log_every=1, preview_every=2, validate_every=4, save_every=2),
    "batch": 2, "crop": 32, "shorter": 36, "held_out": 1, "pool": 3, "average_decay": 0.5,
}  # fmt: skip
JUDGE = {"discriminator": PatchConfig(width=2)}
TINY: dict[str, Any] = {
    "cyclegan": replace(cyclegan.cyclegan(), **SMALL, **JUDGE, generator=GeneratorConfig(width=2, blocks=1)),
    "nla-cyclegan": replace(
        nla_cyclegan.nla_cyclegan(), **SMALL, **JUDGE, generator=NLAConfig(width=2, blocks=2, position=1)
    ),
    "dncnn-cyclegan": replace(
        dncnn_cyclegan.dncnn_cyclegan_small_batch_decay(), **SMALL | {"crop": 8, "pool": 0, "average_decay": 0.0},
        generator=DnCNNConfig(depth=1, width=2),
    ),
    "munit": replace(
        munit.munit(), **SMALL | {"crop": 64, "shorter": 70, "pool": 0, "average_decay": 0.0},
        rates=StepDecay(rate=1e-3, epochs=1), generator=MUNITConfig(width=2, blocks=1, style_size=3, mlp_width=4),
        discriminator=DiscriminatorConfig(width=2),
    ),
    "aggan": replace(
        aggan.aggan(), **SMALL, **JUDGE, rates=LinearDecay(rate=1e-3, epochs=4, constant=4), foreground_from=2,
        threshold=0.5, generator=AgGANConfig(width=2, blocks=1, attention_width=2),
    ),
    "semantic-gan": replace(
        semantic_gan.semantic_gan_anchored(), **SMALL, **JUDGE, cycle_weight=1.0, spectral_norm=True,
        generator=SemanticConfig(width=2, blocks=1),
    ),
}  # fmt: skip
"""{method: its recipe}."""
