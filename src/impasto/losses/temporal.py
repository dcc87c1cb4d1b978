"""What holds a frame of a film to the one before, Ruder et al. 2016 (arXiv 1604.08610), equation 7."""

from torch import Tensor


def temporal_loss(image: Tensor, warped: Tensor, weights: Tensor) -> Tensor:
    """1/D sum of c (x - w)^2: scalar.

    image: x, (1, 3, H, W). warped: w, the last painted frame moved along the flow. weights: c, (1, 1, H, W) in [0, 1],
    0 where that was hidden or motion has an edge.
    """
    return (weights * (image - warped).square()).mean()
