"""Stand-ins for a method's stylizer."""

from typing import Any

from impasto.device import CPU
from impasto.engine.styles import Style
from impasto.errors import Cancelled
from impasto.progress import Progress


class FakeStylizer:
    """Of arrays; a test's own says how it paints."""

    method, device, weights, takes_arrays = "adain", CPU, None, True

    def encode(self, picture: Any, options: Any, *, name: str = "") -> Style:
        return Style({}, (picture.mean(), picture.mean()), "", name, picture=picture)

    def bytes_per_pixel(self, options: Any, *, regions: int = 0) -> float:
        return 1

    def weights_hashes(self, options: Any) -> dict[str, str]:
        return {}


class Darkener(FakeStylizer):
    """Halves the content, in steps if it is told to. batches: how many contents at once; encoded: names of styles."""

    def __init__(self, steps: int = 0) -> None:
        self.steps = steps
        self.batches: list[int] = []
        self.encoded: list[str] = []

    def __call__(self, content: Any, styles: Any, options: Any, *, progress: Any = None, **_: Any) -> Any:
        self.batches.append(len(content))
        try:
            for step in range(1, self.steps + 1):
                progress(Progress(step=step, total=self.steps, preview=lambda: content[:, :3]))
        except Cancelled as wish:
            raise Cancelled(best=content[:, :3]) from wish
        return content[:, :3] * options.strength / 2

    def encode(self, picture: Any, options: Any, *, name: str = "") -> Style:
        self.encoded.append(name)
        return super().encode(picture, options, name=name)
