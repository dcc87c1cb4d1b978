"""The API through a real server."""

import base64
import hashlib
import http.client
import io
import json
import threading
from collections import defaultdict

import pytest
from connections import is_problem, until
from PIL import Image
from wishes import picture

from impasto.client import _form
from impasto.confinement import PARTS
from impasto.service.job import Status
from impasto.service.offer import Offer
from impasto.service.request import FORMATS
from impasto.web.jobs import copy

CONTENT = ("content", picture(3))
DIGEST = hashlib.sha256(picture(3)).digest()
SOON = 20


def queued(site, *fields):
    answer = site.stylize(CONTENT, *fields, Prefer="respond-async")
    assert answer.status == 202
    return answer


def test_a_picture_in_and_its_painting_out(site):
    answer = site().stylize(CONTENT, ("style", "now"), ("format", "jpeg"), ("strength", "0.5"))
    assert (answer.status, answer.headers["Content-Type"], answer.body) == (200, "image/jpeg", DIGEST)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "server" not in answer.headers


def test_uploaded_styles_and_masks_arrive(here, submitted):
    uploaded = picture(9)
    answer = here.stylize(
        CONTENT, ("style", "now"), ("style", uploaded), ("mask", picture(1)), ("mask", "rest"), ("colour", "keep"),
        ("size", ""), ("decoder", "adain_paper"),
    )  # fmt: skip
    assert answer.status == 200
    (wish,) = submitted
    assert (wish.content, wish.styles, wish.masks) == (picture(3), ("now", uploaded), (picture(1), None))
    assert (wish.options.colour, wish.options.size, wish.options.decoder) == ("keep", None, "adain_paper")


def test_what_takes_longer_becomes_a_job(site, go):
    here = site(wait_seconds=0.3)
    answer = here.stylize(CONTENT, ("style", "hold"))
    assert answer.status == 202
    assert int(answer.headers["Retry-After"]) >= 1
    path = answer.headers["Location"]
    assert path == f"/v1/jobs/{answer.json['id']}"
    until(lambda: here.ask("GET", path).json["step"] == 1)
    job = here.ask("GET", path).json
    assert (job["status"], job["total"], job["seconds_left"], job["previews"]) == ("running", 4, 3.0, 1)
    assert here.ask("GET", f"{path}/preview").body == b"a preview"
    early = here.ask("GET", f"{path}/result")
    is_problem(early, 409, "not-finished")
    assert early.headers["Retry-After"] == "3"
    go()
    until(lambda: here.ask("GET", path).json["status"] == "done")
    result = here.ask("GET", f"{path}/result")
    assert (result.status, result.body, result.headers["Content-Type"]) == (200, DIGEST, "image/png")
    is_problem(here.ask("GET", f"{path}/preview"), 404, "no-preview")
    assert here.ask("DELETE", path).status == 204
    is_problem(here.ask("GET", path), 404, "no-such-job")


@pytest.mark.parametrize(("prefer", "applied"), [("respond-async", "respond-async"), ("wait=0", "respond-async")])
def test_the_client_may_say_how_long_it_waits(prefer, applied, here):
    answer = here.stylize(CONTENT, ("style", "hold"), Prefer=prefer)
    assert (answer.status, answer.headers["Preference-Applied"]) == (202, applied)


def test_events_tell_until_the_end(here, monkeypatch, go):
    monkeypatch.setattr("impasto.web.jobs.HEARTBEAT_SECONDS", 0.05)
    path = queued(here, ("style", "hold")).headers["Location"]
    threading.Timer(0.5, go).start()
    answer = here.ask("GET", f"{path}/events?previews=true")
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    told = defaultdict(list)
    for block in answer.body.decode().strip().split("\n\n"):
        kind, _, data = block.partition("\ndata: ")
        told[kind].append(data)
    # So that nobody takes it for broken.
    assert ": still here" in told
    assert told["event: preview"] == [f"data:image/jpeg;base64,{base64.b64encode(b'a preview').decode()}"]
    jobs = [json.loads(data) for data in told["event: job"]]
    assert jobs[-1]["status"] == "done"
    assert "running" in [job["status"] for job in jobs]
    steps = [job["step"] for job in jobs]
    assert steps == sorted(steps)
    assert "event: preview" not in here.ask("GET", f"{path}/events").body.decode()


