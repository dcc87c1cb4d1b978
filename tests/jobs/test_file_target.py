"""Paintings as files: what is replaced, resumed and kept on the way."""

from dataclasses import replace

import numpy as np
import pytest

from impasto import image
from impasto.errors import Cancelled, OptionError, PictureError
from impasto.jobs.events import Skipped
from impasto.jobs.file_target import FileTarget
from impasto.jobs.pipeline import paint, run
from impasto.methods import StylizeOptions
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
