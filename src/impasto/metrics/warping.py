"""Temporal warping error: how much a video flickers where it should only move."""

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.errors import OptionError
from impasto.metrics.pairs import check_finite, check_pictures


def warping_error(frames: Tensor, flow: Tensor, visible: Tensor | None = None) -> Tensor:
    """Mean squared difference between each frame and its predecessor moved along the flow (Lai et al. 2018, eq. 8).

    frames: (T, 3, H, W) in [0, 1], T of at least 2. flow: (T - 1, 2, H, W) in pixels, x before y: what stands at p in
    frame t + 1 stood at p + flow[t](p) in frame t. visible: (T - 1, 1, H, W), 1 where it could be seen in frame t, 0
    where it was hidden. What came from outside the frame does not count either. Returns (T - 1,); NaN where nothing
    counts. Raises OptionError for other shapes or ranges, and for flow that is not finite.
    """
    count, _, height, width = frames.shape if frames.ndim == 4 else (0, 0, 0, 0)
    if count < 2 or flow.shape != (count - 1, 2, height, width):
        raise OptionError(f"{tuple(frames.shape)} frames and flow of {tuple(flow.shape)} do not belong together")
    if visible is not None and visible.shape != (count - 1, 1, height, width):
        raise OptionError(f"visible is of {tuple(visible.shape)}, but must be {(count - 1, 1, height, width)}")
    check_pictures(frames)
    check_finite(flow)
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    places = torch.stack([columns, rows]).to(flow) + flow
    limits = torch.tensor([width - 1, height - 1]).to(flow).view(1, 2, 1, 1)
    inside = ((places >= 0) & (places <= limits)).all(1, keepdim=True)
    grid = (2 * places / limits.clamp_min(1) - 1).permute(0, 2, 3, 1)
    moved = F.grid_sample(frames[:-1], grid, mode="bilinear", padding_mode="border", align_corners=True)
    counts = inside.to(frames) if visible is None else inside * visible.to(frames)
    errors = ((frames[1:] - moved).square().mean(1, keepdim=True) * counts).sum((1, 2, 3))
    return errors / counts.sum((1, 2, 3))
