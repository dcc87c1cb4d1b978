"""`impasto.stylize` with the default method: masks, encoded styles, refinement, several pictures at once."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from in_tensors import picture as as_picture
from PIL import Image
from random_tensors import picture
from torch import Tensor

import impasto
from impasto.api import Names, paint, paint_batch
from impasto.errors import Cancelled, OptionError, PictureError
from impasto.methods import StylizeOptions, Stylizer, refinement
from impasto.progress import Progress

H, W = 32, 40


CONTENT, STYLE, OTHER = picture(H, W, 0), picture(H, W, 1), picture(H, W, 2) ** 2
LEFT = np.repeat([[255] * 20 + [0] * 20], H, 0).astype(np.uint8)


@pytest.fixture(scope="module")
def adain() -> Stylizer:
    return impasto.load(device="cpu")


@pytest.fixture(scope="module")
def gatys() -> Stylizer:
    return impasto.load("gatys", device="cpu")


@pytest.fixture(params=["adain", "gatys"])
def quick(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Each method, and what makes it quick."""
    stylizer = request.getfixturevalue(request.param)
    return {"stylizer": stylizer, **({"scales": 1, "steps": 3} if request.param == "gatys" else {})}


def test_the_stylizer_says_which_method(adain: Stylizer, gatys: Stylizer) -> None:
    assert (adain.method, gatys.method) == ("adain", "gatys")
    painted = impasto.stylize(CONTENT, STYLE, stylizer=gatys, scales=1, steps=1)
    expected = impasto.stylize(CONTENT, STYLE, method="gatys", scales=1, steps=1)
    assert torch.equal(painted, expected)
    with pytest.raises(OptionError, match="method is 'adain', but the stylizer that was given is of gatys"):
        impasto.stylize(CONTENT, STYLE, StylizeOptions(), stylizer=gatys)


def test_outside_the_masks_the_content_stays(quick: dict[str, Any]) -> None:
    painted = impasto.stylize(CONTENT, STYLE, masks=[LEFT], **quick)
    assert torch.equal(painted[..., 21:], CONTENT[..., 21:])
    assert not torch.equal(painted[..., :19], CONTENT[..., :19])
    both = impasto.stylize(CONTENT, [STYLE, OTHER], masks=[LEFT], **quick)
    assert not torch.equal(both[..., 21:], CONTENT[..., 21:])


