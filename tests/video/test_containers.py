"""What a painted film keeps of its source: times, sound, subtitles, chapters, metadata, orientation, size."""

from fractions import Fraction

import av
import numpy as np
import pytest
from films import Inverting, frames_of, greys_of, level, packets_of, painted, plain, times_of, write_film, write_sound

from impasto import PictureError


@pytest.mark.parametrize(("name", "unit"), [("clip.mp4", 512), ("clip.mkv", 640)])
def test_variable_frame_rates_keep_their_times_exactly(tmp_path, name, unit):
    times = [unit * step for step in (0, 1, 2, 7, 8, 9, 30, 33, 34, 35, 36, 90)]
    clip = write_film(tmp_path / name, map(plain, range(12)), times)
    out = painted(clip, f"out{clip.suffix}")
    assert times_of(out) == times_of(clip) == [Fraction(time, 12_800) for time in times]
    assert greys_of(out) == pytest.approx([255 - level(number) for number in range(12)], abs=3)


def test_sound_is_the_same_to_the_byte(tmp_path):
    clip = write_film(tmp_path / "clip.mp4", map(plain, range(30)), sound=True)
    out = painted(clip)
    assert packets_of(out, "audio") == packets_of(clip, "audio")
    assert len(packets_of(out, "audio")) > 40
    with av.open(str(out)) as container:
        assert container.streams.audio[0].metadata["language"] == "deu"


def test_a_part_has_its_own_sound_and_begins_at_0(tmp_path):
    clip = write_film(tmp_path / "clip.mp4", map(plain, range(50)), sound=True)
    out = painted(clip, start="0.4", end="1.2")
    assert times_of(out) == [Fraction(step, 25) for step in range(20)]
    assert greys_of(out) == pytest.approx([255 - level(number) for number in range(10, 30)], abs=3)
    sound = packets_of(out, "audio")
    assert b"".join(sound) in b"".join(packets_of(clip, "audio"))
    assert len(sound) == pytest.approx(0.8 * 48_000 / 1024, abs=1)


def test_a_part_of_a_film_whose_frames_are_stored_out_of_order(tmp_path):
    options = {"bf": "3", "g": "30", "x264-params": "b-adapt=0"}
    clip = write_film(tmp_path / "clip.mp4", map(plain, range(50)), options=options)
    with av.open(str(clip)) as container:
        stored = [packet.pts for packet in container.demux(video=0) if packet.pts is not None]
    assert stored != sorted(stored)
    out = painted(clip, start="0.8", end="1.6")
    assert times_of(out) == [Fraction(step, 25) for step in range(20)]
    assert greys_of(out) == pytest.approx([255 - level(number) for number in range(20, 40)], abs=3)


def test_sound_that_the_container_does_not_hold_is_transcoded(tmp_path, caplog):
    clip = write_film(tmp_path / "clip.mp4", (plain(n, 64, 64) for n in range(10)), sound=True)
    out = painted(clip, "out.webm")
    with av.open(str(out)) as container:
        assert container.streams.audio[0].codec_context.name == "opus"
        samples = sum(frame.samples for frame in container.decode(audio=0))
    assert samples == pytest.approx(0.4 * 48_000, rel=0.1)
    assert "aac sound becomes" in caplog.text


def subtitles(out, *starts):
    """A stream of them, and its packets: milliseconds from which lines are shown."""
    stream = out.add_mux_stream("subrip", time_base=Fraction(1, 1000))
    packets = []
    for start in starts:
        packet = av.Packet(f"line at {start}".encode())
        packet.stream, packet.time_base = stream, Fraction(1, 1000)
        packet.pts, packet.dts, packet.duration = start, start, 200
        packets.append(packet)
    return packets


