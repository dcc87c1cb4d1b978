"""Total variation, the smoothness of a picture."""

from torch import Tensor


def total_variation(image: Tensor) -> Tensor:
    """Squared differences of neighbouring pixels, sum over both directions, mean over values: scalar.

    image: (N, 3, H, W). The squared form is Johnson's (neural-style); papers 001 and 002 use total variation without a
    formula. The mean makes a weight mean the same at every size.
    """
    return squared_steps(image, *image.shape[-2:]) / image.numel()


def squared_steps(image: Tensor, height: int, width: int) -> Tensor:
    """Sum of the squared differences between the first height x width pixels of (N, 3, H, W) and their next ones, down
    and across, as far as there are any: scalar."""
    down, right = min(height, image.shape[-2] - 1), min(width, image.shape[-1] - 1)
    below = (image[..., 1 : down + 1, :width] - image[..., :down, :width]).square().sum()
    beside = (image[..., :height, 1 : right + 1] - image[..., :height, :right]).square().sum()
    return below + beside
