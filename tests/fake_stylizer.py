"""What every stand-in for a method's stylizer says of itself."""

from typing import Any

from impasto.device import CPU
from impasto.engine.styles import Style


class FakeStylizer:
    """Of arrays; a test's own says how it paints."""

    method, device, weights, takes_arrays = "adain", CPU, None, True

    def encode(self, picture: Any, options: Any, *, name: str = "") -> Style:
        return Style({}, (picture.mean(), picture.mean()), "", name, picture=picture)

    def bytes_per_pixel(self, options: Any, *, regions: int = 0) -> float:
        return 1

    def weights_hashes(self, options: Any) -> dict[str, str]:
        return {}
