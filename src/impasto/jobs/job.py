"""What is to be painted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from impasto.jobs.sources import Mask, PictureSource
from impasto.jobs.targets import PaintingTarget
from impasto.options import StylizeOptions


@dataclass(frozen=True)
class PaintJob:
    """One painting. target: None if it stays in memory. facts: what its record says besides how it was painted."""

    content: PictureSource
    styles: tuple[PictureSource, ...]
    options: StylizeOptions
    masks: tuple[Mask, ...] = ()
    target: PaintingTarget | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """'photo.jpg in swirls + ink'."""
        styles = " + ".join(style.name for style in self.styles)
        return f"{self.content.name} in {styles}" if styles else self.content.name
