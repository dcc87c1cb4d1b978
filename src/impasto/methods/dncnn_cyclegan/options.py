"""What the method `dncnn-cyclegan` can be asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from impasto.options import TranslationOptions


@dataclass(frozen=True, kw_only=True)
class DnCNNCycleGANOptions(TranslationOptions):
    """Everything that can be chosen is common to generators."""

    method: str = field(default="dncnn-cyclegan", init=False)
    title: ClassVar[str] = "DnCNN-CycleGAN"
    about: ClassVar[str] = "CycleGAN with DnCNN generators"
    stylizer: ClassVar[str] = "impasto.methods.dncnn_cyclegan.network:Generator.translator"
    recipes: ClassVar[Sequence[str]] = (
        "dncnn_cyclegan_small_batch",
        "dncnn_cyclegan",
        "dncnn_cyclegan_decay",
        "dncnn_cyclegan_small_batch_decay",
        "dncnn_cyclegan_single",
    )
    recipe_aliases: ClassVar[Mapping[str, str]] = {
        "exp_smallBS": "dncnn_cyclegan_small_batch",
        "exp_largeBS": "dncnn_cyclegan",
        "exp_largeBS_decay": "dncnn_cyclegan_decay",
        "exp_smallBS_decay": "dncnn_cyclegan_small_batch_decay",
    }
    weights_name: ClassVar[str] = "dncnn-cyclegan"
