"""What a run shows: the right parts of the previews in the right places, the right values in the curves, its page."""

import base64
import builtins
import io
import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from standalone import Page
from torch.utils.tensorboard import SummaryWriter

from impasto.errors import missing_extra
from impasto.training import figures
from impasto.training.runs import losses_of

CELL, ROWS = 24, 2
COLUMNS = ("content", "style", "result")


def shade(step: int) -> tuple[int, int, int]:
    return (step % 251, 7, 9)


def preview(folder: Path, step: int) -> Path:
    """Content grey, style green, and a result that says which step it is of; the second row darker by 5."""
    pixels = np.zeros((ROWS * CELL, 3 * CELL, 3), np.uint8)
    for column, colour in enumerate([(100, 100, 100), (20, 200, 20), shade(step)]):
        pixels[:, column * CELL : (column + 1) * CELL] = colour
    pixels[CELL:, :, 2] -= 5
    path = folder / f"{step:07d}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def columns_of(path: Path) -> list[tuple[int, ...]]:
    """The colour in the middle of each cell of the first row."""
    with Image.open(path) as file:
        pixels = np.asarray(file.convert("RGB"))
    bottom = pixels[-ROWS * CELL :]
    assert (bottom[:CELL, :, 2].astype(int) - bottom[CELL:, :, 2] == 5).all(), "whole rows, under a head"
    assert (pixels[0] == 255).all(), "a head"
    assert pixels.shape[1] % CELL == 0
    return [tuple(bottom[CELL // 2, left + CELL // 2].tolist()) for left in range(0, pixels.shape[1], CELL)]


def test_the_strip_shows_what_stays_once_and_the_result_of_every_step(tmp_path: Path) -> None:
    for step in (40, 10_000_000, 5):  # neither in order nor with as many digits
        preview(tmp_path / "previews", step)
    (tmp_path / "previews" / "notes.png").write_text("not of a step")
    previews = figures.previews_of(tmp_path)
    assert [int(path.stem) for path in previews] == [5, 40, 10_000_000]
    figures.draw_strip(previews, COLUMNS, tmp_path / "previews.png")
    grey, green = (100, 100, 100), (20, 200, 20)
    assert columns_of(tmp_path / "previews.png") == [grey, green, shade(5), shade(40), shade(10_000_000)]


def test_previews_without_other_columns(tmp_path: Path) -> None:
    files = []
    for step in (1, 2):
        Image.new("RGB", (CELL, ROWS * CELL), shade(step)).save(tmp_path / f"{step}.png")
        files.append(tmp_path / f"{step}.png")
    figures.draw_strip(files, ("result",), tmp_path / "strip.png")
    with Image.open(tmp_path / "strip.png") as strip:
        assert strip.width == 2 * CELL
        assert [strip.getpixel((left, strip.height - 1)) for left in (0, CELL)] == [shade(1), shade(2)]


def test_titles_stand_above_their_columns(tmp_path: Path) -> None:
    titles = []
    for step in (1, 888):
        figures.draw_strip([preview(tmp_path, step)], COLUMNS, tmp_path / "strip.png")
        with Image.open(tmp_path / "strip.png") as strip:
            head = np.asarray(strip.convert("L"))[: strip.height - ROWS * CELL]
        titles.append([(head[:, left : left + CELL] < 200).sum() for left in range(0, 3 * CELL, CELL)])
    (content, style, one), (same_content, same_style, long) = titles
    assert (content, style) == (same_content, same_style)
    assert min(content, style, one) > 0
    assert long > 2 * one


def test_a_strip_of_very_many_steps_takes_some_of_them_the_first_and_the_last_included(tmp_path: Path) -> None:
    files = [preview(tmp_path, step) for step in range(1, 101)]
    figures.draw_strip(files, COLUMNS, tmp_path / "strip.png")
    found = [step[0] for step in columns_of(tmp_path / "strip.png")[2:]]
    assert len(found) == figures.MOST_STEPS
    assert (found[0], found[-1]) == (1, 100)
    gaps = np.diff(found)
    assert gaps.max() - gaps.min() <= 1


@pytest.fixture
def log(tmp_path: Path) -> Callable[[dict[str, dict[int, float]]], None]:
    def write(curves: dict[str, dict[int, float]]) -> None:
        writer = SummaryWriter(str(tmp_path / "tensorboard"))
        for name, curve in curves.items():
            for step, value in curve.items():
                writer.add_scalar(name, value, step)
        writer.close()

    return write


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that were saved."""
    saved: list[Figure] = []
    save = Figure.savefig

    def remember(self: Figure, *arguments: Any, **options: Any) -> None:
        saved.append(self)
        save(self, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", remember)
    return saved


def test_of_a_step_that_was_made_again_the_later_value_counts(tmp_path: Path, log: Any) -> None:
    for attempt in range(11):  # files whose names do not sort by time
        log({"loss": {step: step + 0.01 * attempt for step in (10, 20, 30)[: 3 if attempt == 0 else 2]}})
    curve = losses_of(tmp_path)["loss"]
    assert list(curve) == [10, 20, 30]
    assert list(curve.values()) == pytest.approx([10.1, 20.1, 30.0])


def test_every_value_is_kept_of_a_long_run(tmp_path: Path, log: Any) -> None:
    log({"loss": dict.fromkeys(range(12_000), 1.0)})  # TensorBoard itself samples 10,000
    assert len(losses_of(tmp_path)["loss"]) == 12_000


def test_a_panel_for_each_loss_with_the_held_out_pictures_beside_the_training(
    tmp_path: Path, log: Any, drawn: list[Figure]
) -> None:
    steps = range(1, 6)
    log({
        "loss": {step: 10.0 / step**2 for step in steps},
        "loss/content": {step: 5.0 / step**2 for step in steps},
        "held out/content": {step: 4.0 / step**2 for step in (1, 5)},
        "score": {step: step - 3.0 for step in steps},
        "flat": {step: 1 + 0.1 * step for step in steps},
    })  # fmt: skip
    figures.draw_losses(tmp_path)
    panels = {panel.get_title(): panel for panel in drawn[0].axes}
    assert list(panels) == ["loss", "content", "score", "flat"]
    lines = {line.get_label(): line for line in panels["content"].lines}
    assert list(lines) == ["loss", "held out"]
    assert list(lines["held out"].get_xdata()) == [1, 5]
    assert list(lines["held out"].get_ydata()) == pytest.approx([4, 4 / 25])
    assert [text.get_text() for text in drawn[0].legends[0].get_texts()] == ["loss", "held out"]
    strokes = [line.get_color() for line in drawn[0].legends[0].get_lines()]
    assert strokes == [lines[label].get_color() for label in ("loss", "held out")]
    scales = {name: panel.get_yscale() for name, panel in panels.items()}
    assert scales == {"loss": "log", "content": "log", "score": "linear", "flat": "linear"}
    with Image.open(tmp_path / "losses.png") as picture:
        assert picture.width > picture.height > 100
    assert not list(tmp_path.glob("*.part"))


def test_the_trend_of_a_crowded_curve_is_drawn_over_it(tmp_path: Path, log: Any, drawn: list[Figure]) -> None:
    log({"loss": {step: 2.0 + (-1) ** step for step in range(400)}})
    figures.draw_losses(tmp_path)
    values, trend = drawn[0].axes[0].lines
    assert len(values.get_xdata()) == 400
    assert list(trend.get_ydata()) == pytest.approx([2.0] * len(trend.get_ydata()))
    middles, width = np.array(trend.get_xdata()), 8
    assert (middles[0], middles[-1]) == (width // 2, 400 - width // 2)


def test_without_curves_there_is_no_figure(tmp_path: Path, drawn: list[Figure]) -> None:
    (tmp_path / "tensorboard").mkdir()
    figures.draw_losses(tmp_path)
    assert (drawn, list(tmp_path.glob("*.png"))) == ([], [])


def test_without_matplotlib_there_is_a_line_in_the_log(
    tmp_path: Path, log: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log({"loss": {1: 1.0}})
    real = builtins.__import__

    def missing(name: str, *arguments: Any, **options: Any) -> Any:
        if name.partition(".")[0] == "matplotlib":
            raise ModuleNotFoundError(f"No module named '{name}'", name="matplotlib")
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", missing)
    with caplog.at_level(logging.INFO):
        figures.draw_losses(tmp_path)
    assert [record.getMessage() for record in caplog.records if record.name == "impasto"] == [
        missing_extra("losses.png", "train", "matplotlib")
    ]
    assert not (tmp_path / "losses.png").exists()


# --- the page --------------------------------------------------------------------------------------------------------


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
    figures.write_page(folder, columns=("picture", "and back"))
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
            assert thumbnail.size == (figures.THUMBNAIL[1] // 4, figures.THUMBNAIL[1])
    assert {path.name for path in folder.iterdir()} == {
        "config.json", "health.json", "index.html", "previews", "tensorboard",
    }  # fmt: skip


def test_few_of_many_previews_are_inside_and_all_are_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "MOST_PREVIEWS", 5)
    folder = make_run(tmp_path / "run", previews=13)
    figures.write_page(folder)
    text, reader = read(folder)
    assert len(reader.images) == 5
    assert set(re.findall(r'href="previews/(\d+)\.png">\d', text)) == {f"{n:07d}" for n in range(1, 14)}
    shown = re.findall(r'data-step="(\d+)"', text)
    assert (shown[0], shown[-1]) == ("1", "13")


def test_it_reloads_only_while_the_run_goes_on(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", previews=0)
    figures.write_page(folder, going_on=False)
    text, _ = read(folder)
    assert "refresh" not in text
    assert "stopped; --resume goes on" in text
    assert "There is no preview yet." in text
    finished = make_run(tmp_path / "finished", done=100, previews=0)
    figures.write_page(finished)
    text, _ = read(finished)
    assert ", finished" in text
    assert "refresh" not in text


def test_a_run_that_has_just_begun(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    figures.write_page(tmp_path)
    text, _ = read(tmp_path)
    assert "<strong>Step 0</strong>" in text
    assert "Nothing has been logged yet." in text


def test_a_page_that_fails_is_a_line_in_the_log_and_leaves_the_old_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = make_run(tmp_path / "run", previews=1)
    figures.write_page(folder)
    before = (folder / "index.html").read_bytes()
    (folder / "previews" / "0000001.png").write_bytes(b"half a picture")
    with caplog.at_level(logging.WARNING):
        figures.write_page(folder)
    assert "index.html could not be written" in caplog.text
    assert (folder / "index.html").read_bytes() == before
    assert not list(folder.glob(".*"))
    figures.write_page(tmp_path / "nowhere")
