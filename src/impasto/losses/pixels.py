"""Losses of an optimised picture's own values: smooth, within range, and as the frame before."""

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


def out_of_range(image: Tensor) -> Tensor:
    """Mean squared distance of the values to [0, 1]: scalar, 0 for a picture that can be shown as it is.

    image: (N, 3, H, W). No paper has it: they clamp the finished picture, which throws away what the optimiser did out
    there. On the packaged pictures clamping multiplied the total loss by three to five; with this term it costs 1 %,
    and the other losses reach what they reach without it.
    """
    return ((image - 0.5).abs() - 0.5).clamp_min(0).square().mean()


def temporal_loss(image: Tensor, warped: Tensor, weights: Tensor) -> Tensor:
    """What holds a frame of a film to the one before, Ruder et al. 2016 (arXiv 1604.08610), equation 7: 1/D sum of
    c (x - w)^2, scalar.

    image: x, (1, 3, H, W). warped: w, the last painted frame moved along the flow. weights: c, (1, 1, H, W) in [0, 1],
    0 where that was hidden or motion has an edge.
    """
    return (weights * (image - warped).square()).mean()
