"""Several contents in one go: which ones, where to, and what happens when some are bad."""

import json
import os
import shutil

import pytest
from PIL import Image

from impasto import api, image
from impasto.cli.pictures import find_contents
from impasto.gallery import SUFFIXES
from impasto.record import read_record


@pytest.fixture
def album(folder, draw):
    (folder / "album" / "deeper").mkdir(parents=True)
    for number, name in enumerate(["a.png", "b.jpg", "deeper/c.png", ".hidden.png"]):
        draw(folder / "album" / name, number)
    (folder / "album" / "notes.txt").write_text("no picture")
    return folder / "album"


def names(*words):
    contents, problems = find_contents(words)
    assert problems == []
    return [content.name for content in contents]


def test_folders_globs_and_files_mean_pictures_each_once(album):
    assert names("album") == ["a.png", "b.jpg"]
    assert names("album/*") == ["a.png", "b.jpg"]
    assert names("album/**/*.png") == ["a.png", "c.png"]
    assert names(str(album / "*.jpg")) == ["b.jpg"]
    assert names("album/b.jpg", "album", "album/deeper/../a.png") == ["b.jpg", "a.png"]


def test_a_file_may_have_the_name_of_a_glob(album, draw):
    draw(album / "d[1].png")
    draw(album / "d1.png")
    assert names("album/d[1].png") == ["d[1].png"]


def test_suffixes_cover_what_is_written():
    assert set(image.FORMATS) <= set(SUFFIXES)


def test_own_results_are_not_painted_again(album, paint):
    assert paint("album").code == 0
    assert sorted(path.name for path in album.glob("*-impasto.*")) == ["a-impasto.png", "b-impasto.jpg"]
    assert names("album") == ["a.png", "b.jpg"]
    assert names("album/*.png") == ["a.png"]
    assert names("album/a-impasto.png") == ["a-impasto.png"]


def test_a_bad_file_does_not_stop_the_others(album, paint, folder):
    (album / "bad.jpg").write_text("this is text")
    (album / "empty.png").touch()
    outcome = paint("album", "none.png", "-o", "out")
    assert outcome.code == 1
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a-style.png", "b-style.jpg"]
    _, *lines = outcome.err.splitlines()
    assert lines[0] == "impasto: 3 of 5 could not be painted:"
    assert [line.partition(":")[0] for line in lines[1:]] == ["  album/bad.jpg", "  album/empty.png", "  none.png"]
    assert len(outcome.out.splitlines()) == 2


def test_a_glob_without_match_does_not_stop_the_others(album, paint, folder):
    outcome = paint("photo.png", "x*.png", "-o", "out/")
    assert outcome.code == 1
    assert (folder / "out" / "photo-style.png").exists()
    assert "x*.png: no picture matches" in outcome.err


def test_a_mistake_of_ours_does_not_stop_the_others(album, paint, monkeypatch):
    honest = api.paint

    def fail_once(content, *args, names, **kwargs):
        if names.content == "a.png":
            raise ZeroDivisionError("oh")
        return honest(content, *args, names=names, **kwargs)

    monkeypatch.setattr(api, "paint", fail_once)
    outcome = paint("album")
    assert outcome.code == 1
    assert (album / "b-impasto.jpg").exists()
    assert "a.png: something went wrong inside impasto (ZeroDivisionError: oh)" in outcome.err
    with pytest.raises(Exception, match="1 of 2 could not be painted") as caught:
        paint("album", "--overwrite", "--debug")
    assert isinstance(caught.value.__cause__.exceptions[0], ZeroDivisionError)


def test_collisions_are_found_before_painting(album, paint, monkeypatch, draw):
    monkeypatch.setattr(api, "paint", None)
    draw(album / "a.jpg")
    outcome = paint("album", "-o", "out", "--name", "{stem}.png")
    assert outcome.code == 2
    assert "album/a.jpg in style.png and album/a.png in style.png would both be written to out/a.png" in outcome.err
    # The states of a-style.jpg and a-style.png would have one name.
    assert paint("album", "-o", "out", "--save-every", "2").code == 2


@pytest.mark.parametrize(
    ("pattern", "made"),
    [("{number}-{style}", {"1-style.png", "2-style.jpg"}), ("v1.5 {stem}", {"v1.5 a.png", "v1.5 b.jpg"}),
     ("{stem}.tif", {"a.tif", "b.tif"}), ("x{name}", {"xa.png", "xb.jpg"})],
)  # fmt: skip
def test_a_name_without_a_suffix_gets_the_contents(pattern, made, album, paint, folder):
    assert paint("album", "-o", "out", "--name", pattern).code == 0
    assert {path.name for path in (folder / "out").iterdir()} == made


