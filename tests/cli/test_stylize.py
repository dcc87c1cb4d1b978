"""One content: where it goes, what is said, what the record holds. tests/cli/test_many.py has several contents."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from _pytest.capture import CaptureIO
from PIL import Image

from impasto import StylizeOptions, api, image
from impasto.cli import stylize as command
from impasto.cli import terminal
from impasto.errors import OutOfMemoryError
from impasto.gallery import packaged
from impasto.methods.adain.options import AdaINOptions
from impasto.methods.cyclegan.options import CycleGANOptions
from impasto.methods.dncnn_cyclegan.options import DnCNNCycleGANOptions
from impasto.methods.gatys.options import GatysOptions
from impasto.methods.nla_cyclegan.options import NLACycleGANOptions
from impasto.methods.semantic_gan.options import SemanticGANOptions
from impasto.record import read_record, to_exif


def test_paints_as_the_library_does(paint, pixels):
    outcome = paint("photo.png", "-o", "out.png")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("out.png: ")
    expected = api.stylize("photo.png", "style.png", method="gatys", steps=3, coarse_steps=2, output="library.png")
    assert (pixels("out.png") == pixels(expected)).all()
    assert (pixels("out.png") != pixels("photo.png")).any()


def test_the_result_lies_beside_the_content_if_not_told_otherwise(paint, folder, draw):
    (folder / "album").mkdir()
    draw(folder / "album" / "tree.jpg")
    draw(folder / "album" / "leaf.bmp")
    assert paint("album/tree.jpg", "album/leaf.bmp").code == 0
    assert {path.name for path in (folder / "album").iterdir()} == {
        "tree.jpg", "tree-impasto.jpg", "leaf.bmp", "leaf-impasto.png",
    }  # fmt: skip


def test_the_record_says_what_was_used_and_reached(paint, impasto, monkeypatch):
    seen = []
    make = api.paint
    monkeypatch.setattr(api, "paint", lambda *a, **k: make(*a, **k | {"progress": seen.append}))
    paint("photo.png", "-o", "out.png", "--size", "40")
    record = read_record("out.png")
    assert (record["content"], record["style"], record["size"]) == ("photo.png", ["style.png"], [40, 30])
    assert "finished" not in record
    assert record["by_preset"]["content_weight"] == 1.0
    assert "steps" not in record["by_preset"]
    assert set(record["losses"]) >= {"content", "style"}
    assert record["loss"] == pytest.approx(sum(record["losses"].values())) == pytest.approx(seen[-1].loss)
    assert [report.step for report in seen] == list(range(1, seen[-1].total + 1))
    text = " ".join(impasto("info", "out.png").out.split())
    assert "content_weight 1.0, by the preset" in text
    assert "content_weight not given" not in text


def test_the_record_of_a_refinement_says_so_too_and_that_of_one_pass_has_no_losses(impasto):
    impasto("stylize", "photo.png", "-s", "style.png", "--refine", "1", "-o", "out.png")
    record = read_record("out.png")
    assert (record["by_preset"]["style_weight"], record["losses"]["style"] > 0) == (1.5, True)
    impasto("stylize", "photo.png", "-s", "style.png", "-o", "one.png")
    assert not {"by_preset", "losses", "loss"} & set(read_record("one.png"))


def test_json_is_the_record_and_nothing_else(paint):
    outcome = paint("photo.png", "-o", "out.png", "--json")
    record = json.loads(outcome.out)
    assert (record.pop("output"), record.pop("finished")) == ("out.png", True)
    assert record == read_record("out.png")
    assert outcome.err == ""


def test_quiet_says_nothing(paint, folder):
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    frames[0].save("moving.gif", save_all=True, append_images=frames[1:])
    assert paint("moving.gif", "-o", "loud.png").err == "moving.gif: animated: the first of 2 frames\n"
    outcome = paint("moving.gif", "-o", "quiet.png", "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert (folder / "quiet.png").exists()


def test_nothing_is_overwritten_unless_allowed(paint, folder, monkeypatch):
    (folder / "out.png").write_text("mine")
    with monkeypatch.context() as patch:
        patch.setattr(api, "paint", None)  # refused before painting
        outcome = paint("photo.png", "-o", "out.png")
    assert (outcome.code, (folder / "out.png").read_text()) == (1, "mine")
    assert "out.png: the file exists" in outcome.err
    assert paint("photo.png", "-o", "out.png", "--overwrite").code == 0
    assert read_record("out.png")


def test_16_bits(paint, folder):
    assert paint("photo.png", "-o", "deeper.png", "--bits", "16").code == 0
    assert (folder / "deeper.png").read_bytes()[24] == 16


@pytest.mark.parametrize(
    ("words", "several"),
    [
        (["--method", "adain"], True), (["--method", "gatys"], False),
        (["--refine", "2"], False),
    ],
)  # fmt: skip
def test_a_size_that_cannot_fit_is_refused_before_any_work_and_the_advised_one_paints(
    words, several, impasto, draw, folder, monkeypatch
):
    """`--size 100000` ended as an error inside impasto, and 17000 after much work."""
    draw(folder / "tall.png", size=(40, 9))
    draw(folder / "more.png", size=(40, 9))
    photos = ["tall.png", *(["more.png"] if several else [])]
    words = [*photos, "-s", "style.png", "-o", "out/", *words, *(["--steps", "1"] if "gatys" in words else [])]
    for module in ("impasto.device", "impasto.methods.gatys.memory"):
        monkeypatch.setattr(f"{module}.free_memory", lambda device: 10_000_000)  # enough for the style
    resize, sides = image.resize, []
    monkeypatch.setattr(image, "resize", lambda pixels, *size: sides.append(max(size)) or resize(pixels, *size))
    outcome = impasto("stylize", *words, "--size", "100000")
    assert outcome.code == 1
    assert "inside impasto" not in outcome.err
    assert max(sides, default=0) < 2000
    advised = re.search(r"22500 x 100000 pixels need about .* GiB .*--size (\d+) fits", outcome.err)[1]
    outcome = impasto("stylize", *words, "--size", advised)
    assert (outcome.code, outcome.err) == (0, "")


def test_a_picture_that_memory_cannot_hold_is_not_resized(monkeypatch):
    monkeypatch.setattr("impasto.device.free_memory", lambda device: 10**9)
    with pytest.raises(OutOfMemoryError, match=r"20000 x 20000 pixels need about .*--size \d+ fits"):
        image.resize(np.zeros((1, 3, 2, 2), np.float32), 20_000, 20_000)


def test_too_little_memory_is_advice(paint, monkeypatch):
    def fail(*_, **__):
        raise OutOfMemoryError("64 x 48 pixels need much; --size 12 fits")

    monkeypatch.setattr(api, "paint", fail)
    outcome = paint("photo.png", "-o", "out.png")
    assert (outcome.code, outcome.err) == (1, "impasto: 64 x 48 pixels need much; --size 12 fits\n")


def test_several_styles_are_blended(paint, pixels, draw, folder):
    draw(folder / "other.png", 3)
    for blend in ("1,0", "0.5,0.5"):
        words = ["-s", "style.png", "-s", "other.png", "--style-blend", blend, "-o", f"{blend}.png"]
        assert paint("photo.png", *words).code == 0
    assert paint("photo.png", "-o", "alone.png").code == 0
    assert (pixels("1,0.png") == pixels("alone.png")).all()
    assert (pixels("0.5,0.5.png") != pixels("alone.png")).any()
    assert read_record("1,0.png")["style"] == ["style.png", "other.png"]


def test_packaged_pictures_by_name(paint, folder, draw, pixels):
    assert set(packaged()) == {"swirls", "cubes", "ink", "mountains", "still_life"}
    assert paint("mountains", "-s", "swirls", "--size", "40").code == 0
    record = read_record("mountains-impasto.jpg")  # here, not inside the installation
    assert (record["content"], record["style"]) == ("mountains", ["swirls"])
    (folder / "photo.png").rename("mountains")
    assert paint("mountains", "-s", "swirls", "-o", "own.png").code == 0
    assert pixels("own.png").shape == (24, 32, 3)  # a file of that name comes first


def test_the_folder_may_be_new_and_the_name_a_pattern(paint, folder):
    assert paint("photo.png", "-o", "a/b/").code == 0
    assert paint("photo.png", "-o", "c", "--name", "{style}/{stem}_{method}_{size}_{seed:03d}.webp").code == 0
    assert paint("photo.png", "--name", "{stem}-{size}{suffix}", "--size", "20").code == 0
    made = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {"photo.png", "style.png"}
    assert made == {"a/b/photo-style.png", "c/style/photo_gatys_full_000.webp", "photo-20.png"}


class TestLike:
    def test_flags_win(self, paint, impasto):
        paint("photo.png", "-o", "first.png", "--seed", "3", "--init", "noise")
        impasto("stylize", "photo.png", "--like", "first.png", "-o", "again.png", "--seed", "0")
        expected = StylizeOptions(method="gatys", seed=0, init="noise", steps=3, coarse_steps=2)
        assert StylizeOptions(**read_record("again.png")["options"]) == expected

    def test_the_style_is_looked_for_beside_the_picture(self, paint, impasto, folder):
        paint("photo.png", "-o", "first.png")
        (folder / "elsewhere").mkdir()
        (folder / "first.png").rename("elsewhere/first.png")
        (folder / "style.png").rename("elsewhere/style.png")
        assert impasto("stylize", "photo.png", "--like", "elsewhere/first.png", "-o", "again.png").code == 0
        (folder / "elsewhere/style.png").unlink()
        impasto("stylize", "photo.png", "--like", "elsewhere/first.png", "-o", "more.png").refuses(
            1, "give it with --style"
        )

    def test_what_it_was_made_from_is_found_from_any_folder(self, paint, impasto, folder, draw, monkeypatch):
        for name in ("photos", "paintings", "painted", "other"):
            (folder / name).mkdir()
        (folder / "photo.png").rename("photos/photo.png")
        style = folder / "paintings" / os.fsdecode(b"styl\xe9.png")
        (folder / "style.png").rename(style)
        start = draw(folder / "paintings" / "start.png", seed=5)
        words = ["--style", str(style.relative_to(folder)), "--mask", "not:photos/photo.png"]
        assert paint("photos/photo.png", *words, "--init", "paintings/start.png", "-o", "painted/a.png").code == 0
        assert read_record("painted/a.png")["places"] == {
            "style": [r"../paintings/styl\xe9.png"], "masks": ["../photos/photo.png"],
            "init": ["../paintings/start.png"],
        }  # fmt: skip
        monkeypatch.chdir(folder / "other")
        outcome = impasto("stylize", "../photos/photo.png", "--like", "../painted/a.png", "-o", "b.png")
        assert (outcome.code, outcome.err) == (0, "")
        assert (read_record("b.png")["style"], read_record("b.png")["masks"]) == ([r"styl\xe9.png"], ["not:photo.png"])
        start.unlink()
        assert "start.png" in impasto("stylize", "../photos/photo.png", "--like", "../painted/a.png", "-o", "c.png").err

    def test_places_outside_of_what_pictures_share_are_kept_to_oneself(self, paint, folder, monkeypatch):
        monkeypatch.setenv("HOME", str(folder / "home" / "me"))
        (folder / "home" / "me" / "private").mkdir(parents=True)
        (folder / "style.png").rename("home/me/private/style.png")
        assert paint("photo.png", "-s", "home/me/private/style.png", "-o", "out.png").code == 0
        assert "places" not in read_record("out.png")

    def test_options_of_another_version_are_named_and_left_out(self, impasto, folder, draw):
        self.write(folder, {"options": {"method": "gatys", "steps": 2, "glitter": 5}, "style": ["style.png"]})
        outcome = impasto("stylize", "photo.png", "--like", "like.png", "-o", "out.png")
        assert outcome.code == 0
        assert outcome.err == "like.png: this version of impasto leaves out what it does not know: glitter=5\n"

    @pytest.mark.parametrize("record", [{}, {"options": 3}, {"options": {"steps": "many"}}, {"options": {"size": -1}}])
    def test_a_record_that_makes_no_sense_is_refused(self, record, impasto, folder):
        self.write(folder, record | {"style": ["style.png"]})
        outcome = impasto("stylize", "photo.png", "--like", "like.png", "-o", "out.png")
        assert (outcome.code, outcome.err.count("\n")) == (1, 1)
        assert outcome.err.startswith("impasto: like.png: its ")

    @staticmethod
    def write(folder, record):
        from impasto import image

        image.write(image.read(folder / "photo.png"), folder / "like.png", record=record)


class TestBar:
    @pytest.fixture
    def terminal_(self, monkeypatch):
        # Of the class, because pytest puts another object in place for every phase of a test.
        monkeypatch.setattr(CaptureIO, "isatty", lambda self: True)
        monkeypatch.setenv("TERM", "xterm")

    def test_a_terminal_sees_loss_and_time_on_stderr(self, paint, terminal_):
        outcome = paint("photo.png", "-o", "out.png")
        assert outcome.out.count("\n") == 1
        assert "photo.png in style.png" in outcome.err
        assert "3/3" in outcome.err
        assert "loss" in outcome.err
        assert "left" in outcome.err

    def test_json_stays_alone_on_stdout(self, paint, terminal_):
        outcome = paint("photo.png", "-o", "out.png", "--json")
        assert json.loads(outcome.out)["output"] == "out.png"
        assert "3/3" in outcome.err

    def test_quiet_shows_no_bar(self, paint, terminal_):
        assert paint("photo.png", "-o", "out.png", "--quiet").err == ""

    def test_downloads_are_shown_inside_the_bar(self, capsys, terminal_):
        screen = terminal.Screen()
        with screen.painting("photo"):
            screen.download(1_500_000, 3_000_000)
        screen.download(1, 2)  # no bar, no harm
        assert "1.5 of 3.0 MB" in capsys.readouterr().err

    @pytest.mark.parametrize(("seconds", "text"), [(-1, "0:00"), (7.4, "0:07"), (754, "12:34"), (3723, "1:02:03")])
    def test_durations(self, seconds, text):
        assert terminal.duration(seconds) == text


def test_losses_lie_beside_a_painting_that_asks_for_them(paint, impasto, folder):
    words = ("photo.png", "-o", "out.png", "--scales", "1", "--losses")
    assert paint(*words).code == 0
    first, *lines = (folder / "out.losses.csv").read_text().splitlines()
    assert first == "step,height,width,content,style,tv,range"
    assert [line.split(",")[:3] for line in lines] == [[str(step), "24", "32"] for step in (1, 2, 3)]
    assert paint(*words).code == 1


# --- records of pictures that version 0.1 painted, whose options held those of every method ---------------------------

RECORDS = json.loads(Path(__file__).with_name("records_of_0.1.json").read_text())
TRANSLATED = {"direction": "B2A", "colour": "keep"}
MEANT = {
    "adain": AdaINOptions(strength=0.5, detail=0.4, colour="match", size=16),
    "adain-refined": StylizeOptions(detail=0.85, quality="finer", refine=2, tv_weight=0.5, pooling="max"),
    "gatys": GatysOptions(preset="paper-gatys", steps=2, seed=3, init="noise", style_weight=5.0),
    "cyclegan": CycleGANOptions(**TRANSLATED),
    "nla-cyclegan": NLACycleGANOptions(**TRANSLATED),
    "dncnn-cyclegan": DnCNNCycleGANOptions(**TRANSLATED),
    "semantic-gan": SemanticGANOptions(**TRANSLATED),
}


@pytest.mark.parametrize("name", RECORDS)
def test_like_repeats_them(name, impasto, folder, monkeypatch):
    chosen = []
    monkeypatch.setattr(command, "_paint", lambda pictures, options, *rest: chosen.append(options))
    Image.new("RGB", (4, 3)).save(folder / "old.jpg", exif=to_exif(RECORDS[name]))
    outcome = impasto("stylize", "photo.png", "--like", "old.jpg")
    assert (outcome.code, outcome.err) == (0, "")
    assert chosen == [MEANT[name]]