def test_subtitles_chapters_and_metadata(tmp_path):
    def prepare(out, _stream):
        out.metadata["title"] = "Rain"
        out.set_chapters([
            {"id": 1, "start": 0, "end": 400, "time_base": Fraction(1, 1000), "metadata": {"title": "one"}},
            {"id": 2, "start": 400, "end": 1000, "time_base": Fraction(1, 1000), "metadata": {"title": "two"}},
        ])  # fmt: skip
        return subtitles(out, 100, 600)

    clip = write_film(tmp_path / "clip.mkv", map(plain, range(25)), prepare=prepare)
    made = painted(clip, "out.mkv")
    assert packets_of(made, "subtitle") == packets_of(clip, "subtitle") == [b"line at 100", b"line at 600"]
    with av.open(str(made)) as container:
        assert container.metadata["title"] == "Rain"
        assert chapters_of(container) == [("one", 0, Fraction(2, 5)), ("two", Fraction(2, 5), 1)]
    with av.open(str(painted(clip, "part.mkv", start="0.2", end="0.8"))) as container:
        assert chapters_of(container) == [("one", 0, Fraction(1, 5)), ("two", Fraction(1, 5), Fraction(3, 5))]
    with av.open(str(painted(clip, "bare.mkv", metadata=False))) as container:
        assert "title" not in container.metadata
        assert len(container.chapters()) == 2


def chapters_of(container):
    return [
        (one["metadata"]["title"], one["start"] * one["time_base"], one["end"] * one["time_base"])
        for one in container.chapters()
    ]


def test_what_the_container_cannot_hold_is_named(tmp_path, caplog):
    painted(write_film(tmp_path / "clip.mkv", [plain(0)], prepare=lambda out, _stream: subtitles(out, 0)))
    assert "subtitle (subrip) is left out" in caplog.text


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_rotation_is_applied(tmp_path, turn, mirrored):
    stored = np.zeros((48, 64, 3), np.uint8)
    stored[:24, :32], stored[24:, 32:] = (200, 60, 60), (60, 200, 60)

    def prepare(_out, stream):
        stream.set_display_rotation(turn, hflip=mirrored)

    clip = write_film(tmp_path / "clip.mp4", [stored] * 2, prepare=prepare)
    seen = np.rot90(stored, turn // 90)
    seen = seen[:, ::-1] if mirrored else seen
    (frame, _) = frames_of(painted(clip))
    assert frame.shape == seen.shape
    assert np.abs(frame.astype(int) - (255 - seen.astype(int)))[::8, ::8].mean() < 8


def test_pixels_that_are_not_square(tmp_path):
    def prepare(_out, stream):
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)

    clip = write_film(tmp_path / "clip.mp4", [plain(0)] * 2, prepare=prepare)
    with av.open(str(painted(clip))) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.sample_aspect_ratio) == (64, 48, Fraction(4, 3))
    assert frames_of(next(painted(clip, "frames").iterdir()))[0].shape == (48, 85, 3)


def test_fonts_of_subtitles(tmp_path):
    def prepare(out, _stream):
        out.add_attachment("font.ttf", "font/ttf", b"a font")

    clip = write_film(tmp_path / "clip.mkv", [plain(0)] * 2, prepare=prepare)
    with av.open(str(painted(clip, "out.mkv"))) as container:
        (font,) = [stream for stream in container.streams if stream.type == "attachment"]
        assert font.metadata["filename"] == "font.ttf"


@pytest.mark.parametrize(("size", "even"), [((49, 65), (48, 64)), ((47, 2), (46, 2)), ((1, 33), (2, 32))])
def test_odd_sizes(tmp_path, size, even):
    frames = [plain(number, *size) for number in range(3)]
    clip = write_film(tmp_path / "clip.mkv", frames, codec="ffv1", form="bgr0")
    assert frames_of(painted(clip))[0].shape == (*even, 3)
    folder = painted(clip, "frames")
    assert [frames_of(path)[0].shape for path in sorted(folder.iterdir())] == [(*size, 3)] * 3


def test_one_frame(tmp_path):
    clip = write_film(tmp_path / "clip.mp4", [plain(0)])
    assert greys_of(painted(clip, steady=0.8)) == pytest.approx([255 - level(0)], abs=3)


