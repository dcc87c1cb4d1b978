"""GIF, WebP, APNG and folders of frames, in and out."""

import numpy as np
import pytest
from films import frames_of, greys_of, level, painted, plain, times_of, write_film, write_frames
from PIL import Image

from impasto import OptionError, image, stylize, stylize_video
from impasto.record import read_record


def still(number):
    """Opaque on the left, transparent on the right."""
    frame = np.dstack([plain(number), np.full((48, 64), 255, np.uint8)])
    frame[:, 40:, 3] = 0
    return frame


@pytest.fixture(params=["gif", "webp", "png"])
def animation(request, tmp_path):
    path = tmp_path / f"clip.{request.param}"
    first, *rest = (Image.fromarray(still(number)) for number in range(4))
    options = {"disposal": 2} if request.param == "gif" else {}
    options |= {"lossless": True} if request.param == "webp" else {}
    first.save(path, save_all=True, append_images=rest, duration=[100, 50, 200, 300], loop=0, **options)
    return path


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".apng"])
def test_animations_become_animations(animation, suffix):
    out = painted(animation, f"out{suffix}")
    with Image.open(out) as file:
        assert file.n_frames == 4
        durations, shown = [], []
        for number in range(4):
            file.seek(number)
            file.load()
            durations.append(file.info["duration"])
            shown.append(np.array(file.convert("RGBA")))
    assert durations == [100, 50, 200, 300]
    for number, frame in enumerate(shown):
        assert frame[24, 8, :3].tolist() == pytest.approx([255 - level(number) // 2] * 3, abs=8)
        assert frame[24, 8, 3] == 255
        assert frame[24, 56, 3] == 0


def test_an_animation_becomes_a_film(animation):
    out = painted(animation, "out.mp4")
    frames = frames_of(out)
    assert len(frames) == 4
    assert [frame[24, 8, 0] for frame in frames] == pytest.approx([255 - level(n) // 2 for n in range(4)], abs=6)
    assert all(frame[24, 56].min() > 250 for frame in frames)


def test_folders_of_frames_are_as_their_frames_alone(tmp_path):
    """Without steadiness, the same pixels that `stylize` paints."""
    frames = np.random.default_rng(0).integers(0, 255, (3, 20, 30, 3), np.uint8)
    out = stylize_video(write_frames(frames, tmp_path / "frames"), "starry-night", steady=0.0)
    assert out == tmp_path / "frames-impasto"
    for frame, path in zip(frames, sorted(out.iterdir()), strict=True):
        assert (image.to_array(image.read(path)) == stylize(frame, "starry-night")).all()
    record = read_record(path)
    assert record["style"] == ["starry-night"]
    assert record["video"] == {"steady": 0.0}


def test_a_folder_of_sixteen_bits(tmp_path):
    frame = np.random.default_rng(0).integers(0, 65_535, (20, 30, 3)).astype(np.uint16)
    (path,) = painted(write_frames([frame], tmp_path / "frames"), "out").iterdir()
    made = image.read(path)
    assert made.bits == 16
    assert np.abs(image.to_array(made, np.uint16).astype(int) - (65_535 - frame.astype(int))).max() <= 1


def test_the_rate_of_a_folder(tmp_path):
    folder = write_frames(map(plain, range(4)), tmp_path / "frames")
    assert times_of(painted(folder, "a.mp4", fps=8)) == [0, 1 / 8, 1 / 4, 3 / 8]
    assert [float(time) for time in times_of(painted(folder, "b.mp4"))] == [0, 0.04, 0.08, 0.12]


def test_frames_of_a_folder_that_cannot_be_read_are_repeated_and_named(tmp_path, caplog):
    folder = write_frames(map(plain, range(4)), tmp_path / "frames")
    (folder / "002.png").write_text("no picture")
    image.write(image.from_array(plain(3, 20, 20)), folder / "003.png", overwrite=True)
    greys = greys_of(painted(folder, "out.mp4"))
    assert greys == pytest.approx([255 - level(number) for number in (0, 1, 1, 1)], abs=3)
    assert "frame at 0:00.080; " not in caplog.text
    assert "002.png" in caplog.text
    assert "20 x 20" in caplog.text


def test_what_an_animation_has_no_use_for_is_refused(tmp_path):
    clip = write_film(tmp_path / "clip.mp4", map(plain, range(2)))
    for name, choice in (("a.gif", {"codec": "h264"}), ("a.apng", {"video_quality": 5}), ("a", {"video_quality": 5})):
        with pytest.raises(OptionError, match=next(iter(choice))):
            painted(clip, name, **choice)
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    clip = write_film(tmp_path / "noise.mp4", [noise] * 2)
    small, large = (painted(clip, f"{q}.webp", video_quality=q).stat().st_size for q in (1, 100))
    assert small < large
