"""How long work tells how far it is, and how a caller stops it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One report.

    step, total: finished and expected steps of the whole job. loss: of the best picture so far at this scale.
    losses: {term: weighted value} of the picture of this very step, where a method has terms; best_losses: of the best
    one, which after the last step is the finished one.
    size: (height, width) that is being worked on. seconds_left: an estimate; None until there is one.
    preview: the best picture so far, (1, 3, h, w) in [0, 1]; a function because making it costs time.
    """

    step: int
    total: int
    loss: float | None = None
    losses: Mapping[str, float] = field(default_factory=dict)
    best_losses: Mapping[str, float] = field(default_factory=dict)
    size: tuple[int, int] | None = None
    seconds_left: float | None = None
    preview: "Callable[[], Tensor] | None" = field(default=None, repr=False)


# Called with each report. Raising errors.Cancelled stops the job; its best picture so far is kept.
ProgressCallback = Callable[[Progress], None]
