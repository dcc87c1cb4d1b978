"""A convolution with mirrored borders that takes less time to learn and less memory to apply than PyTorch's."""

import torch
from torch import Tensor, nn

from impasto.reflection import memory_order, reflect

STRIP = 2**24
"""Numbers of the input that are copied at once at most, where no gradient is wanted: 64 channels of 512 x 512."""


class ReflectingConv2d(nn.Conv2d):
    """`nn.Conv2d(inputs, outputs, size, padding=size // 2, padding_mode="reflect")`: the same weights and numbers.

    (N, inputs, H, W) -> (N, outputs, H, W); H and W are more than size // 2, or 1 for a size of 3. Without gradient,
    large pictures go in strips of rows, so that no copy of them with their borders is ever there.
    """

    def __init__(self, inputs: int, outputs: int, size: int) -> None:
        """size: side of the filters, odd."""
        super().__init__(inputs, outputs, size)
        self.border = size // 2

    def forward(self, x: Tensor) -> Tensor:
        height = x.shape[2]
        rows = max(1, STRIP // x[:, :, 0].numel())
        if torch.is_grad_enabled() or rows >= height:
            return self._applied(reflect(x, self.border))
        first = self._strip(x, 0, rows)
        size = (len(x), self.out_channels, *x.shape[2:])
        result = torch.empty(size, dtype=first.dtype, device=x.device, memory_format=memory_order(x))
        result[:, :, :rows] = first
        for top in range(rows, height, rows):
            bottom = min(top + rows, height)
            result[:, :, top:bottom] = self._strip(x, top, bottom)
        return result

    def _strip(self, x: Tensor, top: int, bottom: int) -> Tensor:
        """Rows `top` to `bottom` of the result."""
        above, below = max(0, top - self.border), min(x.shape[2], bottom + self.border)
        seen = reflect(x[:, :, above:below], self.border)
        return self._applied(seen[:, :, top - above : bottom - above + 2 * self.border])

    def _applied(self, padded: Tensor) -> Tensor:
        convolved: Tensor = self._conv_forward(padded, self.weight, self.bias)
        return convolved
