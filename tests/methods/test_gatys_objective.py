"""The total loss of a picture is the papers' sum, in every convention."""

import pytest
import torch
from small_encoder import encoder, picture
from torch import Tensor

from impasto.encoders.network import LAYERS
from impasto.losses.conventions import CONVENTIONS
from impasto.losses.covariance import covariance_loss, mean_of, spread
from impasto.losses.gram import gram
from impasto.methods import StylizeOptions
from impasto.methods.gatys.objective import encode_style, make_objective

CONTENT_LAYERS = {"relu3_1": 1.0, "relu4_2": 3.0}
STYLE_LAYERS = {"relu1_1": 2.0, "relu2_1": 1.0, "relu3_2": 5.0}


def options(**choices: object) -> StylizeOptions:
    text = {
        name: ",".join(f"{layer}:{weight}" for layer, weight in layers.items())
        for name, layers in (("content_layers", CONTENT_LAYERS), ("style_layers", STYLE_LAYERS))
    }
    own = {"method": "gatys", "style_loss": "gram", "content_weight": 3.0, "style_weight": 7.0}
    return StylizeOptions(**(text | own | choices))  # type: ignore[arg-type]


def literal_content(convention: str, F: Tensor, C: Tensor) -> Tensor:
    total = ((F - C) ** 2).sum()
    match convention:
        case "half-mean":
            return total / (2 * F.numel())
        case "half-sum":
            return total / 2
        case "relative":
            return total / (C**2).sum()
    return total / F.numel()


def literal_style(convention: str, F: Tensor, S: Tensor) -> Tensor:
    N, M = F.shape[1], F.shape[2] * F.shape[3]
    G, T = (x.view(N, -1) @ x.view(N, -1).T for x in (F, S))
    match convention:
        case "half-mean" | "half-sum":
            return ((G - T) ** 2).sum() / (4 * N**2 * M**2)
        case "relative":
            return ((G - T) ** 2).sum() / (T**2).sum()
        case "gatys-notebook":
            return 1000 / N**2 * ((G / M - T / M) ** 2).mean()
    return ((G / (N * M) - T / (N * M)) ** 2).mean()


@pytest.mark.parametrize("size", [(16, 24), (21, 13), (1, 1)])
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_total_is_the_weighted_sum_of_the_literal_losses(convention: str, size: tuple[int, int]) -> None:
    network, chosen = encoder(), options(convention=convention, tv_weight=0.5)
    image, content, style = (picture(*size, seed) for seed in range(3))
    objective = make_objective(network, content, [encode_style(network, style, chosen)], chosen)
    losses = objective.losses(image)
    F, C, S = (network(x, LAYERS) for x in (image, content, style))
    expected_content = sum(
        weight / sum(CONTENT_LAYERS.values()) * literal_content(convention, F[layer], C[layer])
        for layer, weight in CONTENT_LAYERS.items()
    )
    expected_style = sum(
        weight / sum(STYLE_LAYERS.values()) * literal_style(convention, F[layer], S[layer])
        for layer, weight in STYLE_LAYERS.items()
    )
    down, across = image.diff(dim=2).square().sum(), image.diff(dim=3).square().sum()
    assert float(losses["content"]) == pytest.approx(3.0 * float(expected_content), rel=1e-9)
    assert float(losses["style"]) == pytest.approx(7.0 * float(expected_style), rel=1e-9)
    assert float(losses["tv"]) == pytest.approx(0.5 * float(down + across) / image.numel(), rel=1e-9)


@pytest.mark.parametrize("convention", ["relative", "jcjohnson"])
def test_covariances_have_their_own_units_in_every_convention(convention: str) -> None:
    network, chosen = encoder(), options(style_loss="covariance", convention=convention, style_blend="3,1")
    image, content, *styles = (picture(18, 21, seed) for seed in range(4))
    encoded = [encode_style(network, style, chosen) for style in styles]
    found = make_objective(network, content, encoded, chosen).losses(image)["style"]
    expected = 0.0
    for layer, weight in STYLE_LAYERS.items():
        first, second = (network(style, [layer])[layer] for style in styles)
        mixed = spread(0.75 * gram(first) + 0.25 * gram(second), 0.75 * mean_of(first) + 0.25 * mean_of(second))
        expected += weight / sum(STYLE_LAYERS.values()) * float(covariance_loss(network(image, [layer])[layer], mixed))
    assert float(found) == pytest.approx(7.0 * expected, rel=1e-9)


def test_gradient_reaches_the_picture() -> None:
    network, chosen = encoder(), options(tv_weight=1.0)
    objective = make_objective(network, picture(6, 5, 1), [encode_style(network, picture(7, 9, 2), chosen)], chosen)

    def total(image: Tensor) -> Tensor:
        return torch.stack(list(objective.losses(image).values())).sum()

    assert torch.autograd.gradcheck(total, (picture(6, 5, 0).requires_grad_(),))


def test_several_styles_mix_their_second_moments() -> None:
    network, chosen = encoder(), options(style_blend="3,1")
    styles = [picture(9, 20, 1), picture(16, 8, 2)]
    encoded = [encode_style(network, style, chosen) for style in styles]
    objective = make_objective(network, picture(8, 8, 3), encoded, chosen)
    assert [term.layer for term in objective.style] == list(STYLE_LAYERS)
    for term in objective.style:
        first, second = (gram(network(style, [term.layer])[term.layer]) for style in styles)
        torch.testing.assert_close(term.target, 0.75 * first + 0.25 * second)


def test_layers_that_weigh_nothing_leave_nothing() -> None:
    network, chosen = encoder(), options(content_layers="relu4_2:0", style_layers="relu1_1:0", tv_weight=0.0)
    objective = make_objective(network, picture(6, 5, 1), [encode_style(network, picture(7, 9, 2), chosen)], chosen)
    assert [float(loss) for loss in objective.losses(picture(6, 5, 0)).values()] == [0, 0, 0, 0]
