"""Attention over all pairs of positions in the memory of one row of blocks: softmax(scale q k^T) v."""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend
from torch.utils.checkpoint import checkpoint

LARGEST_MAP = 2**24
"""Weights that are held at once at most, where the kernel holds them at all: those of 64 x 64 positions."""


def attend(queries: Tensor, keys: Tensor, values: Tensor, *, scale: float = 1.0) -> Tensor:
    """softmax(scale q k^T) v for (N, Q, d), (N, K, d) and (N, K, e): (N, Q, e), without a matrix of Q x K.

    The matrix is held neither forwards nor backwards. Fused kernels see to that; where there is none, queries go in
    groups, whose weights are computed again for their gradient. The softmax is float32 for half precision, too.
    scale: 1 because neither the papers nor their programs have one; PyTorch's own default is d^-1/2.
    """
    # Fused kernels want one head dimension for all three, in adjacent memory. With two, PyTorch forms the matrix of all
    # pairs after all.
    width = max(queries.shape[2], values.shape[2])
    q, k, v = (_widened(x, width).contiguous()[:, None] for x in (queries, keys, values))
    group = q.shape[2] if is_fused(q, k, v) else max(1, LARGEST_MAP // (len(q) * k.shape[2]))
    if group >= q.shape[2]:
        attended = _attended(q, k, v, scale)
    elif torch.is_grad_enabled() and any(x.requires_grad for x in (q, k, v)):
        parts = [checkpoint(_attended, part, k, v, scale, use_reentrant=False) for part in q.split(group, 2)]
        attended = torch.cat(parts, 2)
    else:
        attended = torch.cat([_attended(part, k, v, scale) for part in q.split(group, 2)], 2)
    return attended[:, 0, :, : values.shape[2]]


def is_fused(q: Tensor, k: Tensor, v: Tensor) -> bool:
    """Whether PyTorch has a kernel for these, (N, heads, positions, d), that never holds the weights."""
    if q.device.type not in ("cpu", "cuda"):
        return False
    # There is no public way to ask before computing.
    return torch._fused_sdp_choice(q, k, v, scale=1.0) != SDPBackend.MATH.value


def _attended(q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
    return F.scaled_dot_product_attention(q, k, v, scale=scale)


def _widened(x: Tensor, width: int) -> Tensor:
    return F.pad(x, (0, width - x.shape[2])) if x.shape[2] < width else x
