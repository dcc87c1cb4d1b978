"""Stopping, saving and resuming."""

import signal

import numpy as np
import pytest

from impasto import api, image
from impasto.record import read_record

LONG = ("--method", "gatys", "--steps", "8")


class KilledError(BaseException):
    """Stands for a kill: nothing handles it."""


@pytest.fixture
def at_step(monkeypatch):
    """Do something at a step of the painting, once, after its progress was noted."""
    acts = {}
    honest = api.paint

    def paint(*words, progress, **values):
        def hear(step):
            progress(step)
            acts.pop(step.step, lambda: None)()

        return honest(*words, progress=hear, **values)

    monkeypatch.setattr(api, "paint", paint)
    return acts.__setitem__


@pytest.fixture
def long(impasto):
    return lambda *words: impasto("stylize", *words, "--style", "style.png", *LONG)


def kill():
    raise KilledError


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_keep_the_best_picture(number, long, at_step, folder):
    before = signal.getsignal(signal.SIGTERM)
    at_step(3, lambda: signal.raise_signal(number))
    outcome = long("photo.png", "-o", "out.png")
    assert outcome.code == 130
    assert outcome.err == "impasto: stopped at step 3 of 8; out.png is the best picture so far\n"
    record = read_record("out.png")
    assert (record["finished"], record["step"], record["steps"]) == (False, 3, 8)
    assert (record["content"], record["options"]["steps"]) == ("photo.png", 8)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_signal_that_comes_twice_keeps_it_too(long, at_step, folder, draw, monkeypatch):
    draw(folder / "later.png", 5)

    def write(*words, **values):
        # While the picture so far is written, and while the sheet is.
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        return honest(*words, **values)

    honest = image.write
    monkeypatch.setattr(image, "write", write)
    at_step(3, lambda: signal.raise_signal(signal.SIGINT))
    outcome = long("photo.png", "later.png", "-o", "out", "--grid", "sheet.png")
    assert (outcome.code, "stopped at step 3 of 8" in outcome.err) == (130, True)
    assert read_record("out/photo-style.png")["step"] == 3
    assert read_record("sheet.png")


def test_a_signal_that_is_ignored_stays_ignored(long, at_step):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        at_step(3, lambda: signal.raise_signal(signal.SIGINT))
        assert long("photo.png", "-o", "out.png").code == 0
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_sheet_shows_what_there_is_when_stopped(long, at_step, folder, draw, pixels):
    draw(folder / "later.png", 5)
    at_step(3, lambda: signal.raise_signal(signal.SIGINT))
    assert long("photo.png", "later.png", "--grid", "sheet.png").code == 130
    sheet = pixels("sheet.png")
    assert (sheet[80:104, 48:80] != round(0.85 * 255)).any()
    assert (sheet[132:156, 48:80] == round(0.85 * 255)).all()


@pytest.mark.parametrize("act", [kill, lambda: signal.raise_signal(signal.SIGINT)], ids=["killed", "interrupted"])
def test_a_stopped_run_resumes_to_the_same_picture(act, long, at_step, folder, pixels):
    long("photo.png", "-o", "whole.png")
    at_step(5, act)
    if act is kill:
        with pytest.raises(KilledError):
            long("photo.png", "-o", "out.png", "--save-every", "2")
        assert not (folder / "out.png").exists()
    else:
        assert "and --resume goes on with it" in long("photo.png", "-o", "out.png", "--save-every", "2").err
        assert read_record("out.png")["finished"] is False
    assert (folder / "out.state.safetensors").exists()
    first_steps = []
    for step in range(1, 9):
        at_step(step, lambda step=step: first_steps.append(step))
    assert long("photo.png", "-o", "out.png", "--resume", "--save-every", "2").code == 0
    assert first_steps[-3:] == [6, 7, 8]
    assert first_steps[0] in (5, 6)
    np.testing.assert_array_equal(pixels("out.png"), pixels("whole.png"))
    assert not (folder / "out.state.safetensors").exists()
    assert "finished" not in read_record("out.png")


def test_resume_leaves_finished_paintings_be(long, folder, monkeypatch):
    long("photo.png", "-o", "out.png")
    before = (folder / "out.png").read_bytes()
    monkeypatch.setattr(api, "paint", None)
    outcome = long("photo.png", "-o", "out.png", "--resume")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "out.png: is painted already\n")
    assert (folder / "out.png").read_bytes() == before
    long("photo.png", "-o", "out.png", "--resume", "--seed", "1").refuses(
        1, "out.png: was painted with other options (--seed); choose another name, or --overwrite"
    )
    again = long("photo.png", "-o", "out.png")
    assert "out.png: the file exists; --resume leaves it, --overwrite replaces it" in again.err