def test_a_style_of_one_colour_is_told_of(quick: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    impasto.stylize(CONTENT, STYLE, **quick)
    assert "one colour" not in caplog.text
    seen = torch.full_like(STYLE, 0.25)
    seen[..., 0, 0] += 0.004
    impasto.stylize(CONTENT, seen, **quick)
    assert caplog.text.count("a style is of one colour, so that it has no strokes to paint with") == 1
    # What is hidden shows nothing.
    pixels = (STYLE[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    hidden = np.dstack([pixels, np.zeros((H, W), np.uint8)])
    hidden[:4] = 255
    impasto.stylize(CONTENT, hidden, **quick)
    assert caplog.text.count("one colour") == 2


def test_one_mask_of_any_kind(adain: Stylizer, tmp_path: Path) -> None:
    Image.fromarray(LEFT).save(tmp_path / "left.png")
    kinds: list[Any] = [
        LEFT,
        LEFT == 255,
        (LEFT == 255).astype(np.uint8),
        (LEFT == 255).astype(int)[:, :, None],
        LEFT / 255,
        torch.from_numpy(LEFT == 255),
        torch.from_numpy(LEFT == 255)[None].long(),
        torch.from_numpy(LEFT)[None, None] / 255,
        torch.from_numpy(LEFT / 255)[None].repeat(3, 1, 1),
        Image.fromarray(LEFT == 255),
        tmp_path / "left.png",
        str(tmp_path / "left.png"),
    ]
    expected = impasto.stylize(CONTENT, STYLE, masks=[LEFT], stylizer=adain)
    for one in kinds:
        assert torch.equal(impasto.stylize(CONTENT, STYLE, masks=one, stylizer=adain), expected)
        assert torch.equal(impasto.stylize(CONTENT, STYLE, masks=[one], stylizer=adain), expected)


def test_no_mask_and_no_style(adain: Stylizer) -> None:
    expected = impasto.stylize(CONTENT, STYLE, stylizer=adain)
    assert torch.equal(impasto.stylize(CONTENT, STYLE, masks=None, stylizer=adain), expected)
    with pytest.raises(OptionError, match="at least one style is needed"):
        impasto.stylize(CONTENT, None, stylizer=adain)


def test_an_encoded_style_in_place_of_a_painting(adain: Stylizer, tmp_path: Path) -> None:
    style = impasto.encode_style(STYLE, stylizer=adain)
    expected = impasto.stylize(CONTENT, STYLE, stylizer=adain)
    assert torch.equal(impasto.stylize(CONTENT, style, stylizer=adain), expected)
    path = tmp_path / "s.style.safetensors"
    style.save(path)
    assert torch.equal(impasto.stylize(CONTENT, path, stylizer=adain), expected)
    # In memory it still has its painting, in a file it has not.
    matched = impasto.stylize(CONTENT, style, stylizer=adain, colour="match")
    assert torch.equal(matched, impasto.stylize(CONTENT, STYLE, stylizer=adain, colour="match"))
    with pytest.raises(OptionError, match="colour match needs the painting itself"):
        impasto.stylize(CONTENT, path, stylizer=adain, colour="match")
    with pytest.raises(PictureError, match="no such file"):
        impasto.stylize(CONTENT, tmp_path / "none.style.safetensors", stylizer=adain)


@pytest.mark.parametrize("colour", ["style", "match"])
def test_what_is_transparent_of_a_style_counts_for_nothing(colour: str, quick: dict[str, Any]) -> None:
    def with_hidden(hidden: Tensor) -> Image.Image:
        pixels = torch.where(torch.arange(W) < W // 2, STYLE, hidden)[0]
        alpha = Image.fromarray(LEFT)
        cut = Image.fromarray((pixels * 255).byte().permute(1, 2, 0).numpy())
        cut.putalpha(alpha)
        return cut

    more = quick | ({"attention_weight": 10.0} if "steps" in quick else {})
    styles = [with_hidden(torch.zeros_like(STYLE)), with_hidden(OTHER), STYLE]
    first, second, whole = (impasto.stylize(CONTENT, style, colour=colour, **more) for style in styles)
    assert torch.equal(first, second)
    assert not torch.equal(first, whole)
    with pytest.raises(OptionError, match="style is transparent everywhere"):
        impasto.stylize(CONTENT, Image.new("RGBA", (8, 8)), **quick)


def test_only_adain_encodes(gatys: Stylizer) -> None:
    with pytest.raises(OptionError, match="method is 'gatys', which does not paint from encoded styles"):
        impasto.encode_style(STYLE, stylizer=gatys)


def test_refining_is_gatys_from_the_result(adain: Stylizer, gatys: Stylizer) -> None:
    start = impasto.stylize(CONTENT, STYLE, stylizer=adain)
    refined = impasto.stylize(CONTENT, STYLE, stylizer=adain, refine=3, tv_weight=1.0)
    options = refinement(StylizeOptions(refine=3, tv_weight=1.0))
    torch.testing.assert_close(refined, gatys(CONTENT, [STYLE], options, start=start))
    assert not torch.equal(refined, start)
    finer = impasto.stylize(CONTENT, STYLE, stylizer=adain, quality="finer")
    assert torch.equal(finer, impasto.stylize(CONTENT, STYLE, stylizer=adain, refine=20))


def test_a_refinement_reports_and_can_be_stopped(adain: Stylizer) -> None:
    reports: list[Progress] = []

    def stop(progress: Progress) -> None:
        reports.append(progress)
        if progress.step == 2:
            raise Cancelled

    with pytest.raises(Cancelled) as stopped:
        impasto.stylize(CONTENT, STYLE, stylizer=adain, refine=5, colour="keep", progress=stop)
    assert [report.step for report in reports] == [1, 2]
    assert stopped.value.best.shape == CONTENT.shape
    preview = reports[0].preview
    assert preview is not None
    grey = impasto.stylize(CONTENT.mean(1, keepdim=True).repeat(1, 3, 1, 1), STYLE, stylizer=adain, colour="keep")
    assert float((grey.amax(1) - grey.amin(1)).max()) < 0.02, "a grey photo that keeps its colours stays grey"


def test_pictures_of_one_size_at_once(adain: Stylizer) -> None:
    options = StylizeOptions(size=30, colour="keep")
    contents = [as_picture(CONTENT), as_picture(OTHER, torch.full((1, 1, H, W), 0.5))]
    names = [Names(content=name, styles=["s"]) for name in ("a", "b")]
    paintings = paint_batch(contents, [STYLE], options, stylizer=adain, names=names)
    for content, name, painting in zip(contents, names, paintings, strict=True):
        alone = paint(content, [STYLE], options, stylizer=adain, names=name)
        np.testing.assert_allclose(painting.picture.pixels, alone.picture.pixels, atol=0.02)
        assert (painting.picture.alpha is None) == (content.alpha is None)
        assert painting.record["content"] == name.content
        assert painting.record["options"] == alone.record["options"]


def test_what_cannot_be_painted_at_once(adain: Stylizer) -> None:
    assert StylizeOptions().batches
    for options in (
        StylizeOptions(refine=1),
        StylizeOptions(quality="finer"),
        StylizeOptions(colour="match"),
        StylizeOptions(method="gatys"),
    ):
        assert not options.batches
        with pytest.raises(OptionError, match="only pictures of one size"):
            paint_batch([as_picture(CONTENT)], [STYLE], options, stylizer=adain, names=[Names()])
    contents = [as_picture(CONTENT), as_picture(picture(20, 20, 3))]
    with pytest.raises(OptionError, match="only pictures of one size"):
        paint_batch(contents, [STYLE], StylizeOptions(), stylizer=adain, names=[Names(), Names()])


def test_weights_are_read_for_their_hashes_once_for_all_pictures(
    quick: dict[str, Any], hashed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # However lately impasto was installed.
    monkeypatch.setattr("impasto.download.SETTLED_SECONDS", -1)
    for seed in range(3):
        impasto.stylize(picture(H, W, seed), picture(H, W, seed + 3), **quick)
    assert len(hashed) == len(set(hashed))
