"""The variables that L-BFGS moves instead of pixels: the picture's spatial frequencies, in the painting's colours.

Moved pixel by pixel, a picture gets its fine detail first, because the losses bend most there: ripples in flat areas
and fringes of every hue along edges fool the filters before any stroke is laid. Natural pictures have amplitudes that
fall as their frequency rises, and paintings have few colours. Scaling every frequency by the inverse of its distance
from zero, and colours by the root of their covariance in the painting, makes steps of the same length as likely
everywhere: masses come first and in the painting's colours, and detail where it is worth its price.
"""

import torch
from torch import Tensor

# Frequencies below this many cycles per pixel are treated alike; the mean colour would be scaled without bound.
FLAT_BELOW = 1 / 64


class Canvas:
    """picture = start + scaling(change), with `change` what is optimised: (1, 3, H, W), zero at first."""

    def __init__(self, start: Tensor, *, even: bool = True, colours: Tensor | None = None) -> None:
        """even: scale frequencies and colours; otherwise `change` is in pixels, for optimisers that scale every value.

        colours: (3, 3), from `colour.colour_scale`; None leaves them as they are.
        """
        # L-BFGS flattens the gradient without copying, which only contiguous memory allows.
        self.start = start.detach().clone(memory_format=torch.contiguous_format)
        self.change = torch.zeros_like(self.start).requires_grad_()
        self._scale = _frequency_scale(start.shape[-2], start.shape[-1]).to(start.device) if even else None
        self._colours = None if colours is None else colours.to(start)

    def picture(self) -> Tensor:
        """(1, 3, H, W), differentiable with respect to `change`; may leave [0, 1]."""
        if self._scale is None:
            return self.start + self.change
        spectrum = torch.fft.rfft2(self.change) * self._scale
        change: Tensor = torch.fft.irfft2(spectrum, s=self.change.shape[-2:])
        if self._colours is not None:
            change = (self._colours @ change.flatten(2)).view_as(change)
        return self.start + change

    @torch.no_grad()
    def restart(self, start: Tensor) -> None:
        """Begin again from another picture of the same size."""
        self.start.copy_(start)
        self.change.zero_()

    @torch.no_grad()
    def clamp(self) -> None:
        """Bring the picture into [0, 1]; only where `change` is in pixels."""
        self.change.copy_((self.start + self.change).clamp(0, 1) - self.start)


def _frequency_scale(height: int, width: int) -> Tensor:
    """(H, W // 2 + 1) factors with a mean square of 1, so that steps keep the size that they have in pixels."""
    down = torch.fft.fftfreq(height)[:, None]
    across = torch.fft.rfftfreq(width)[None, :]
    scale: Tensor = (down.square() + across.square()).sqrt().add(FLAT_BELOW).reciprocal()
    return scale / scale.square().mean().sqrt()
