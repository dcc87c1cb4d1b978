"""The attention term inside gatys: paper 001's equation 8, its targets, and what each of its options does."""

from typing import Any

import pytest
import torch
from in_tensors import picture as as_picture
from small_encoder import encoder, picture
from torch import Tensor
from torch.nn.functional import avg_pool2d

from impasto.api import load
from impasto.encoders.network import LAYERS, POOLED
from impasto.losses.attention_style import attend, attention_features, centred_gram, local_target
from impasto.losses.conventions import CONVENTIONS, SMALLEST_POWER
from impasto.losses.gram import gram
from impasto.masks import with_opacity
from impasto.methods import StylizeOptions
from impasto.methods.gatys.memory import Allowance, Needs
from impasto.methods.gatys.objective import Objective, encode_style, fit_style, objective_at
from impasto.methods.gatys.terms import Term, at_layer, compared_layers, layers_to_encode

ATTENTION = {"relu2_1": 1.0, "relu4_1": 3.0}


def options(**choices: Any) -> StylizeOptions:
    layers = ",".join(f"{layer}:{weight}" for layer, weight in ATTENTION.items())
    given = {"method": "gatys", "attention_layers": layers, "attention_weight": 5.0, "style_fit": "own"}
    return StylizeOptions(**(given | choices))


def attention_loss(image: Tensor, content: Tensor, styles: list[Tensor], chosen: StylizeOptions) -> Tensor:
    return objective_at(encoder(), content, styles, chosen).losses(image)["attention"]


def attention_terms(objective: Objective) -> list[Term]:
    return [term for term in objective.terms if term.name == "attention"]


def targets(content: Tensor, style: Tensor, layer: str) -> Tensor:
    network = encoder()
    C, A = (network(x, [layer])[layer] for x in (content, style))
    size = (C.shape[-2], C.shape[-1])
    return attend(attention_features([C], size), attention_features([A], (A.shape[-2], A.shape[-1])), A)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_the_term_is_equation_8s_in_every_convention(convention: str) -> None:
    image, content, style = picture(21, 26, 0), picture(21, 26, 1), picture(18, 30, 2)
    expected = 0.0
    for layer, weight in ATTENTION.items():
        F = encoder()(image, [layer])[layer]
        G, SA = centred_gram(F), centred_gram(targets(content, style, layer))
        N = F.shape[1]
        squares = float((G - SA).square().sum())
        factor = {
            "relative": 1 / (N**2 * max(float(SA.square().mean()), SMALLEST_POWER)),
            "half-mean": 1 / (4 * N**2),
            "half-sum": 1 / (4 * N**2),
            "gatys-notebook": 1000 / N**4,
            "jcjohnson": 1 / N**4,
        }[convention]
        expected += 5.0 * weight / 4.0 * factor * squares
    assert attention_loss(image, content, [style], options(convention=convention)).item() == pytest.approx(expected)


def test_the_sixth_layer_is_the_fifth_pooled_once_more() -> None:
    """Paper 001, section 2.3: of 512 pixels, "its width and height is only 16"."""
    image, content, style = picture(64, 80, 0), picture(64, 80, 1), picture(48, 96, 2)
    F, C, A = (
        avg_pool2d(encoder()(x, ["relu5_1"])["relu5_1"], 2, ceil_mode=True) for x in (image, content, style)
    )  # fmt: skip
    assert (C.shape[-2:], A.shape[-2:]) == ((2, 3), (2, 3)), "a position for 32 x 32 pixels"
    FA = attend(attention_features([C], (2, 3)), attention_features([A], (2, 3)), A)
    G, SA = centred_gram(F), centred_gram(FA)
    expected = 5.0 * (G - SA).square().mean() / G.shape[1] ** 2
    chosen = options(attention_layers=POOLED, convention="jcjohnson")
    torch.testing.assert_close(attention_loss(image, content, [style], chosen), expected)
    region = at_layer(torch.ones(1, 1, 64, 80), POOLED)
    assert region.shape[-2:] == (2, 3)


def test_total_has_a_gradient_like_its_differences() -> None:
    content, style = picture(7, 6, 1), picture(5, 8, 2)
    for kind in ("gram", "raw-gram", "local"):
        objective = objective_at(encoder(), content, [style], options(attention_loss=kind))
        assert torch.autograd.gradcheck(
            lambda x, found=objective: found.losses(x)["attention"], (picture(7, 6, 0).requires_grad_(),)
        )


