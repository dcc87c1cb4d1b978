"""The attention style loss against paper 001's equations, written down again with loops in double precision."""

import pytest
import torch
from random_tensors import uniform
from torch import Tensor

from impasto.losses import attention_style
from impasto.losses.attention_style import (
    attend,
    attention_features,
    attention_gram_loss,
    attention_weights,
    best_matches,
    centred_gram,
    local_loss,
    local_target,
)

SIZES = [((5, 4), (5, 4)), ((3, 6), (7, 2)), ((1, 1), (4, 5)), ((6, 5), (1, 1))]


def bar(x: Tensor) -> Tensor:
    """Channel-wise mean-variance normalisation, with the epsilon of AdaIN's deviation."""
    out = torch.empty_like(x)
    for c in range(x.shape[1]):
        values = x[0, c]
        variance = ((values - values.mean()) ** 2).mean()
        out[0, c] = (values - values.mean()) / (variance + 1e-5).sqrt()
    return out


def equation_5(C: Tensor, A: Tensor, values: Tensor, temperature: float, shares: Tensor | None = None) -> Tensor:
    """FA by equations 4 to 6."""
    queries, keys = bar(C)[0].flatten(1), bar(A)[0].flatten(1)
    contents = values[0].flatten(1)
    FA = torch.zeros(contents.shape[0], queries.shape[1], dtype=torch.float64)
    for i in range(queries.shape[1]):
        f = [torch.exp(queries[:, i] @ keys[:, j] / temperature) for j in range(keys.shape[1])]
        if shares is not None:
            f = [value * share for value, share in zip(f, shares.flatten(), strict=True)]
        FA[:, i] = sum(value * contents[:, j] for j, value in enumerate(f)) / sum(f)
    return FA.view(1, -1, *C.shape[-2:])


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1e9])
@pytest.mark.parametrize(("content", "style"), SIZES)
def test_attention_is_equations_4_to_6(content: tuple[int, int], style: tuple[int, int], temperature: float) -> None:
    C, A = uniform(1, 6, *content), uniform(1, 6, *style, seed=1)
    found = attend(bar(C), bar(A), A, temperature=temperature)
    torch.testing.assert_close(found, equation_5(C, A, A, temperature), rtol=1e-10, atol=1e-10)
    single = attend(bar(C).float(), bar(A).float(), A.float(), temperature=temperature)
    torch.testing.assert_close(single.double(), equation_5(C, A, A, temperature), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("channels", [(3, 8), (8, 3)])
def test_values_may_be_wider_or_narrower_than_what_is_compared(channels: tuple[int, int]) -> None:
    compared, wide = channels
    C, A, values = uniform(1, compared, 4, 5), uniform(1, compared, 3, 6, seed=1), uniform(1, wide, 3, 6, seed=2)
    torch.testing.assert_close(attend(bar(C), bar(A), values), equation_5(C, A, values, 1.0))


def test_positions_of_the_style_can_be_closed_or_count_less() -> None:
    C, A = uniform(1, 4, 4, 4), uniform(1, 4, 3, 5, seed=1)
    shares = uniform(1, 1, 3, 5, seed=2)
    shares[..., :2] = 0
    found = attend(bar(C), bar(A), A, temperature=2.0, key_weights=shares)
    torch.testing.assert_close(found, equation_5(C, A, A, 2.0, shares))
    changed = A.clone()
    changed[..., :2] = 1e3
    torch.testing.assert_close(attend(bar(C), bar(A), changed, temperature=2.0, key_weights=shares), found)
    assert int(best_matches(bar(C), bar(A), key_weights=shares)[1].min()) >= 2
    assert int(best_matches(bar(C), bar(A))[1].min()) < 2
    weights = attention_weights(bar(C)[0].flatten(1).T, bar(A), temperature=2.0, key_weights=shares)
    torch.testing.assert_close(torch.einsum("khw,nhw->nk", weights, A[0]).view(1, 4, 4, 4), found)


def test_parts_make_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    C, A = bar(uniform(1, 5, 6, 7)), bar(uniform(1, 5, 4, 4, seed=1))
    whole, matches = attend(C, A, A), best_matches(C, A)
    monkeypatch.setattr(attention_style, "ENTRIES", 50)
    torch.testing.assert_close(attend(C, A, A), whole)
    assert torch.equal(best_matches(C, A), matches)


def test_weights_are_those_that_attention_uses() -> None:
    C, A = bar(uniform(1, 5, 3, 4)), bar(uniform(1, 5, 4, 6, seed=1))
    weights = attention_weights(C[0].flatten(1).T, A, temperature=1.5)
    torch.testing.assert_close(weights.sum((1, 2)), torch.ones(12, dtype=torch.float64))
    found = torch.einsum("khw,nhw->nk", weights, A[0]).view(1, 5, 3, 4)
    torch.testing.assert_close(found, attend(C, A, A, temperature=1.5))
    top = attention_weights(C[0].flatten(1).T, A).flatten(1).argmax(1).view(3, 4)
    row, column = best_matches(C, A)
    assert torch.equal(row * 6 + column, top)


def test_loss_is_equation_7() -> None:
    F, FA = uniform(1, 4, 5, 3), uniform(1, 4, 5, 3, seed=1)
    f, fa = ((x - x.mean((2, 3), keepdim=True))[0].flatten(1) for x in (F, FA))
    expected = ((f @ f.T - fa @ fa.T) ** 2).sum() / (4 * 4**2 * 15**2)
    torch.testing.assert_close(attention_gram_loss(F, centred_gram(FA)), expected)
    assert torch.autograd.gradcheck(lambda x: attention_gram_loss(x, centred_gram(FA)), (F.clone().requires_grad_(),))


def test_a_region_has_its_own_mean_and_covariance() -> None:
    x = uniform(1, 3, 4, 6)
    region = torch.zeros(1, 1, 4, 6, dtype=torch.float64)
    region[..., :2] = 1
    torch.testing.assert_close(centred_gram(x, region), centred_gram(x[..., :2].contiguous()))
    target = uniform(1, 3, 4, 6, seed=1)
    torch.testing.assert_close(local_loss(x, target, region), local_loss(x[..., :2], target[..., :2]))


def test_local_target_is_adaattns() -> None:
    C, A = uniform(1, 4, 3, 5), uniform(1, 4, 4, 4, seed=1)
    M = equation_5(C, A, A, 1.0)
    S = (equation_5(C, A, A**2, 1.0) - M**2).clamp_min(0).sqrt()
    torch.testing.assert_close(local_target(bar(C), bar(A), A, C), S * bar(C) + M)
    F = uniform(1, 4, 3, 5, seed=2)
    torch.testing.assert_close(local_loss(F, M), 0.5 * ((F - M) ** 2).mean())


def test_compared_features_have_mean_0_and_deviation_1_at_the_layers_size() -> None:
    layers = [uniform(1, 3, 12, 8), uniform(1, 5, 6, 4, seed=1), uniform(1, 2, 3, 2, seed=2)]
    seen = attention_features(layers, (6, 4))
    assert seen.shape == (1, 10, 6, 4)
    torch.testing.assert_close(seen.mean((2, 3)), torch.zeros(1, 10, dtype=torch.float64), atol=1e-9, rtol=0)
    torch.testing.assert_close(seen.square().mean((2, 3)), torch.ones(1, 10, dtype=torch.float64), rtol=2e-3, atol=0)
    torch.testing.assert_close(seen[:, 3:8], bar(layers[1]))
    half = torch.zeros(1, 1, 6, 4, dtype=torch.float64)
    half[..., :2] = 1
    torch.testing.assert_close(attention_features([layers[1]], (6, 4), [half])[..., :2], bar(layers[1][..., :2]))
