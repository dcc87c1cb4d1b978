"""Methods on films: what follows, what is held, what is the same without steadiness."""

import cv2
import numpy as np
import pytest
import torch
from films import frames_of, write_film, write_frames
from PIL import Image

from impasto import Cancelled, StylizeOptions, image, load, stylize, stylize_video
from impasto.gallery import packaged
from impasto.methods import TemporalTarget
from impasto.metrics import warping_error
from impasto.tensors import to_tensor


@pytest.fixture(scope="module")
def photo():
    return np.array(Image.open(packaged()["mountains"]).convert("RGB").resize((200, 140)))


def pan(photo, count, speed=2.5, size=(96, 128)):
    for number in range(count):
        shift = np.array([[1, 0, 20 + speed * number], [0, 1, 20]], np.float32)
        yield cv2.warpAffine(photo, shift, size[::-1], flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)


def pictures_in(folder):
    return torch.from_numpy(np.concatenate([image.read(path).pixels for path in sorted(folder.iterdir())]))


def alone_and_steadily(clip, *style, steady=0.8, **choices):
    """The frames of both ways."""
    for share in (0.0, steady):
        out = clip.with_name(f"out{share:.0f}")
        yield pictures_in(stylize_video(clip, *style, output=out, steady=share, **choices))


def errors(frames, speed=2.5):
    """Against the flow of the pan."""
    flow = torch.tensor([speed, 0.0]).view(1, 2, 1, 1).expand(len(frames) - 1, 2, *frames.shape[-2:])
    return warping_error(frames, flow).mean()


def test_steady_frames_flicker_less_and_are_as_painted(photo, tmp_path):
    clip = write_frames(pan(photo, 8), tmp_path / "clip")
    plain, steady = alone_and_steadily(clip, "starry-night", fps=25)
    assert errors(steady) < 0.5 * errors(plain)
    contrast = [frames.diff(dim=-1).square().mean() for frames in (plain, steady)]
    assert contrast[1] > 0.8 * contrast[0]


def test_a_cut_begins_anew(photo, tmp_path):
    other = np.array(Image.open(packaged()["still_life"]).convert("RGB").resize((128, 96)))
    clip = write_frames([*pan(photo, 3), *[other] * 2], tmp_path / "clip")
    alone = write_frames([other] * 2, tmp_path / "alone")
    made = [pictures_in(stylize_video(one, "starry-night")) for one in (clip, alone)]
    assert torch.equal(made[0][3:], made[1])


OPTIMISED = {"method": "gatys", "preset": "draft", "steps": 2, "coarse_steps": 2}


@pytest.mark.parametrize("choices", [{"colour": "match"}, pytest.param(OPTIMISED, marks=pytest.mark.slow)])
def test_resuming_a_real_method_gives_the_same_frames(photo, tmp_path, monkeypatch, choices):
    monkeypatch.setattr("impasto.video.pieces.FRAMES", 3)
    clip, style = write_frames(pan(photo, 8), tmp_path / "clip"), packaged()["cubes"]
    whole = stylize_video(clip, style, output=tmp_path / "whole", **choices)

    def stop(report):
        if report.step == 5:
            raise Cancelled

    with pytest.raises(Cancelled):
        stylize_video(clip, style, output=tmp_path / "out", progress=stop, **choices)
    out = stylize_video(clip, style, output=tmp_path / "out", resume=True, **choices)
    assert torch.equal(pictures_in(out), pictures_in(whole))


def test_alpha_counts_for_nothing(photo, tmp_path):
    """Whatever colours are hidden."""
    made = []
    for hidden in (0, 255):
        frames = []
        for frame in pan(photo, 2):
            layers = np.dstack([frame, np.full(frame.shape[:2], 255, np.uint8)])
            layers[:, 100:] = (hidden, hidden, hidden, 0)
            frames.append(layers)
        clip = write_frames(frames, tmp_path / f"clip{hidden}")
        out = stylize_video(clip, "starry-night")
        pictures = [image.read(path) for path in sorted(out.iterdir())]
        assert all(picture.alpha[..., 104:].max() == 0 for picture in pictures)
        made.append(np.concatenate([picture.pixels for picture in pictures])[..., :80])
    np.testing.assert_allclose(made[0], made[1], atol=0.06)


def test_colours_can_be_kept(photo, tmp_path):
    clip = write_frames(pan(photo, 2), tmp_path / "clip")
    kept, own = (
        pictures_in(stylize_video(clip, "starry-night", output=tmp_path / colour, colour=colour))
        for colour in ("keep", "style")
    )

    def hue(frames):
        return (frames - frames.mean(1, keepdim=True)).mean((2, 3))

    wanted = hue(pictures_in(clip))
    assert (hue(kept) - wanted).abs().mean() < 0.5 * (hue(own) - wanted).abs().mean()


def test_translations_are_blended(photo, tmp_path):
    clip = write_frames(pan(photo, 4), tmp_path / "clip")
    plain, steady = alone_and_steadily(clip, stylizer=load("nla-cyclegan", weights="monet"))
    assert errors(steady) < 0.7 * errors(plain)


FEW = {"method": "gatys", "scales": 1, "steps": 12}


def test_gatys_is_held_to_the_last_frame(photo, tmp_path):
    clip = write_frames(pan(photo, 2), tmp_path / "clip")
    plain, steady = alone_and_steadily(clip, packaged()["cubes"], steady=1.0, **FEW)
    assert errors(steady) < 0.5 * errors(plain)


def test_what_holds_a_frame_is_a_term_of_its_loss(photo):
    options = StylizeOptions(**FEW)
    content, style = (to_tensor(image.read(packaged()[name]))[..., :96, :128] for name in ("mountains", "cubes"))
    painter, reports = load("gatys"), []
    held = TemporalTarget(content, torch.ones(1, 1, 96, 128))
    near = painter(content, [style], options, held=held, progress=reports.append)
    free = painter(content, [style], options)
    assert (near - content).square().mean() < 0.8 * (free - content).square().mean()
    assert reports[-1].losses["temporal"] > 0


def test_refining_begins_with_the_last_frame(photo, tmp_path):
    clip = write_frames(pan(photo, 2), tmp_path / "clip")
    plain, steady = alone_and_steadily(clip, packaged()["cubes"], refine=4)
    assert errors(steady) < 0.7 * errors(plain)


def test_without_steadiness_frames_are_refined_alone(photo, tmp_path):
    clip = write_frames(pan(photo, 2), tmp_path / "clip")
    out = stylize_video(clip, packaged()["cubes"], steady=0.0, refine=3)
    for frame, path in zip(sorted(clip.iterdir()), sorted(out.iterdir()), strict=True):
        alone = stylize(frame, packaged()["cubes"], output=tmp_path / "one.png", overwrite=True, refine=3)
        np.testing.assert_array_equal(image.read(path).pixels, image.read(alone).pixels)


def test_a_film_has_the_strength_of_its_style(photo, tmp_path):
    clip = write_film(tmp_path / "clip.mp4", pan(photo, 2))
    none = frames_of(stylize_video(clip, "starry-night", output=tmp_path / "none.mp4", strength=0.0, video_quality=95))
    for before, after in zip(frames_of(clip), none, strict=True):
        assert np.abs(before.astype(int) - after).mean() < 4