def test_several_styles_mix_their_targets() -> None:
    network, chosen = encoder(), options(style_blend="3,1", attention_layers="relu2_1")
    content, styles = picture(16, 16, 3), [picture(9, 20, 1), picture(16, 8, 2)]
    (term,) = attention_terms(objective_at(network, content, styles, chosen))
    first, second = (centred_gram(targets(content, style, "relu2_1")) for style in styles)
    torch.testing.assert_close(term.target, 0.75 * first + 0.25 * second)


def test_a_region_looks_at_its_own_style_alone() -> None:
    network = encoder()
    content, styles = picture(32, 32, 3), [picture(20, 20, 1), picture(24, 16, 2)]
    left = torch.zeros(1, 1, 32, 32, dtype=torch.float64)
    left[..., :16] = 1
    for kind in ("gram", "local"):
        chosen = options(attention_layers="relu1_1", attention_loss=kind)
        terms = attention_terms(objective_at(network, content, styles, chosen, [left, 1 - left]))
        assert len(terms) == 2
        C, A = (network(x, ["relu1_1"])["relu1_1"] for x in (content, styles[0]))
        queries, keys = attention_features([C], (32, 32)), attention_features([A], (20, 20))
        if kind == "gram":
            torch.testing.assert_close(terms[0].target, centred_gram(attend(queries, keys, A)[..., :16].contiguous()))
        else:
            torch.testing.assert_close(terms[0].target, local_target(queries, keys, A, C))
        image = picture(32, 32, 7)
        other = image.clone()
        other[..., 18:] = 0  # nothing that a 3 x 3 filter on the left side sees
        losses = [float(terms[0].loss(network(x, ["relu1_1"]))) for x in (image, other)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-12)


