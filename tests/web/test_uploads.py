"""Pictures that are sent once: who may use them, how many there may be, and when they are gone."""

import contextlib
import gc
from pathlib import Path
from types import SimpleNamespace

import pytest
from connections import until
from fake_service import refusal
from wishes import picture

from impasto.client import Client, ServerError
from impasto.service.limits import Limits
from impasto.service.uploads import LEAST_BYTES, Uploads

NOW = ("style", "now")
ADA, BOB = "a" * 22, "b" * 22


def visit(name):
    return {"Cookie": f"impasto_visit={name}"}


def sent(here, data, **headers):
    return here.ask("POST", "/v1/uploads", data, Content_Type="application/octet-stream", **headers)


@pytest.fixture
def clock():
    return SimpleNamespace(now=0.0)


@pytest.fixture
def kept(clock):
    """Room for three pictures of the least size for each, and for five of all."""
    each, together = 3 * LEAST_BYTES / 1e6, 5 * LEAST_BYTES / 1e6
    return Uploads(Limits(uploads_each_mb=each, uploads_mb=together, keep_seconds=60), lambda: clock.now)


def test_a_picture_is_sent_once_and_named_from_then_on(here, submitted):
    photo = picture(3, size=(9, 7))
    answer = sent(here, photo)
    assert answer.status == 201
    upload = answer.json["id"]
    assert answer.json == {"id": upload, "width": 9, "height": 7, "bytes": len(photo), "keep_seconds": 600}
    assert answer.headers["Location"] == f"/v1/uploads/{upload}"
    style, mask = (sent(here, picture(shade)).json["id"] for shade in (4, 5))
    fields = [("content", upload), NOW, ("style", style), ("mask", mask), ("mask", "rest")]
    assert [here.stylize(*fields).status for _ in range(2)] == [200, 200]
    for wish in submitted:
        assert (wish.content, wish.styles, wish.masks) == (photo, ("now", picture(4)), (picture(5), None))
    # A place looks from it, too.
    place = (("x", "37"), ("y", "80"))
    assert here.stylize(("content", upload), NOW, *place, path="/v1/attention").status == 200
    assert here.ask("DELETE", f"/v1/uploads/{upload}").status == 204
    gone = here.stylize(("content", upload), NOW)
    assert (gone.status, gone.json["code"]) == (404, "no-such-upload")


def test_only_who_has_sent_it_may_use_it(here):
    upload = sent(here, picture(), **visit(ADA)).json["id"]
    for other in (visit(BOB), {}, visit("x"), visit(ADA + "a")):
        assert here.stylize(("content", upload), NOW, **other).status == 404
        assert here.ask("DELETE", f"/v1/uploads/{upload}", **other).status == 404
    assert here.stylize(("content", upload), NOW, **visit(ADA)).status == 200
    # Where a path or an option is expected, it means nothing.
    assert here.stylize(("content", picture()), NOW, ("colour", upload), **visit(ADA)).status == 422


def test_what_is_no_picture_or_too_large_is_not_kept(site):
    here = site(limits={"upload_mb": 0.2, "megapixels": 0.01})
    for data, status, code in (
        (b"x" * 99, 415, "not-a-picture"), (b"", 422, "PictureError"), (picture(size=(200, 100)), 413, "too-large"),
        (bytes(400_000), 413, "too-large"),
    ):  # fmt: skip
        answer = sent(here, data)
        assert (answer.status, answer.json["code"]) == (status, code)
    assert sent(here, picture(), Origin="http://evil.example").status == 403


def test_one_visitor_cannot_take_the_room_of_others(kept, clock):
    bobs = kept.put(b"bob", "address 2")
    first, *rest = [kept.put(bytes(9), f"address 1 visit {number}") for number in range(8)]
    # However many visits they pretend to make: their own oldest go.
    with refusal("no-such-upload"):
        kept.named(first, "address 1 visit 0")
    assert kept.named(rest[-1], "address 1 visit 7") == bytes(9)
    assert kept.named(bobs, "address 2") == b"bob"
    assert kept.num_bytes == 4 * LEAST_BYTES


def test_where_all_room_is_taken_nobody_loses_a_picture(kept, clock):
    held = [(kept.put(bytes(9), user), user) for user in ("a", "a", "b", "b", "b")]
    clock.now = 20
    with refusal("queue-full") as full:
        kept.put(bytes(9), "c")
    assert full.value.retry_after == 40
    for upload, user in held:
        assert kept.named(upload, user) == bytes(9)
    with refusal("too-large"):
        kept.put(bytes(4 * LEAST_BYTES), "c")


def test_it_goes_when_its_time_is_over_which_use_begins_anew(kept, clock):
    used, unused = kept.put(b"1", "a"), kept.put(b"2", "a")
    clock.now = 59
    kept.named(used, "a")
    clock.now = 61
    kept.sweep()
    assert kept.num_bytes == LEAST_BYTES
    assert kept.named(used, "a") == b"1"
    with refusal("no-such-upload"):
        kept.named(unused, "a")
    clock.now = 200
    kept.sweep()
    assert kept.num_bytes == 0


def test_time_runs_out_although_nobody_asks(site, monkeypatch):
    monkeypatch.setattr("impasto.service.workshop.SWEEP_SECONDS", 0.05)
    here = site(limits={"keep_seconds": 1})
    sent(here, picture(size=(300, 300)))
    job = here.stylize(("content", picture()), ("style", "picture")).headers["Impasto-Job"]
    assert here.ask("GET", f"/v1/jobs/{job}/result?format=jpeg").status == 200
    assert here.service.uploads.num_bytes > 0
    until(lambda: not (here.service.uploads.num_bytes or here.service.health().result_bytes))


