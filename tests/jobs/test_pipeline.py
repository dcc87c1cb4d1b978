"""A picture's way: which events come, what is read and written, and how often."""

from dataclasses import replace

import pytest

from impasto import api
from impasto.errors import Cancelled, OptionError, PictureError, WeightsError
from impasto.image import Picture
from impasto.jobs import pipeline
from impasto.jobs.job import BytesSource, Failed, FileSource, Mask, Painted, PaintJob, Skipped, Started, Stopped
from impasto.jobs.pipeline import paint, prepare, run
from impasto.methods import StylizeOptions


def test_a_picture_is_read_painted_written_and_told_of(store, session):
    (job,) = store.jobs(store.source("a"), facts={"places": {"style": ["there"]}})
    started, painted = run([job], session)
    assert (started, painted.job) == (Started(job), job)
    picture, record = store.written["a"]
    assert picture is painted.picture
    assert float(picture.pixels.mean()) == 0.25
    assert record == painted.record
    assert (record["content"], record["style"], record["places"]) == ("a", ["style"], {"style": ["there"]})


def test_without_a_target_it_stays_in_memory(store, session):
    (job,) = store.jobs(store.source("a"))
    assert paint(replace(job, target=None), session).record["content"] == "a"
    assert store.written == {}


def test_pictures_of_one_size_are_painted_at_once(store, session, method):
    jobs = store.jobs(*(store.source(name) for name in "abc"), store.source("large", 16), store.source("d"))
    events = list(run(jobs, session))
    assert [event.job for event in events if isinstance(event, Painted)] == jobs
    assert method.batches == [3, 1, 1]
    assert list(run([], session)) == []
    store.written.clear()
    list(run(jobs, session, batch_pixels=0))
    assert method.batches[3:] == [1] * 5
    store.written.clear()
    list(run(jobs, session, batch_pixels=2 * 8 * 8))
    assert method.batches[8:] == [2, 1, 1, 1]


def test_a_processor_paints_as_many_at_once_as_its_caches_hold(store, session, method, monkeypatch):
    monkeypatch.setattr(pipeline, "CACHED_PIXELS", 2 * 8 * 8)
    list(run(store.jobs(*(store.source(name) for name in "abc")), session))
    assert method.batches == [2, 1]


def test_few_large_pictures_are_held_however_small_they_are_painted(store, session, method, monkeypatch):
    monkeypatch.setattr(pipeline, "READ_PIXELS", 2 * 64 * 64)
    jobs = store.jobs(*(store.source(name, 64) for name in "abc"))
    list(run([replace(job, options=StylizeOptions(size=8)) for job in jobs], session))
    assert method.batches == [2, 1]


def test_a_batch_that_fails_is_painted_one_by_one(store, session, monkeypatch):
    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr(api, "paint_batch", fail)
    list(run(store.jobs(store.source("a"), store.source("b")), session))
    assert list(store.written) == ["a", "b"]


def test_everything_is_read_once(store, session, method):
    content, styles, mask = store.source("a"), [store.source("s1"), store.source("s2")], Mask("m", store.source("m"))
    jobs = [PaintJob(content, (style,), StylizeOptions(), (mask,)) for style in styles]
    prepare(jobs, session)
    assert [event.job for event in run(jobs, session) if isinstance(event, Painted)] == jobs
    assert store.reads == ["s1", "s2", "m", "a"]
    assert method.encoded == ["s1", "s2"]
    assert method.batches == [1, 1]


def test_what_is_done_is_skipped_and_not_read(store, session):
    jobs = store.jobs(store.source("a"), store.source("b"))
    list(run(jobs[:1], session))
    store.reads.clear()
    assert list(run(jobs, session))[0:1] == [Skipped(jobs[0])]
    assert "a" not in store.reads
    assert set(store.written) == {"a", "b"}


def test_a_failure_does_not_stop_the_others(store, session):
    bad, worse = store.source("bad", error=PictureError("damaged")), store.source("worse", error=ZeroDivisionError())
    jobs = [*store.jobs(bad), *store.jobs(bad), *store.jobs(worse), *store.jobs(store.source("b"))]
    full = replace(jobs[3], content=store.source("c"), target=store.full("c"))
    events = [event for event in run([*jobs, full], session) if not isinstance(event, Started)]
    read, ours, *others = events
    assert isinstance(read, Failed)
    assert (len(read.jobs), str(read.error), read.is_final) == (2, "damaged", False)
    assert isinstance(ours.error, ZeroDivisionError)
    assert [type(event) for event in others] == [Painted, Failed]
    with pytest.raises(PictureError, match="the disk is full"):
        paint(full, session)


@pytest.mark.parametrize("error", [WeightsError("not here"), OptionError("cannot be"), BrokenPipeError()])
@pytest.mark.parametrize("together", [True, False])
def test_what_every_job_would_meet_ends_the_run(store, session, method, error, together, monkeypatch):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(api, "paint_batch", fail)
    monkeypatch.setattr(api, "paint", fail)
    events = list(run(store.jobs(store.source("a"), store.source("b")), session, batch_pixels=10**6 * together))
    assert isinstance(events[-1], Failed)
    assert (events[-1].error, events[-1].is_final) == (error, True)
    assert sum(isinstance(event, Failed) for event in events) == 1


def stop_at(number):
    def hear(progress):
        if progress.step == number:
            raise Cancelled

    return hear


def test_a_wish_to_stop_keeps_the_picture_so_far(store, session, method):
    method.steps = 8
    jobs = store.jobs(store.source("a"), store.source("b", 16))
    *_, stopped = run(jobs, session, stop_at(3))
    picture, record = store.written["a"]
    assert (stopped.record, stopped.error.best) == (record, picture)
    assert (record["finished"], record["step"], record["steps"]) == (False, 3, 8)
    assert str(stopped.error) == "stopped at step 3 of 8; a is the best picture so far"
    assert "b" not in store.written
    with pytest.raises(Cancelled) as caught:
        paint(replace(jobs[1], target=None), session, stop_at(1))
    assert isinstance(caught.value.best, Picture)


def test_a_wish_to_stop_is_granted_even_if_nothing_can_be_kept(store, session, method):
    method.steps = 8
    (job,) = store.jobs(store.source("a"))
    *_, stopped = run([replace(job, target=store.full("a"))], session, stop_at(3))
    assert isinstance(stopped, Stopped)
    assert stopped.record is None
    assert str(stopped.error) == "stopped at step 3 of 8; the picture so far could not be kept: the disk is full"


def test_bytes_and_files_are_sources(tmp_path):
    with pytest.raises(PictureError, match=r"^content: it is not a picture"):
        BytesSource(b"text", "content").read(10)
    assert BytesSource(b"text", "content").key == BytesSource(b"text", "style 1").key
    (tmp_path / "a.png").write_bytes(b"text")
    with pytest.raises(PictureError, match=r"a\.png: it is not a picture"):
        FileSource(tmp_path / "a.png", "a").read(10)


def test_a_title_names_all_styles(tmp_path):
    content, one, other = (FileSource(tmp_path / name, name) for name in ("a.png", "b.png", "c.png"))
    assert PaintJob(content, (one, other), StylizeOptions()).title == "a.png in b.png + c.png"
    assert PaintJob(content, (), StylizeOptions()).title == "a.png"
