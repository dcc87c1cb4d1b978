"""What the method `dncnn-cyclegan` can be asked for."""

from dataclasses import dataclass, field
from typing import ClassVar

from impasto.options import TranslationOptions


@dataclass(frozen=True, kw_only=True)
class DnCNNCycleGANOptions(TranslationOptions):
    """Everything that can be chosen is common to generators."""

    method: str = field(default="dncnn-cyclegan", init=False)
    about: ClassVar[str] = "CycleGAN with DnCNN generators"
    stylizer: ClassVar[str] = "impasto.methods.dncnn_cyclegan.stylizer:DnCNNCycleGAN"
    weights_name: ClassVar[str] = "dncnn-cyclegan"
