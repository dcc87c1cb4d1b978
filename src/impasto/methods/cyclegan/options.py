"""What the method `cyclegan` can be asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from impasto.options import TranslationOptions


@dataclass(frozen=True, kw_only=True)
class CycleGANOptions(TranslationOptions):
    """Everything that can be chosen is common to generators."""

    method: str = field(default="cyclegan", init=False)
    title: ClassVar[str] = "CycleGAN"
    about: ClassVar[str] = "CycleGAN's generators (Zhu et al. 2017)"
    stylizer: ClassVar[str] = "impasto.methods.cyclegan.network:Generator.translator"
    recipes: ClassVar[Sequence[str]] = ("cyclegan", "cyclegan_slim")
    weights_name: ClassVar[str] = "cyclegan"
