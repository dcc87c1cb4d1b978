"""Statistics of a film's frames that follow those of the frames before, so that its style does not flicker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from impasto.engine.statistics import Array

Seen = Mapping[str, tuple[Array, Array]]
"""Of a photo as a whole: the mean and the spread of its colours, or of its features by layer."""


@dataclass
class Following:
    """All that a painting takes of the whole of its photo, in the order of use; of a film, it follows slowly.

    before: what the last frame was painted with; empty where a shot begins. share: how much of a frame's own counts.
    used: what this frame is painted with.
    """

    before: Sequence[Seen] = ()
    share: float = 1.0
    used: list[Seen] = field(default_factory=list)

    def __call__(self, measured: Seen) -> Seen:
        if len(self.used) < len(self.before):
            last = self.before[len(self.used)]
            measured = {name: self._between(last[name], own) for name, own in measured.items()}
        self.used.append(measured)
        return measured

    def _between(self, last: tuple[Array, Array], own: tuple[Array, Array]) -> tuple[Array, Array]:
        share = np.float32(self.share)
        return last[0] + share * (own[0] - last[0]), last[1] + share * (own[1] - last[1])
