"""Paintings as files: what is replaced, resumed and kept on the way."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from impasto import image
from impasto.errors import Cancelled, OptionError, PictureError
from impasto.jobs.file_target import FileTarget, add_losses
from impasto.jobs.job import Skipped
from impasto.jobs.pipeline import paint, run
from impasto.methods import StylizeOptions
from impasto.progress import Progress
from impasto.record import read_record


@pytest.fixture
def job(store, tmp_path):
    (one,) = store.jobs(store.source("a"))
    return replace(one, target=FileTarget(path=tmp_path / "out.png"))


def to(job, **how):
    return replace(job, target=replace(job.target, **how))


def test_the_contents_depth_or_another_one(job, session, store):
    store["a"] = image.Picture(np.full((1, 3, 8, 8), 0.5, np.float32), bits=16)
    for bits, expected in ((None, 16), (8, 8)):
        paint(to(job, bits=bits, overwrite=True), session)
        assert job.target.path.read_bytes()[24] == expected
    with pytest.raises(OptionError, match="--bits 16 is for PNG and TIFF"):
        to(job, path=job.target.path.with_suffix(".jpg"), bits=16).target.check(job)


def test_only_what_may_be_replaced_is(job, session):
    paint(job, session)
    changed = {"options": StylizeOptions(strength=0.5)}
    for how, also, said in (
        ({}, {}, "the file exists; --resume leaves it"),
        ({}, changed, "the file exists; choose another name, or --overwrite"),
        ({"resume": True}, changed, r"was painted with other options \(--strength\)"),
        ({"resume": True}, {**changed, "styles": ()}, r"was painted with other options \(--style, --strength\)"),
    ):
        other = replace(to(job, **how), **also)
        with pytest.raises(PictureError, match=said):
            other.target.check(other)
    for how in ({"overwrite": True}, {"resume": True}):
        to(job, **how).target.check(job)
    with pytest.raises(PictureError, match="this is an input"):
        to(job, overwrite=True, inputs=[job.target.path]).target.check(job)


def test_a_finished_painting_is_left_be_and_an_unfinished_one_is_not(job, session, method):
    method.steps = 4

    def stop(progress):
        if progress.step == 2:
            raise Cancelled

    resumed = to(job, resume=True)
    list(run([resumed], session, stop))
    assert read_record(job.target.path)["finished"] is False
    assert paint(resumed, session).record == read_record(job.target.path)
    assert list(run([resumed], session)) == [Skipped(resumed)]
    assert not job.target.is_done(job)


def test_pictures_of_steps_are_kept_beside_it(job, session, method):
    method.steps = 7
    paint(to(job, save_every=3, keep_steps=True), session)
    assert sorted(path.name for path in job.target.path.parent.iterdir()) == [
        "out.png", "out.step0003.png", "out.step0006.png"
    ]  # fmt: skip
    record = read_record(job.target.step(3))
    assert (record["finished"], record["step"], record["content"]) == (False, 3, "a")


def test_a_state_is_not_thrown_away_by_accident(job):
    saving = to(job, save_every=3)
    job.target.state.write_bytes(b"state")
    with pytest.raises(PictureError, match="go on with --resume, or begin anew with --overwrite"):
        saving.target.check(job)
    for how in ({"resume": True}, {"overwrite": True}):
        to(saving, **how).target.check(job)
    assert to(saving, resume=True).target.begin().path == job.target.state
    assert job.target.state.exists()
    assert to(saving, overwrite=True).target.begin().every == 3
    assert not job.target.state.exists()
    assert job.target.begin() is None


def test_foreign_steps_are_not_overwritten(job):
    job.target.step(3).write_text("mine")
    for resume in (False, True):
        kept = to(job, save_every=3, keep_steps=True, resume=resume)
        with pytest.raises(PictureError, match="a step of another painting lies there"):
            kept.target.check(job)


def rows(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def report(step, style=2.0):
    return Progress(step=step, total=4, size=(24, 32), losses={"content": 0.5, "style": style})


def test_every_step_is_a_line(tmp_path):
    path = tmp_path / "out.losses.csv"
    for step in (1, 2):
        add_losses(path, report(step, 1 / step))
    assert rows(path) == [
        {"step": "1", "height": "24", "width": "32", "content": "0.5", "style": "1"},
        {"step": "2", "height": "24", "width": "32", "content": "0.5", "style": "0.5"},
    ]


def test_a_resumed_painting_replaces_what_it_had_gone_beyond_its_state(tmp_path):
    path = tmp_path / "out.losses.csv"
    for step in (1, 2, 3):
        add_losses(path, report(step))
    for step in (2, 3, 4):
        add_losses(path, report(step, 7.0))
    assert [(row["step"], row["style"]) for row in rows(path)] == [("1", "2"), ("2", "7"), ("3", "7"), ("4", "7")]
    add_losses(path, report(1))
    assert len(rows(path)) == 1, "another painting"


def test_a_method_without_terms_leaves_no_file(tmp_path):
    add_losses(tmp_path / "out.losses.csv", Progress(step=1, total=1))
    assert list(tmp_path.iterdir()) == []
