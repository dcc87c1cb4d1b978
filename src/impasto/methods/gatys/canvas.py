"""The variables that L-BFGS moves instead of pixels: the picture's spatial frequencies, in the painting's colours.

Moved pixel by pixel, a picture gets its fine detail first, because the losses bend most there: ripples in flat areas
and fringes of every hue along edges fool the filters before any stroke is laid. Natural pictures have amplitudes that
fall as their frequency rises, and paintings have few colours. Scaling every frequency by the inverse of its distance
from zero, and colours by the root of their covariance in the painting, makes steps of the same length as likely
everywhere: masses come first and in the painting's colours, and detail where it is worth its price.
"""

import torch
from torch import Tensor

from impasto.methods.gatys.lbfgs import IN_MEMORY, Storage

# Frequencies below this many cycles per pixel are treated alike; the mean colour would be scaled without bound.
FLAT_BELOW = 1 / 64


class Canvas:
    """picture = start + scaling(change), with `change` what is optimised: (1, 3, H, W), zero at first."""

    def __init__(
        self, start: Tensor, *, even: bool = True, colours: Tensor | None = None, storage: Storage = IN_MEMORY
    ) -> None:
        """even: scale frequencies and colours; otherwise `change` is in pixels, for optimisers that scale every value.

        colours: (3, 3), from `colour.colour_scale`; None leaves them as they are. storage: of `start` and `change`.
        """
        # L-BFGS flattens the gradient without copying, which only contiguous memory allows.
        self.start = storage.keep(start.detach().clone(memory_format=torch.contiguous_format))
        self.change = storage.keep(torch.zeros_like(self.start))
        self._scale = _frequency_scale(start.shape[-2], start.shape[-1]).to(start.device) if even else None
        self._colours = None if colours is None else colours.to(start)

    def picture(self) -> Tensor:
        """(1, 3, H, W); may leave [0, 1]."""
        if self._scale is None:
            return self.start + self.change
        change = torch.empty_like(self.change)
        # One channel after the other, here and in `pull`: spectra of a large picture take twice its memory.
        for scaled, channel in zip(change[0], self.change[0], strict=True):
            scaled.copy_(torch.fft.irfft2(torch.fft.rfft2(channel).mul_(self._scale), s=channel.shape))
        if self._colours is not None:
            change = (self._colours @ change.flatten(2)).view_as(change)
        return change.add_(self.start)

    def pull(self, gradient: Tensor) -> Tensor:
        """The gradient with respect to `change`, from that with respect to the picture: both (1, 3, H, W)."""
        if self._scale is None:
            return gradient.contiguous()
        if self._colours is None:
            pulled = gradient.clone(memory_format=torch.contiguous_format)
        else:
            pulled = (self._colours.T @ gradient.flatten(2)).view_as(gradient)
        for channel in pulled[0]:
            channel.copy_(_adjoint(channel, self._scale))
        return pulled

    @torch.no_grad()
    def restart(self, start: Tensor) -> None:
        """Begin again from another picture of the same size."""
        self.start.copy_(start)
        self.change.zero_()

    @torch.no_grad()
    def clamp(self) -> None:
        """Bring the picture into [0, 1]; only where `change` is in pixels."""
        self.change.add_(self.start).clamp_(0, 1).sub_(self.start)


def _adjoint(gradient: Tensor, scale: Tensor) -> Tensor:
    """Of scaling frequencies, (H, W) -> (H, W), as autograd computes it."""
    width = gradient.shape[-1]
    half = torch.fft.rfft2(gradient, norm="forward")
    # Frequencies whose mirror images are left out count twice.
    half[:, 1 : 1 + width - half.shape[-1]].mul_(2)
    spectrum = half.new_zeros(gradient.shape)
    torch.mul(half, scale, out=spectrum[:, : half.shape[-1]])
    adjoint: Tensor = torch.fft.ifft2(spectrum, norm="forward").real
    return adjoint


def _frequency_scale(height: int, width: int) -> Tensor:
    """(H, W // 2 + 1) factors with a mean square of 1, so that steps keep the size that they have in pixels."""
    down = torch.fft.fftfreq(height)[:, None]
    across = torch.fft.rfftfreq(width)[None, :]
    scale: Tensor = (down.square() + across.square()).sqrt().add(FLAT_BELOW).reciprocal()
    return scale / scale.square().mean().sqrt()
