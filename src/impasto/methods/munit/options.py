"""What the method `munit` can be asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from impasto.options import TranslationOptions, option


@dataclass(frozen=True, kw_only=True)
class MUNITOptions(TranslationOptions):
    """With paintings, their styles in equal shares; without, one that is drawn as training drew them."""

    method: str = field(default="munit", init=False)
    title: ClassVar[str] = "MUNIT"
    about: ClassVar[str] = "MUNIT's generators, which paint in many styles, drawn or a painting's (Huang et al. 2018)"
    stylizer: ClassVar[str] = "impasto.methods.munit.network:Generator.translator"
    recipes: ClassVar[Sequence[str]] = ("munit", "munit_slim")
    weights_name: ClassVar[str] = "munit"
    takes_styles: ClassVar[bool] = True
    blends: ClassVar[bool] = True

    seed: int = option(0, "of the style that is drawn where no painting is given", minimum=0, maximum=2**63 - 1)
