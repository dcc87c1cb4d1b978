"""What cannot be written is refused before any work, by every command; and no command overwrites what it reads."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from impasto import api, attention, encoders, evaluation, image
from impasto.evaluation import measures
from impasto.files import check_folder, check_output
from impasto.methods.adain import foreign, painting, training
from impasto.studies import gatys, trained_report
from impasto.training import unpaired

# Nobody can make a file there, not even root, as whom tests may run.
NOBODYS = "/proc"

STYLED = ("photo.png", "-s", "style.png")
SURVEY = ("--content", "contents", "-s", "styles", "-r", "results")


@pytest.fixture
def materials(folder):
    """Folders for every command, and a file that is read by the name that the command would write."""
    for name in ("contents", "styles", "results", "album"):
        (folder / name).mkdir()
        shutil.copy(folder / "photo.png", folder / name / "photo.png")
    for name in ("photo.png", "style.png"):
        os.link(folder / name, folder / f"{name}.style.safetensors")
        os.link(folder / name, folder / f"{name}.html")
    return folder


@pytest.fixture
def idle(monkeypatch):
    """Nothing may be read, loaded or painted.

    Where a name was taken by an import it is another one; a module that takes it only now would keep it for ever.
    """

    def work(*_, **__):
        raise AssertionError("work was done before the output was refused")

    for place, name in (
        (image, "read"), (api, "paint"), (api, "encode_style"), (attention, "attention"),
        (evaluation, "picture_set"), (foreign, "import_foreign"), (gatys, "paint"), (gatys, "attention"),
        *((taker, "load_encoder") for taker in (encoders, painting, training, measures, trained_report, unpaired)),
    ):  # fmt: skip
        monkeypatch.setattr(place, name, work)


UNWRITABLE = [
    ["stylize", *STYLED, "-o", f"{NOBODYS}/out.png"],
    ["stylize", *STYLED, "-o", f"{NOBODYS}/new/"],
    ["stylize", *STYLED, "--grid", f"{NOBODYS}/grid.png"],
    ["stylize", *STYLED, "--grid", "missing/grid.png"],
    ["stylize", *STYLED, "-o", "album/"],
    ["stylize", *STYLED, "--grid", "album/photo.png"],
    ["demo", "-o", f"{NOBODYS}/out.png"],
    ["encode", "style.png", "-o", f"{NOBODYS}/x.style.safetensors"],
    ["attention", *STYLED, "--at", "1,1", "-o", f"{NOBODYS}/look.png"],
    ["attention", *STYLED, "-o", "missing/look.html"],
    ["compare", *STYLED, "-o", f"{NOBODYS}/compared"],
    ["compare", *STYLED, "-o", "photo.png"],
    ["evaluate", "results", "--content", "contents", "-o", f"{NOBODYS}/numbers"],
    ["evaluate", "results", "--content", "contents", "-o", "photo.png"],
    ["study", "pooling", "-o", f"{NOBODYS}/study"],
    ["study", "pooling", "-o", "photo.png"],
    ["survey", "create", f"{NOBODYS}/x.survey", *SURVEY],
    ["weights", "normalise", "--data", "contents", "-o", f"{NOBODYS}/x.safetensors"],
    ["weights", "import", "style.png", "-o", f"{NOBODYS}/x.safetensors"],
]


@pytest.mark.parametrize("words", UNWRITABLE, ids=" ".join)
def test_what_cannot_be_written_is_refused_before_any_work(words, impasto, materials, idle):
    (materials / "album" / "photo-style.png").mkdir()
    before = sorted(materials.rglob("*"))
    outcome = impasto(*words)
    refused = next((word for word in words if word.startswith(NOBODYS)), words[-1])
    outcome.refuses(1, refused.rstrip("/").split("/")[0])
    assert "inside impasto" not in outcome.err
    assert sorted(materials.rglob("*")) == before


def test_the_folder_of_a_training_is_refused_before_its_pictures_are_looked_at(impasto, materials, monkeypatch):
    monkeypatch.setattr("impasto.cli.train.check_data", None)
    impasto("train", "cyclegan", "--data", "A=contents", "--data", "B=styles", "--out", f"{NOBODYS}/run").refuses(
        1, f"{NOBODYS}/run: this folder cannot be made"
    )


READ = [
    ["stylize", *STYLED, "-o", "photo.png"],
    ["stylize", *STYLED, "-o", "style.png"],
    ["stylize", *STYLED, "-o", "album/photo.png", "--like", "album/photo.png"],
    ["stylize", *STYLED, "-o", "start.png", "--method", "gatys", "--init", "start.png"],
    ["stylize", "photo.png", "-s", "style.png.style.safetensors", "-o", "x.png", "--grid", "photo.png"],
    ["encode", "style.png", "-o", "style.png.style.safetensors"],
    ["attention", *STYLED, "--at", "1,1", "-o", "photo.png"],
    ["attention", *STYLED, "--at", "1,1", "-o", "style.png"],
    ["attention", *STYLED, "-o", "photo.png.html"],
    ["weights", "import", "style.png", "-o", "style.safetensors"],
    ["weights", "normalise", "--data", "contents", "--vgg19", "style.png", "-o", "style.safetensors"],
]


@pytest.mark.parametrize("words", READ, ids=" ".join)
def test_what_is_read_is_never_overwritten(words, impasto, materials, idle, monkeypatch):
    monkeypatch.setattr("impasto.record.read_record", lambda _: {"options": {}})
    shutil.copy(materials / "photo.png", materials / "start.png")
    os.link(materials / "style.png", materials / "style.safetensors")
    before = {path: path.read_bytes() for path in materials.rglob("*") if path.is_file()}
    outcome = impasto(*words, "--overwrite")
    outcome.refuses(1, "this is an input, which is never overwritten")
    assert {path: path.read_bytes() for path in materials.rglob("*") if path.is_file()} == before


def test_a_comparison_overwrites_neither_inputs_nor_what_is_not_its_own(impasto, materials, idle):
    (materials / "results" / "photo-style-adain.png").symlink_to(materials / "style.png")
    words = ["compare", "results/photo.png", "-s", "style.png", "--methods", "adain", "-o"]
    assert "photo-style-adain.png: this is an input" in impasto(*words, "results").err
    shutil.copy("photo.png", "album/photo-style-adain.png")
    assert "album/photo-style-adain.png: is there already, and not of impasto" in impasto(*words, "album").err


def test_a_study_overwrites_no_input(impasto, materials, idle, monkeypatch):
    (materials / "album" / "numbers.json").write_text('{"study": "pooling"}')
    shutil.copy("photo.png", "album/figure.png")
    monkeypatch.undo()
    outcome = impasto(
        "study", "pooling", "--content", str(materials / "album" / "figure.png"), "-o", str(materials / "album")
    )
    assert "figure.png: this is an input" in outcome.err


def test_a_sheet_is_none_of_the_paintings(impasto, materials, idle):
    impasto("stylize", *STYLED, "-o", "album", "--grid", "album/photo-style.png").refuses(
        2, "is also one of the paintings"
    )


def test_generators_are_not_evaluated_into_the_test_pictures(tmp_path, monkeypatch):
    from impasto.errors import OptionError
    from impasto.evaluation import Judges, PictureSet, evaluate, evaluate_runs

    monkeypatch.setattr(evaluate, "checkpoints_of", lambda _: {})
    folder = tmp_path / "set" / "test" / "A"
    folder.mkdir(parents=True)
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / "0.png")
    pictures = PictureSet((folder / "0.png",))
    test = {"A": pictures, "B": pictures}
    with pytest.raises(OptionError, match="--output would put pictures where"):
        evaluate_runs([tmp_path], test, {}, tmp_path / "set", Judges(networks=()), warn=print)


def test_a_survey_is_not_overwritten_by_its_own_report(impasto, folder):
    from impasto.errors import PictureError
    from impasto.report.folder import check_files
    from impasto.survey.report_files import FILES

    (folder / "report.json").write_text("a survey")
    with pytest.raises(PictureError, match="this is an input"):
        check_files(folder, FILES, inputs=[folder / "report.json"])


def test_a_run_does_not_learn_from_the_files_that_it_replaces(impasto, materials):
    (materials / "run").mkdir()
    (materials / "run" / "decoder.safetensors").write_bytes(b"weights")
    words = ["--data", "content=contents", "--data", "style=styles", "--start", "run/decoder.safetensors"]
    impasto("train", "adain_more", *words, "--out", "run").refuses(2, "lies in the run's own folder")


def test_what_is_too_large_for_the_format_is_refused_before_painting(paint, folder, draw, monkeypatch):
    draw(folder / "wide.png", size=(1, 16384))
    monkeypatch.setattr(api, "paint", None)
    paint("wide.png", "-o", "out.webp").refuses(1, "out.webp: WebP holds at most 16383 pixels a side")
    with pytest.raises(image.PictureError, match="WebP holds at most"):
        api.stylize("wide.png", "style.png", output="out.webp")


def test_checking_leaves_nothing(folder, tmp_path):
    check_folder(tmp_path / "new" / "deeper")
    check_output(tmp_path / "new" / "x", makes_folder=True)
    assert check_output(tmp_path / "x") == Path(os.path.realpath(tmp_path / "x"))
    assert {path.name for path in tmp_path.iterdir()} == {"photo.png", "style.png"}