def test_a_painting_never_changes_and_is_encoded_once(here, monkeypatch):
    made = []
    monkeypatch.setattr("impasto.web.jobs.copy", lambda *how: made.append(how) or copy(*how))
    job = here.stylize(CONTENT, ("style", "picture")).headers["Impasto-Job"]
    path = f"/v1/jobs/{job}/result"
    tags = set()
    for query, kind in (("", "png"), ("?format=jpeg", "jpeg"), ("?format=webp", "webp"), ("?format=jpeg", "jpeg")):
        answer = here.ask("GET", path + query)
        assert (answer.status, answer.headers["Content-Type"]) == (200, f"image/{kind}")
        assert answer.headers["Cache-Control"] == "private, no-cache"
        with Image.open(io.BytesIO(answer.body)) as image:
            assert (image.format, image.size) == (kind.upper(), (1, 1))
        tags.add(answer.headers["ETag"])
        known = here.ask("GET", path + query, If_None_Match=answer.headers["ETag"])
        assert (known.status, known.body) == (304, b"")
    assert len(tags) == 3
    assert [kind for _, kind in made] == ["jpeg", "webp"]
    found = is_problem(here.ask("GET", f"{path}?format=exe"), 422, "wrong-parameter")
    assert found["detail"] == "format: it is 'exe', but must be 'jpeg' or 'webp', or left out"


@pytest.mark.parametrize(("action", "status", "code"), [("explode", 500, "internal"), ("die", 500, "worker-died")])
def test_a_job_that_fails_is_a_problem(action, status, code, here):
    found = is_problem(here.stylize(CONTENT, ("style", action)), status, code)
    is_problem(here.ask("GET", f"/v1/jobs/{found['job']}/result"), status, code)
    assert here.ask("GET", f"/v1/jobs/{found['job']}").json["failure"]["code"] == code


WRONG = [
    ([("style", "now")], 422, "OptionError", "content is missing"),
    ([("content", b"x" * 99), ("style", "now")], 415, "not-a-picture", "content: it is not a picture"),
    ([("content", b""), ("style", "now")], 422, "PictureError", "content: it is empty"),
    ([("content", "text"), ("style", "now")], 422, "OptionError", "content must be one file"),
    ([CONTENT, CONTENT, ("style", "now")], 422, "OptionError", "content must be one file"),
    ([CONTENT, ("style", "photo.jpg")], 422, "OptionError", "GET /v1/styles lists them"),
    ([CONTENT, ("style", "now"), ("mask", "all")], 422, "OptionError", "mask must be a file, or 'rest'"),
    ([CONTENT, ("style", "now"), ("size", "4"), ("size", "5")], 422, "OptionError", "size is given twice"),
    ([CONTENT, ("style", "now"), ("size", b"4")], 422, "OptionError", "size is a value, but was sent as a file"),
    ([CONTENT, ("style", "now"), ("sizze", "4")], 422, "OptionError", "no option 'sizze'; did you mean 'size'?"),
    ([CONTENT, ("style", "now"), ("size", "999999")], 413, "too-large", "megapixels"),
    ([CONTENT, ("style", "now"), ("colour", "x" * 20_000)], 400, "broken-form", "the form cannot be read"),
    ([CONTENT, *[("style", picture())] * 40], 400, "broken-form", "Too many files"),
]  # fmt: skip


def test_everything_wrong_is_a_problem_that_says_what(here):
    for fields, status, code, said in WRONG:
        assert said in is_problem(here.stylize(*fields), status, code)["detail"]
    assert (here.service.health().waiting, here.service.health().upload_bytes) == (0, 0)
    wrong = here.stylize(CONTENT, ("style", "now"), ("strength", "7")).json
    assert (wrong["option"], wrong["code"]) == ("strength", "OptionError")


def test_bodies_that_are_no_form(here):
    is_problem(here.ask("POST", "/v1/stylize", b"{}", Content_Type="application/json"), 415, "not-a-form")
    is_problem(here.ask("POST", "/v1/stylize"), 415, "not-a-form")
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x", 'multipart/form-data; boundary="'):
        is_problem(here.ask("POST", "/v1/stylize", b"nonsense", Content_Type=kind), 400, "broken-form")


def test_paths_and_methods_that_there_are_not(here):
    is_problem(here.ask("GET", "/v2"), 404, "http")
    wrong = here.ask("PUT", "/v1/stylize")
    is_problem(wrong, 405, "http")
    assert wrong.headers["Allow"] == "POST"
    assert here.ask("PATCH", "/v1/jobs/none").headers["Allow"] == "DELETE, GET"
    for end in ("", "/result", "/events", "/preview"):
        is_problem(here.ask("GET", f"/v1/jobs/none{end}"), 404, "no-such-job")
    is_problem(here.ask("DELETE", "/v1/jobs/none"), 404, "no-such-job")


