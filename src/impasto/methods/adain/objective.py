"""What a decoder is asked for while it learns: the paper's loss, or that of the default method."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from impasto.losses.feature_statistics import (
    Convention,
    Statistics,
    adain_content_loss,
    adain_style_loss,
    mean_std,
    normalised_content_loss,
    relative_statistics_loss,
)

Features = Mapping[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class PaperObjective:
    """Paper 004, L = L_c + lambda L_s: features at relu4_1 against t, statistics at four layers."""

    style_weight: float = 10.0
    convention: Convention = "norm"
    content_layers: tuple[str, ...] = ("relu4_1",)
    style_layers: tuple[str, ...] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
    identity_weight: float = 0.0

    def losses(
        self, given: Features, found: Features, content: Features, style: Mapping[str, Statistics]
    ) -> dict[str, Tensor]:
        """Weighted scalars. given: t, what the decoder was given; found: features of its picture; content: of the
        photograph, which this loss does not look at; style: statistics of the painting."""
        close = [adain_content_loss(found[layer], given[layer], self.convention) for layer in self.content_layers]
        alike = [adain_style_loss(mean_std(found[layer]), style[layer], self.convention) for layer in self.style_layers]
        return {"content": torch.stack(close).sum(), "style": self.style_weight * torch.stack(alike).sum()}


@dataclass(frozen=True, kw_only=True)
class RelativeObjective:
    """The default method's: content without its statistics, statistics relative to the painting's own.

    identity_weight: of the squared pixel error when a picture is given its own statistics, on half of the batch. It
        keeps colours and detail, and makes strength 0 mean the photograph.
    """

    style_weight: float = 4.0
    content_layers: tuple[str, ...] = ("relu3_1", "relu4_2")
    style_layers: tuple[str, ...] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
    identity_weight: float = 20.0

    def losses(
        self, given: Features, found: Features, content: Features, style: Mapping[str, Statistics]
    ) -> dict[str, Tensor]:
        """As in `PaperObjective`; the content's features count, and what the decoder was given does not."""
        close = [normalised_content_loss(found[layer], content[layer]) for layer in self.content_layers]
        alike = [relative_statistics_loss(mean_std(found[layer]), style[layer]) for layer in self.style_layers]
        return {"content": torch.stack(close).sum(), "style": self.style_weight * torch.stack(alike).sum()}