@pytest.mark.parametrize("codec", ["h264", "h265", "av1", "prores"])
def test_codecs_and_quality(tmp_path, codec):
    generator = np.random.default_rng(0)
    frames = [generator.integers(0, 255, (64, 64, 3), np.uint8) for _ in range(3)]
    clip = write_film(tmp_path / "clip.mkv", frames, codec="ffv1", form="bgr0")
    sizes = []
    for quality in (10, 90):
        out = painted(
            clip, f"{quality}.mov" if codec == "prores" else f"{quality}.mp4", codec=codec, video_quality=quality
        )
        with av.open(str(out)) as container:
            context = container.streams.video[0].codec_context
            assert {"h265": "hevc", "av1": "libdav1d"}.get(codec, codec) == context.name
        assert times_of(out) == times_of(clip)
        sizes.append(out.stat().st_size)
    assert sizes[0] < sizes[1]


def test_ten_bits_stay_ten_bits(tmp_path):
    ramp = np.linspace(20_000, 24_000, 64).astype(np.uint16)
    frame = np.repeat(np.repeat(ramp[None, :, None], 48, 0), 3, 2)
    options = {"x265-params": "lossless=1:bframes=0:log-level=none"}
    clip = write_film(tmp_path / "clip.mp4", [frame] * 2, codec="libx265", form="yuv420p10le", options=options)
    out = painted(clip, codec="h265", video_quality=100)
    with av.open(str(out)) as container:
        shown = next(container.decode(video=0))
        assert shown.format.name == "yuv420p10le"
        assert len(np.unique(shown.to_ndarray(format="gray16le")[24])) > 13  # 4,000 of 65,536 are 15 of 256 levels


def test_interlaced_frames_are_woven(tmp_path):
    """A bar that moves between two fields has a comb as one frame."""

    def comb(number):
        frame = np.full((64, 64, 3), 40, np.uint8)
        frame[::2, 4 * number : 4 * number + 16] = 220
        frame[1::2, 4 * number + 2 : 4 * number + 18] = 220
        return frame

    options = {"x264-params": "tff=1", "crf": "4"}
    clip = write_film(tmp_path / "clip.mkv", map(comb, range(8)), options=options)
    with av.open(str(clip)) as container:
        assert all(frame.interlaced_frame for frame in container.decode(video=0))
    lines = [np.abs(np.diff(frame[16:48, :, 0].astype(int), axis=0)).mean() for frame in frames_of(painted(clip))]
    before = [np.abs(np.diff(frame[16:48, :, 0].astype(int), axis=0)).mean() for frame in frames_of(clip)]
    assert np.mean(lines[1:-1]) < 0.5 * np.mean(before[1:-1])
    assert len(lines) == 8


@pytest.mark.slow  # the tables for its colours take seconds
@pytest.mark.parametrize(("curve", "shares"), [(16, (0.58, 0.3)), (18, (0.75, 0.25))], ids=["PQ", "HLG"])
def test_white_of_hdr_becomes_white(tmp_path, curve, shares):
    """203 cd/m2 are 58 % of the signal of the perceptual quantiser, 75 % of hybrid log-gamma (ITU-R BT.2408)."""
    frames = [np.full((64, 64, 3), round(share * 65_535), np.uint16) for share in shares]
    options = {"x265-params": "lossless=1:bframes=0:log-level=none"}

    def prepare(_out, stream):
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = 9, curve, 9, 1

    def change(_number, frame):
        frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range = 9, curve, 9, 1

    how = {"codec": "libx265", "form": "yuv420p10le", "options": options, "prepare": prepare, "change": change}
    clip = write_film(tmp_path / "clip.mp4", frames, **how)
    white, dark = (255 - round(float(frame[32, 32].mean())) for frame in frames_of(painted(clip)))
    assert white > 250
    assert 45 < dark < 85