def test_pictures_in_folders_below_are_counted(album, paint, folder, draw):
    (album / "deeper" / "out").mkdir()
    (album / ".hidden").mkdir()
    for name in ("deeper/c.png", "deeper/d.jpg", "deeper/out/e.png", ".hidden/f.png"):
        draw(album / name)
    note = f"album: {{}} in folders below left out; 'album{os.sep}**' means them, too\n"
    assert paint("album", "-o", "album/deeper/out").err == note.format("2 pictures")
    assert paint("album", "-o", "album/deeper").err == ""
    shutil.rmtree(album / "deeper")
    assert paint("album", "--overwrite").err == ""


def test_every_output_is_checked_before_painting(album, paint, monkeypatch):
    monkeypatch.setattr(api, "paint", None)
    (album / "deeper" / "b-style.jpg").write_text("mine")
    paint("album", "-o", "album/deeper").refuses(1, "b-style.jpg: the file exists")
    assert not (album / "deeper" / "a-style.png").exists()


class TestGrid:
    def test_shows_every_content_in_every_style(self, album, paint, draw, folder, pixels):
        draw(folder / "other.png", 9, size=(32, 32))
        outcome = paint("album", "-s", "style.png", "-s", "other.png", "--grid", "sheet.png", "--json")
        assert outcome.code == 0
        made = [(record["content"], record["style"]) for record in map(json.loads, outcome.out.splitlines())]
        assert made == [(content, [style]) for content in ("a.png", "b.jpg") for style in ("style.png", "other.png")]
        sheet = pixels("sheet.png")
        # The styles are 24 and 32 high, every content 24; all are 32 wide; between them is a gap of 8. The names of
        # styles take 20 above them, and so do those of contents below each row.
        assert sheet.shape == (20 + 8 + 32 + 20 + 8 + 24 + 20 + 8 + 24 + 20 + 8, 8 + 3 * (32 + 8), 3)
        heads, foot = sheet[:28], sheet[112:132, 8:40]
        assert [(heads[:, left : left + 32] < 128).any() for left in (8, 48, 88)] == [False, True, True]
        assert (foot < 128).any()
        content, style = pixels("album/a.png"), pixels("other.png")
        assert (sheet[88:112, 8:40] == content).all()
        assert (sheet[28:60, 88:120] == style).all()
        assert (sheet[:88, :40] == 255).all()
        result = sheet[88:112, 48:80]
        assert (result != content).any()
        # Only the sheet was asked for.
        assert {path.name for path in folder.iterdir()} == {"album", "photo.png", "style.png", "other.png", "sheet.png"}

    def test_with_an_output_the_single_pictures_are_kept_too(self, album, paint, folder, pixels):
        assert paint("album", "--grid", "sheet.png", "-o", "out", "--name", "{stem}-{style}.png").code == 0
        assert (pixels("sheet.png")[80:104, 48:80] == pixels("out/a-style.png")).all()
        assert len(list((folder / "out").iterdir())) == 2

    def test_a_content_that_failed_is_a_grey_row(self, album, paint, pixels):
        (album / "a.png").write_text("text")
        outcome = paint("album", "-s", "style.png", "photo.png", "--grid", "sheet.png")
        assert outcome.code == 1
        # Photos are counted, not paintings.
        assert "impasto: 1 of 2 could not be painted:\n" in outcome.err
        assert (pixels("sheet.png")[80:81, 48:80] == round(0.85 * 255)).all()


def test_transparency_survives(paint, folder):
    Image.new("RGBA", (64, 48), (200, 10, 10, 100)).save("glass.png")
    assert paint("glass.png", "-o", "out.png").code == 0
    with Image.open("out.png") as result:
        assert result.getchannel("A").getextrema() == (100, 100)


def test_several_styles_and_masks_after_one_flag(paint, draw, folder, pixels):
    draw(folder / "other.png", seed=5)
    draw(folder / "mask.png", seed=6)
    styles = ("-s", "style.png", "other.png", "--mask", "mask.png")
    outcome = paint("photo.png", *styles, "rest", "-o", "out.png")
    assert (outcome.code, outcome.err) == (0, "")
    record = read_record("out.png")
    assert (record["style"], record["masks"]) == (["style.png", "other.png"], ["mask.png", "rest"])
    assert paint("photo.png", *styles, "-o", "same.png").code == 0
    assert (pixels("out.png") == pixels("same.png")).all()
    assert paint("photo.png", "-s", "style.png", "-o", "everywhere.png").code == 0
    assert (pixels("out.png") != pixels("everywhere.png")).any()
