"""Total variation, the smoothness of a picture."""

from torch import Tensor


def total_variation(image: Tensor) -> Tensor:
    """Squared differences of neighbouring pixels, sum over both directions, mean over values: scalar.

    image: (N, 3, H, W). The squared form is Johnson's (neural-style); papers 001 and 002 use total variation without a
    formula. The mean makes a weight mean the same at every size.
    """
    down = (image[..., 1:, :] - image[..., :-1, :]).square().sum()
    across = (image[..., :, 1:] - image[..., :, :-1]).square().sum()
    return (down + across) / image.numel()