def cut(style: Tensor, seed: int) -> Tensor:
    """The style with its right part transparent, and there with anything."""
    opacity = torch.ones_like(style[:, :1])
    opacity[..., style.shape[-1] // 2 :] = 0
    hidden = torch.where(opacity > 0, style, picture(*style.shape[-2:], seed).to(style))
    return torch.from_numpy(with_opacity(as_picture(hidden, alpha=opacity))).to(style)


@pytest.mark.parametrize("kind", ["gram", "local"])
def test_what_is_transparent_of_a_content_is_no_place_of_the_styles(kind: str) -> None:
    network = encoder()
    # Other conventions divide by the power of all of the content.
    chosen = options(attention_layers="relu1_1", style_layers="relu1_1", attention_loss=kind, convention="half-mean")
    content, styles = picture(32, 32, 3), [picture(20, 20, 1), picture(24, 16, 2)]
    left = torch.zeros(1, 1, 32, 32, dtype=torch.float64)
    left[..., :16] = 1
    objective = objective_at(network, torch.cat([content, left], 1), styles, chosen)
    plain = objective_at(network, content, styles, chosen)
    assert objective.terms[0].weight == pytest.approx(0.5 * plain.terms[0].weight), "it has half of the picture"
    image = picture(32, 32, 7)
    other = image.clone()
    other[..., 18:] = 0  # nothing that a 3 x 3 filter on the left side sees
    losses, others = objective.losses(image), objective.losses(other)
    for name in ("style", "attention"):
        assert float(losses[name]) == pytest.approx(float(others[name]), rel=1e-12)
    # What the content hides has no say in the target either.
    changed = content.clone()
    changed[..., 18:] = 0
    again = objective_at(network, torch.cat([changed, left], 1), styles, chosen)
    assert float(again.losses(image)["attention"]) == pytest.approx(float(losses["attention"]), rel=1e-9)
    alone, masked = (
        objective_at(network, torch.cat([content, left], 1), styles[:1], chosen, masks).losses(image)["style"]
        for masks in (None, [torch.ones_like(left)])
    )
    assert float(masked) == pytest.approx(float(alone))


@pytest.mark.parametrize("kind", ["gram", "local"])
def test_what_is_transparent_of_a_style_counts_for_nothing(kind: str) -> None:
    network, chosen = encoder(), options(attention_loss=kind, attention_features="all")
    content, style = picture(24, 24, 1), picture(20, 32, 2)
    one, other, whole = (
        objective_at(network, content, [shown], chosen).losses(picture(24, 24, 0))
        for shown in (cut(style, 5), cut(style, 6), style)
    )
    for term in ("style", "attention"):
        torch.testing.assert_close(one[term], other[term])
        assert abs(float(one[term] / whole[term]) - 1) > 1e-3


def test_a_transparent_style_has_the_grams_of_what_is_seen() -> None:
    network = encoder()
    style = picture(16, 32, 2)
    found = encode_style(network, cut(style, 3), StylizeOptions(method="gatys", style_layers="relu1_1"))
    left = gram(network(style, ["relu1_1"])["relu1_1"][..., :16])
    # But for the column whose filters reach over the edge.
    torch.testing.assert_close(found.grams["relu1_1"], left, rtol=0.1, atol=0.05)


def test_what_is_compared() -> None:
    assert compared_layers("relu4_1", "layer") == ["relu4_1"]
    assert compared_layers("relu4_1", "shallower") == ["relu1_1", "relu2_1", "relu3_1", "relu4_1"]
    assert compared_layers("relu3_2", "shallower") == ["relu1_1", "relu2_1", "relu3_2"]
    assert compared_layers("relu2_1", "all") == ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
    assert set(compared_layers("relu2_1", "all")) <= set(LAYERS)
    assert layers_to_encode(options()) == set(ATTENTION)
    assert layers_to_encode(options(attention_weight=0)) == set()


def test_no_weight_is_gatys_to_the_bit() -> None:
    content, style = picture(40, 36, 0).float(), picture(30, 50, 1).float()
    method = load("gatys", device="cpu")
    base: dict[str, Any] = {"method": "gatys", "scales": 1, "steps": 6}
    plain = method(content, [style], StylizeOptions(**base))
    # With no weight, no other option of the attention can matter.
    without = StylizeOptions(
        **base, attention_weight=0, attention_layers="relu1_1", attention_loss="local", attention_features="all"
    )
    assert torch.equal(method(content, [style], without), plain)
    assert not torch.equal(method(content, [style], StylizeOptions(**base, attention_weight=10)), plain)


@pytest.mark.parametrize("kind", ["gram", "local"])
def test_painting_lowers_the_attention_loss(kind: str) -> None:
    content, style = picture(48, 48, 0).float(), picture(48, 48, 1).float().repeat_interleave(4, 2)[:, :, :48]
    losses = []
    load("gatys", device="cpu")(
        content,
        [style],
        StylizeOptions(
            method="gatys", scales=1, steps=40, style_weight=0, attention_weight=50, attention_loss=kind,
            attention_layers="relu2_1,relu3_1",
        ),
        progress=lambda report: losses.append(report.losses["attention"]),
    )  # fmt: skip
    assert losses[-1] < 0.5 * losses[0]


def test_the_style_takes_the_size_that_is_asked_for() -> None:
    style = picture(20, 45, 0)
    sizes = {
        fit: tuple(fit_style(style, 40, 40, StylizeOptions(method="gatys", style_fit=fit, style_scale=0.5)).shape[-2:])
        for fit in ("area", "content", "own")
    }
    assert sizes == {"area": (13, 30), "content": (20, 20), "own": (10, 22)}


def test_attention_needs_memory() -> None:
    network = encoder()
    chosen = [
        options(attention_weight=weight, attention_layers=layers)
        for weight, layers in ((0, "relu1_1"), (1, "relu4_1"), (1, "relu1_1"), (1, "relu1_1,relu2_1"))
    ]
    needed = [Needs(network, one).fitting_bytes_per_pixel(Allowance(2**40)) for one in chosen]
    assert needed == sorted(set(needed))


@pytest.mark.parametrize(
    ("choices", "is_painted"),
    [
        ({"attention_weight": 40.0}, False),
        ({"attention_weight": 40.0, "attention_loss": "local"}, True),
        ({"attention_weight": 0.0}, True),
        ({"style_weight": 0.0}, False),
    ],
)
def test_a_flat_photo_is_painted_or_told_of(
    choices: dict[str, Any], is_painted: bool, caplog: pytest.LogCaptureFixture
) -> None:
    content, style = (
        torch.full((1, 3, 32, 40), 1.0),
        torch.rand(1, 3, 32, 40, generator=torch.Generator().manual_seed(1)),
    )
    own = {"method": "gatys", "scales": 1, "steps": 20, "style_loss": "gram", "content_colours": "own"}
    painted = load("gatys", device="cpu")(content, [style], StylizeOptions(**own | choices))
    assert bool((painted - content).abs().max() > 0.05) == is_painted
    assert ("nearly as it was at the start" in caplog.text) != is_painted
    assert ("--attention-loss local, paints it" in caplog.text) == ("attention_weight" in choices and not is_painted)


def test_no_steps_are_no_failure_to_paint(caplog: pytest.LogCaptureFixture) -> None:
    picture = torch.full((1, 3, 32, 40), 0.5)
    load("gatys", device="cpu")(picture, [picture], StylizeOptions(method="gatys", scales=1, steps=0))
    assert caplog.text == ""
