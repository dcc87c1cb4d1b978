"""What the method `aggan` can be asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from impasto.options import TranslationOptions


@dataclass(frozen=True, kw_only=True)
class AgGANOptions(TranslationOptions):
    """Everything that can be chosen is common to generators."""

    method: str = field(default="aggan", init=False)
    title: ClassVar[str] = "AgGAN"
    about: ClassVar[str] = "attention says what is painted, and the rest of the photo stays (Mejjati et al. 2018)"
    stylizer: ClassVar[str] = "impasto.methods.aggan.network:Generator.translator"
    recipes: ClassVar[Sequence[str]] = ("aggan", "aggan_slim")
    weights_name: ClassVar[str] = "aggan"
    looks_in: ClassVar[str] = "content"
    look_options: ClassVar[Sequence[str]] = ("size", "direction")
