"""Generated pictures of earlier steps, shown to the discriminator again (Shrivastava et al. 2017)."""

import torch
from torch import Tensor, nn


class ImagePool(nn.Module):
    """A history of `capacity` pictures of one size; a module, so that its pictures are part of every checkpoint.

    Zhu et al. 2017, section 4, use 50. With 0, every picture comes back as it is.
    """

    pictures: Tensor
    count: Tensor

    def __init__(self, capacity: int, side: int, channels: int = 3) -> None:
        """side: pixels of the square pictures."""
        super().__init__()
        self.capacity = capacity
        self.register_buffer("pictures", torch.zeros(capacity, channels, side, side))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def forward(self, pictures: Tensor) -> Tensor:
        """(N, channels, side, side) -> as many, each new or, once the pool is full and with probability 1/2, an earlier
        one whose place the new one takes. Draws from the global random generator."""
        if not self.capacity:
            return pictures.detach()
        return torch.stack([self._exchange(picture) for picture in pictures.detach()]).contiguous(
            memory_format=torch.channels_last
        )

    def _exchange(self, picture: Tensor) -> Tensor:
        filled = int(self.count)
        if filled < self.capacity:
            self.pictures[filled] = picture
            self.count += 1
            return picture
        if float(torch.rand(())) < 0.5:
            return picture
        place = int(torch.randint(self.capacity, ()))
        earlier = self.pictures[place].clone()
        self.pictures[place] = picture
        return earlier