def test_alpha(tmp_path):
    frame = np.zeros((48, 64, 4), np.uint8)
    frame[..., :3], frame[:, :32, 3], frame[:, 32:, 3] = 90, 255, 0
    clip = write_film(tmp_path / "clip.mov", [frame] * 3, codec="png", form="rgba")
    with av.open(str(painted(clip, "out.mov", codec="prores"))) as container:
        alpha = next(container.decode(video=0)).to_ndarray(format="rgba")[24, :, 3]
    assert alpha[8] == 255
    assert alpha[56] == 0
    opaque = frames_of(painted(clip, "out.mp4"))[0]
    assert opaque[24, 56].tolist() == pytest.approx([255] * 3, abs=3)


def test_fps(tmp_path):
    clip = write_film(tmp_path / "clip.mp4", map(plain, range(25)))
    stylizer = Inverting()
    less = painted(clip, "less.mp4", stylizer=stylizer, fps=10)
    assert times_of(less) == [Fraction(step, 10) for step in range(10)]
    assert stylizer.painted == 10
    assert greys_of(less) == pytest.approx([255 - level(n) for n in (0, 2, 5, 7, 10, 12, 15, 17, 20, 22)], abs=3)
    more = painted(clip, "more.mp4", stylizer=stylizer, fps=50)
    assert times_of(more) == [Fraction(step, 50) for step in range(50)]
    assert stylizer.painted == 35


def test_size(tmp_path):
    clip = write_film(tmp_path / "clip.mp4", map(plain, range(2)))
    assert frames_of(painted(clip, size=32))[0].shape == (24, 32, 3)


def test_files_that_are_no_films(tmp_path):
    empty = tmp_path / "empty.mp4"
    empty.touch()
    with pytest.raises(PictureError, match=r"empty.mp4: the file is empty"):
        painted(empty)
    with pytest.raises(PictureError, match="no such file"):
        painted(tmp_path / "missing.mp4")
    words = tmp_path / "words.mp4"
    words.write_text("no film\n" * 1000)
    with pytest.raises(PictureError, match=r"words.mp4: it is no film"):
        painted(words)
    with pytest.raises(PictureError, match="holds no film, only audio"):
        painted(write_sound(tmp_path / "voice.mp4"))
    folder = tmp_path / "none"
    folder.mkdir()
    with pytest.raises(PictureError, match="holds no pictures"):
        painted(folder)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{secret}\n#EXT-X-ENDLIST\n"),
        ("list.txt", "ffconcat version 1.0\nfile {secret.name}\n"),
    ],
)
def test_no_other_file_is_read_than_the_one_that_is_named(tmp_path, name, text):
    secret = write_film(tmp_path / "secret.mp4", map(plain, range(3)))
    named = tmp_path / name
    named.write_text(text.format(secret=secret))
    with pytest.raises(PictureError, match=name):
        painted(named)


def test_a_film_that_is_cut_short_is_painted_as_far_as_it_goes(tmp_path):
    clip = write_film(tmp_path / "clip.mkv", map(plain, range(40)))
    data = clip.read_bytes()
    clip.write_bytes(data[: len(data) // 2])
    greys = greys_of(painted(clip, "out.mkv"))
    assert 5 < len(greys) < 40
    assert greys[:5] == pytest.approx([255 - level(number) for number in range(5)], abs=3)
    whole = write_film(tmp_path / "whole.mp4", map(plain, range(40)))
    data = whole.read_bytes()
    whole.write_bytes(data[: len(data) // 2])
    with pytest.raises(PictureError, match=r"whole.mp4: it is no film, or is damaged or cut short"):
        painted(whole)


def test_outputs_that_cannot_be(tmp_path):
    clip = write_film(tmp_path / "clip.mp4", map(plain, range(2)))
    with pytest.raises(PictureError, match="never overwritten"):
        painted(clip, "clip.mp4", overwrite=True)
    (tmp_path / "out.mp4").write_text("mine")
    with pytest.raises(PictureError, match="the file exists"):
        painted(clip)
    assert (tmp_path / "out.mp4").read_text() == "mine"
    painted(clip, "full")
    with pytest.raises(PictureError, match="not empty"):
        painted(clip, "full")
    assert painted(clip, overwrite=True).stat().st_size > 100
    assert not list(tmp_path.glob("*.pieces"))
