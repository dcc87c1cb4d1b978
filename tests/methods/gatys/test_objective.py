"""The total loss of a picture is the papers' sum, in every convention."""

import pytest
import torch
from literal_losses import LITERAL
from small_encoder import encoder, picture
from torch import Tensor

from impasto.api import load
from impasto.encoders.network import LAYERS
from impasto.losses.conventions import CONVENTIONS
from impasto.losses.covariance import covariance_loss, mean_of, spread
from impasto.losses.gram import gram
from impasto.methods import StylizeOptions
from impasto.methods.gatys.objective import objective_at

CONTENT_LAYERS = {"relu3_1": 1.0, "relu4_2": 3.0}
STYLE_LAYERS = {"relu1_1": 2.0, "relu2_1": 1.0, "relu3_2": 5.0}


def options(**choices: object) -> StylizeOptions:
    text = {
        name: ",".join(f"{layer}:{weight}" for layer, weight in layers.items())
        for name, layers in (("content_layers", CONTENT_LAYERS), ("style_layers", STYLE_LAYERS))
    }
    own = {"method": "gatys", "style_loss": "gram", "content_weight": 3.0, "style_weight": 7.0, "style_fit": "own"}
    return StylizeOptions(**(text | own | choices))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [(16, 24), (21, 13), (1, 1)])
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_total_is_the_weighted_sum_of_the_literal_losses(convention: str, size: tuple[int, int]) -> None:
    network, chosen = encoder(), options(convention=convention, tv_weight=0.5)
    image, content, style = (picture(*size, seed) for seed in range(3))
    losses = objective_at(network, content, [style], chosen).losses(image)
    F, C, S = (network(x, LAYERS) for x in (image, content, style))
    expected_content = sum(
        weight / sum(CONTENT_LAYERS.values()) * LITERAL[convention](F[layer], C[layer], S[layer])[0]
        for layer, weight in CONTENT_LAYERS.items()
    )
    expected_style = sum(
        weight / sum(STYLE_LAYERS.values()) * LITERAL[convention](F[layer], C[layer], S[layer])[1]
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
    found = objective_at(network, content, styles, chosen).losses(image)["style"]
    expected = 0.0
    for layer, weight in STYLE_LAYERS.items():
        first, second = (network(style, [layer])[layer] for style in styles)
        mixed = spread(0.75 * gram(first) + 0.25 * gram(second), 0.75 * mean_of(first) + 0.25 * mean_of(second))
        expected += weight / sum(STYLE_LAYERS.values()) * float(covariance_loss(network(image, [layer])[layer], mixed))
    assert float(found) == pytest.approx(7.0 * expected, rel=1e-9)


def test_gradient_reaches_the_picture() -> None:
    network, chosen = encoder(), options(tv_weight=1.0)
    objective = objective_at(network, picture(6, 5, 1), [picture(7, 9, 2)], chosen)

    def total(image: Tensor) -> Tensor:
        return torch.stack(list(objective.losses(image).values())).sum()

    assert torch.autograd.gradcheck(total, (picture(6, 5, 0).requires_grad_(),))


def test_several_styles_mix_their_second_moments() -> None:
    network, chosen = encoder(), options(style_blend="3,1")
    styles = [picture(9, 20, 1), picture(16, 8, 2)]
    terms = objective_at(network, picture(8, 8, 3), styles, chosen).terms
    assert [term.layer for term in terms] == list(STYLE_LAYERS)
    for term in terms:
        first, second = (gram(network(style, [term.layer])[term.layer]) for style in styles)
        torch.testing.assert_close(term.target, 0.75 * first + 0.25 * second)


def test_layers_that_weigh_nothing_leave_nothing() -> None:
    network, chosen = encoder(), options(content_layers="relu4_2:0", style_layers="relu1_1:0", tv_weight=0.0)
    objective = objective_at(network, picture(6, 5, 1), [picture(7, 9, 2)], chosen)
    assert [float(loss) for loss in objective.losses(picture(6, 5, 0)).values()] == [0, 0, 0, 0]


def test_the_papers_presets_compute_in_full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.device._multiplies_bf16", lambda device: True)
    method = load("gatys", device="cpu")
    for preset, choices, expected in (
        ("paper-001", {}, torch.float32), ("paper-001-letter", {}, torch.float32), ("paper-002", {}, torch.float32),
        ("paper-002", {"precision": "bf16"}, torch.bfloat16), ("default", {}, torch.bfloat16),
    ):  # fmt: skip
        network = method.encoder(StylizeOptions("gatys", preset=preset, **choices))  # type: ignore[attr-defined]
        assert network.convolution("relu1_1").weight.dtype == expected
