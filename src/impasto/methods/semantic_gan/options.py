"""What the method `semantic-gan` can be asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from impasto.options import TranslationOptions


@dataclass(frozen=True, kw_only=True)
class SemanticGANOptions(TranslationOptions):
    """Everything that can be chosen is common to generators."""

    method: str = field(default="semantic-gan", init=False)
    title: ClassVar[str] = "semantic GAN"
    about: ClassVar[str] = "generators with self-attention, which keep what a picture shows"
    stylizer: ClassVar[str] = "impasto.methods.semantic_gan.network:Generator.translator"
    recipes: ClassVar[Sequence[str]] = (
        "semantic_gan",
        "semantic_gan_anchored",
        "semantic_gan_stable",
        "semantic_gan_100k",
        "semantic_gan_20k",
        "semantic_gan_slim",
    )
    weights_name: ClassVar[str] = "semantic-gan"
    looks_in: ClassVar[str] = "content"
    look_options: ClassVar[Sequence[str]] = ("size", "direction")