def test_leaving_lets_go_of_everything(here):
    client = Client(here.url)
    upload = client.upload(picture())
    done = client.submit(upload, "now")["id"]
    client.stylize(upload, "now")
    held = client.submit(upload, "hold")["id"]
    waits = client.submit(upload, "now")["id"]
    client.forget(upload, done, held, waits, "none", "upload:none")
    for job in (done, waits):
        with pytest.raises(ServerError) as gone:
            client.job(job)
        assert gone.value.status == 404
    with pytest.raises(ServerError, match="there is no such upload"):
        client.stylize(upload, "now")
    # What was being painted is thrown away once it has stopped.
    until(lambda: here.ask("GET", f"/v1/jobs/{held}").status == 404)


def test_nobody_forgets_what_is_anothers(here):
    upload = sent(here, picture(), **visit(ADA)).json["id"]
    job = here.stylize(("content", picture()), NOW, **visit(ADA)).headers["Impasto-Job"]
    body = b'{"ids": ["%s", "%s"]}' % (upload.encode(), job.encode())
    assert here.ask("POST", "/v1/forget", body, **visit(BOB)).status == 204
    assert here.ask("GET", f"/v1/jobs/{job}", **visit(ADA)).status == 200
    assert here.stylize(("content", upload), NOW, **visit(ADA)).status == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[" * 100_000, 400),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"ids": 1}', 422),
        (b'{"ids": [1]}', 422),
        (b'{"ids": ["x", ""]}', 204),
    ],
)
def test_a_body_that_makes_no_sense(body, status, site):
    assert site().ask("POST", "/v1/forget", body).status == status


# --- holes that there once were ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/forget", "/v1/session", "/gradio_api/queue/join", "/v1/uploads"])
def test_many_empty_objects_take_no_memory(path, site):
    """32 MB of `{}` once took 1.9 GB."""
    here = site(limits={"upload_mb": 32})
    large, most = (b"[" + b"{}," * count + b"{}]" for count in (10_600_000, 333_000))
    before = resident_mb()
    # What is refused unread may break the connection before the refusal is read.
    with contextlib.suppress(ConnectionError):
        assert here.ask("POST", path, large).status in (413, 415)
    assert here.ask("POST", path, most).status in (404, 415, 422)
    assert resident_mb() - before < 100


def test_ids_that_are_asked_for_leave_nothing_behind(here):
    """Once they were kept for ever."""
    for number in range(200):
        name = f"{number:022d}"
        assert here.ask("DELETE", f"/v1/uploads/upload:{name}", **visit(name)).status == 404
        assert here.ask("GET", f"/v1/jobs/{name}/result?format=webp", **visit(name)).status == 404
        assert here.stylize(("content", f"upload:{name}"), NOW, **visit(name)).status == 404
    assert (here.service.uploads.num_bytes, len(here.service._jobs.by_id)) == (0, 0)


def test_paintings_of_one_do_not_push_out_those_of_another(site):
    """A large zip once lost finished paintings."""
    here = site(limits={"results": 4, "queue": 99, "per_user": 99})
    adas = here.stylize(("content", picture()), NOW, **visit(ADA), source="127.0.0.2").headers["Impasto-Job"]
    for number in range(8):
        here.stylize(("content", picture()), NOW, **visit(f"{number:022d}"))
    assert here.ask("GET", f"/v1/jobs/{adas}/result", **visit(ADA), source="127.0.0.2").status == 200
    assert here.service.health().results == 4


def test_one_address_gets_no_more_than_its_share_of_the_queue(site, monkeypatch):
    monkeypatch.setattr("impasto.web.access.is_loopback", lambda name: False)
    here = site(limits={"queue": 8, "per_user": 2})
    asked = [
        here.stylize(("content", picture()), ("style", "hold"), Prefer="respond-async", **visit(f"{number:022d}"))
        for number in range(5)
    ]
    assert [answer.status for answer in asked] == [202] * 4 + [429]
    assert asked[-1].json["code"] == "too-many-jobs"
    assert int(asked[-1].headers["Retry-After"]) >= 1
    other = here.stylize(("content", picture()), ("style", "hold"), Prefer="respond-async", source="127.0.0.3")
    assert other.status == 202


def test_another_visit_does_not_begin_the_rate_anew(site):
    here = site(rate=2)
    asked = [here.stylize(("content", picture()), NOW, **visit(f"{number:022d}")).status for number in range(3)]
    assert asked == [200, 200, 429]


@pytest.mark.slow
def test_ten_thousand_uploads_leave_the_memory_as_it_was(site):
    here = site(limits={"uploads_each_mb": 20})
    large = picture(size=(400, 400), kind="BMP")
    assert len(large) > 400_000
    for _ in range(500):
        sent(here, large)
    gc.collect()
    before = resident_mb()
    for _ in range(10_000):
        assert sent(here, large).status == 201
    gc.collect()
    assert resident_mb() - before < 30
    assert here.service.uploads.num_bytes <= 20e6


def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def test_a_form_is_told_that_the_bare_bytes_are_wanted(here):
    for path in ("/v1/uploads", "/v1/videos"):
        answer = here.stylize(("content", picture()), path=path)
        assert (answer.status, answer.json["code"]) == (415, "a-form")
        assert "--data-binary" in answer.json["detail"]
