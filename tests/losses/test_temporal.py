import pytest
import torch

from impasto.losses.temporal import temporal_loss


def formula(x, w, c):
    """Ruder et al. 2016, equation 7: D counts the values of the picture."""
    D = x.numel()
    total = 0.0
    for channel in range(x.shape[1]):
        for row in range(x.shape[2]):
            for column in range(x.shape[3]):
                value = x[0, channel, row, column] - w[0, channel, row, column]
                total += float(c[0, 0, row, column] * value**2)
    return total / D


def pictures():
    generator = torch.Generator().manual_seed(0)
    x, w = (torch.rand(1, 3, 4, 5, dtype=torch.float64, generator=generator) for _ in range(2))
    return x, w, torch.rand(1, 1, 4, 5, dtype=torch.float64, generator=generator)


def test_equals_the_formula():
    assert float(temporal_loss(*pictures())) == pytest.approx(formula(*pictures()))


def test_gradient():
    x, w, c = pictures()
    assert torch.autograd.gradcheck(lambda value: temporal_loss(value, w, c), x.requires_grad_())


def test_what_was_hidden_is_free():
    x, w, c = pictures()
    c[..., 2:] = 0
    other = x.clone()
    other[..., 2:] = 9
    assert temporal_loss(x, w, c) == temporal_loss(other, w, c)
