"""The page of a run: what is on it, that it stands alone, and that it never stands in a training's way."""

import base64
import io
import json
import logging
import re
from pathlib import Path

import pytest
from PIL import Image
from standalone import Page
from torch.utils.tensorboard import SummaryWriter

from impasto.training import page
from impasto.training.page import THUMBNAIL, write_page


def make_run(folder: Path, *, steps: int = 100, done: int = 60, previews: int = 3) -> Path:
    (folder / "previews").mkdir(parents=True)
    config = {"recipe": "<cyclegan>", "schedule": {"steps": steps}, "seed": 7}
    (folder / "config.json").write_text(json.dumps(config))
    with SummaryWriter(str(folder / "tensorboard")) as writer:
        for step in range(10, done + 1, 10):
            writer.add_scalar("A2B/cycle", 100 / step, step)
            writer.add_scalar("B2A/cycle", 1.0 if step < done else float("nan"), step)
            writer.add_scalar("held out A/cycle", abs(step - 30) + 1.0, step)
    for number in range(1, previews + 1):
        Image.effect_noise((512, 2048), 90).convert("RGB").save(folder / "previews" / f"{number:07d}.png")
    return folder


def read(folder: Path) -> tuple[str, Page]:
    page = Page((folder / "index.html").read_text())
    return page.text, page


def test_everything_is_on_it_and_inside_it(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    warnings = [{"step": 30, "name": "A2B/copying", "message": "too <alike>"}]
    (folder / "health.json").write_text(json.dumps({"values": {"A2B/copying": 0.5}, "warnings": warnings}))
    write_page(folder, columns=("picture", "and back"))
    text, reader = read(folder)
    assert "<strong>Step 60 of 100</strong>, going on" in text
    assert '<progress max="100" value="60"' in text
    assert 'http-equiv="refresh"' in text
    assert "Step 30: A2B/copying: too &lt;alike&gt;" in text
    assert "run · &lt;cyclegan&gt;" in text
    assert '<th scope="row">held out A/cycle</th><td>31</td><td>1 at step 30</td>' in text
    assert '<th scope="row">seed</th><td>7</td>' in text
    assert text.count("<span>picture</span><span>and back</span>") == len(reader.images) == 3
    for image in reader.images:
        data = base64.b64decode(str(image["src"]).partition(",")[2])
        with Image.open(io.BytesIO(data)) as thumbnail:
            assert thumbnail.size == (THUMBNAIL[1] // 4, THUMBNAIL[1])
    assert {path.name for path in folder.iterdir()} == {
        "config.json", "health.json", "index.html", "previews", "tensorboard",
    }  # fmt: skip


def test_few_of_many_previews_are_inside_and_all_are_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "MOST_PREVIEWS", 5)
    folder = make_run(tmp_path / "run", previews=13)
    write_page(folder)
    text, reader = read(folder)
    assert len(reader.images) == 5
    assert set(re.findall(r'href="previews/(\d+)\.png">\d', text)) == {f"{n:07d}" for n in range(1, 14)}
    shown = re.findall(r'data-step="(\d+)"', text)
    assert (shown[0], shown[-1]) == ("1", "13")


def test_it_reloads_only_while_the_run_goes_on(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", previews=0)
    write_page(folder, going_on=False)
    text, _ = read(folder)
    assert "refresh" not in text
    assert "stopped; --resume goes on" in text
    assert "There is no preview yet." in text
    finished = make_run(tmp_path / "finished", done=100, previews=0)
    write_page(finished)
    text, _ = read(finished)
    assert ", finished" in text
    assert "refresh" not in text


def test_a_run_that_has_just_begun(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    write_page(tmp_path)
    text, _ = read(tmp_path)
    assert "<strong>Step 0</strong>" in text
    assert "Nothing has been logged yet." in text


def test_a_failure_is_a_line_in_the_log_and_leaves_the_old_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = make_run(tmp_path / "run", previews=1)
    write_page(folder)
    before = (folder / "index.html").read_bytes()
    (folder / "previews" / "0000001.png").write_bytes(b"half a picture")
    with caplog.at_level(logging.WARNING):
        write_page(folder)
    assert "index.html could not be written" in caplog.text
    assert (folder / "index.html").read_bytes() == before
    assert not list(folder.glob(".*"))
    write_page(tmp_path / "nowhere")
