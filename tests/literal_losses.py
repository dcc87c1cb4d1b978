"""The losses of content and style as each source writes them: (features, content's, style's) -> (content, style)."""

import torch
from torch import Tensor, nn


def flat(F: Tensor) -> Tensor:
    return F.view(F.shape[1], -1)


def paper_001(F: Tensor, C: Tensor, S: Tensor) -> tuple[Tensor, Tensor]:
    N, H, W = F.shape[1:]
    content = 1 / (2 * N * H * W) * ((F - C) ** 2).sum()
    style = 1 / (4 * N**2 * (H * W) ** 2) * ((flat(F) @ flat(F).T - flat(S) @ flat(S).T) ** 2).sum()
    return content, style


def paper_002(F: Tensor, C: Tensor, S: Tensor) -> tuple[Tensor, Tensor]:
    N, M = flat(F).shape
    content = 0.5 * ((F - C) ** 2).sum()
    style = 1 / (4 * N**2 * M**2) * ((flat(F) @ flat(F).T - flat(S) @ flat(S).T) ** 2).sum()
    return content, style


def gatys_notebook(F: Tensor, C: Tensor, S: Tensor) -> tuple[Tensor, Tensor]:
    def gram_matrix(x: Tensor) -> Tensor:
        b, c, h, w = x.size()
        rows = x.view(b, c, h * w)
        return torch.bmm(rows, rows.transpose(1, 2)).div(h * w)

    weight = 1e3 / F.shape[1] ** 2
    return nn.MSELoss()(F, C), weight * nn.MSELoss()(gram_matrix(F), gram_matrix(S))


def jcjohnson(F: Tensor, C: Tensor, S: Tensor) -> tuple[Tensor, Tensor]:
    def gram_matrix(x: Tensor) -> Tensor:
        return flat(x) @ flat(x).T / x.numel()

    return nn.MSELoss()(F, C), nn.MSELoss()(gram_matrix(F), gram_matrix(S))


def relative(F: Tensor, C: Tensor, S: Tensor) -> tuple[Tensor, Tensor]:
    G, A = flat(F) @ flat(F).T, flat(S) @ flat(S).T
    return ((F - C) ** 2).sum() / (C**2).sum(), ((G - A) ** 2).sum() / (A**2).sum()


LITERAL = {
    "relative": relative,
    "half-mean": paper_001,
    "half-sum": paper_002,
    "gatys-notebook": gatys_notebook,
    "jcjohnson": jcjohnson,
}
