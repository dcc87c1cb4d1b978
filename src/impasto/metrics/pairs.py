"""What every measure of pairs of pictures asks of its arguments."""

from torch import Tensor

from impasto.errors import OptionError


def check_pair(a: Tensor, b: Tensor) -> None:
    """Raises OptionError unless both are (N, 3, H, W) floats of one shape, within [0, 1]."""
    for pictures in (a, b):
        if pictures.ndim != 4 or pictures.shape[1] != 3 or not pictures.is_floating_point():
            raise OptionError(
                f"pictures to compare are floats (N, 3, H, W), not {tuple(pictures.shape)} of {pictures.dtype}"
            )
        low, high = float(pictures.min()), float(pictures.max())
        # A measure with a fixed range is silently wrong for pictures in [-1, 1] or [0, 255].
        if not (low >= -1e-4 and high <= 1 + 1e-4):
            raise OptionError(f"pictures to compare are in [0, 1], not {low:g} to {high:g}")
    if a.shape != b.shape:
        raise OptionError(f"pictures to compare have one shape, not {tuple(a.shape)} and {tuple(b.shape)}")
