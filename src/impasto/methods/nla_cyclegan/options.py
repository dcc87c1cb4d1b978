"""What the method `nla-cyclegan` can be asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from impasto.options import TranslationOptions


@dataclass(frozen=True, kw_only=True)
class NLACycleGANOptions(TranslationOptions):
    """Everything that can be chosen is common to generators."""

    method: str = field(default="nla-cyclegan", init=False)
    title: ClassVar[str] = "NLA-CycleGAN"
    about: ClassVar[str] = "CycleGAN with a non-local block"
    stylizer: ClassVar[str] = "impasto.methods.nla_cyclegan.network:Generator.translator"
    recipes: ClassVar[Sequence[str]] = (
        "nla_cyclegan",
        "nla_cyclegan_compose",
        "nla_cyclegan_slim",
        "nla_cyclegan_more",
    )
    weights_name: ClassVar[str] = "nla-cyclegan"
    looks_in: ClassVar[str] = "content"
    look_options: ClassVar[Sequence[str]] = ("size", "direction")
    shipped: ClassVar[Sequence[str]] = ("monet",)