@pytest.mark.parametrize(("per_user", "status", "code"), [(2, 429, "too-many-jobs"), (9, 503, "queue-full")])
def test_a_busy_user_and_a_full_queue(per_user, status, code, site):
    here = site(limits={"queue": 1, "per_user": per_user})
    queued(here, ("style", "hold"))
    until(lambda: here.service.health().running == 1)
    queued(here, ("style", "now"))
    answer = here.stylize(CONTENT, ("style", "now"))
    is_problem(answer, status, code)
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_server_that_stops_hands_back_what_waits(here):
    queued(here, ("style", "hold"))
    waiting = queued(here, ("style", "now")).headers["Location"]
    here.service.stop()
    answer = here.ask("GET", f"{waiting}/result")
    is_problem(answer, 503, "stopping")
    assert answer.headers["Retry-After"]
    is_problem(here.stylize(CONTENT, ("style", "now")), 503, "stopping")
    is_problem(here.ask("POST", "/v1/uploads", picture()), 503, "stopping")
    is_problem(here.ask("POST", "/v1/videos", b"a film"), 503, "stopping")
    health = here.ask("GET", "/healthz")
    assert (health.status, health.json["stopping"]) == (503, True)


def test_methods_and_styles_say_what_there_is(here):
    found = here.ask("GET", "/v1/methods").json
    assert [method["name"] for method in found["methods"]] == ["adain", "gatys"]
    assert "strength" in found["methods"][0]["options"]
    assert "strength" not in found["methods"][1]["options"]
    assert found["options"]["strength"]["maximum"] == 3
    assert found["formats"] == FORMATS
    assert found["limits"]["queue"] == 32
    names = [style["name"] for style in here.ask("GET", "/v1/styles").json["styles"]]
    assert names == list(here.service.offer.styles)
    thumbnail = here.ask("GET", f"/v1/styles/{names[0]}/thumbnail")
    with Image.open(io.BytesIO(thumbnail.body)) as small:
        assert (small.format, max(small.size)) == ("JPEG", 256)
    is_problem(here.ask("GET", "/v1/styles/..%2F..%2Fetc/thumbnail"), 404, "http")
    is_problem(here.ask("GET", "/v1/styles/none/thumbnail"), 404, "no-such-style")


def test_named_styles_say_which_paintings_they_are(here, monkeypatch):
    monkeypatch.setattr(here.service, "offer", Offer())
    found = {style["name"]: style for style in here.ask("GET", "/v1/styles").json["styles"]}
    assert set(found["ink"]) == {"name", "thumbnail", "encoded"}
    assert found["storm"] == {
        "name": "storm", "thumbnail": "/v1/styles/storm/thumbnail", "encoded": True,
        "title": "The Storm on the Sea of Galilee", "artist": "Rembrandt", "year": "1633",
    }  # fmt: skip
    answer = here.stylize(CONTENT, ("style", "storm"), ("refine", "3"))
    assert "needs the painting itself" in is_problem(answer, 422, "OptionError")["detail"]


def test_health_and_metrics(here):
    until(lambda: here.ask("GET", "/healthz").status == 200)
    here.stylize(CONTENT, ("style", "now"))
    health = here.ask("GET", "/healthz").json
    assert (health["ready"], health["workers"], health["workers_ready"]) == (True, 1, 1)
    assert health["confined"] == [*PARTS]
    metrics = here.ask("GET", "/metrics")
    assert metrics.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    text = metrics.body.decode()
    assert 'impasto_jobs_total{method="adain",status="done"} 1' in text
    assert 'impasto_http_requests_total{method="POST",route="/v1/stylize",status="200"} 1' in text


def test_openapi_describes_the_options(site):
    schema = site().ask("GET", "/v1/openapi.json").json
    operation = schema["paths"]["/v1/stylize"]["post"]
    form = operation["requestBody"]["content"]["multipart/form-data"]
    assert form["schema"]["properties"]["strength"]["maximum"] == 3
    assert form["schema"]["properties"]["decoder"]["enum"] == ["adain", "adain_paper"]
    assert form["example"]["style"] == ["now"]
    assert {"200", "202", "400", "401", "403", "408", "413", "415", "422", "429", "500", "503"} <= set(
        operation["responses"]
    )
    assert schema["components"]["schemas"]["Problem"]["example"]["status"] == 503


def test_a_client_that_goes_away_takes_its_job_along(here):
    body, kind = _form([CONTENT, ("style", "hold")])
    connection = http.client.HTTPConnection("127.0.0.1", here.port)
    connection.request("POST", "/v1/stylize", body, {"Content-Type": kind})
    until(lambda: here.service.health().running == 1)
    (job,) = here.service._jobs.by_id.values()
    connection.close()
    until(lambda: job.status is Status.CANCELLED)


def test_nothing_is_kept_on_the_disk(site, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a file was made")

    monkeypatch.setattr("tempfile._TemporaryFileArgs", refuse, raising=False)
    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    large = picture(5, size=(900, 900), kind="BMP")
    assert len(large) > 2_000_000
    answer = site().stylize(("content", large), ("style", "now"))
    assert (answer.status, answer.body) == (200, hashlib.sha256(large).digest())
