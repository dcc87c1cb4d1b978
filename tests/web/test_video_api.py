"""Films through a real server, and its client."""

import json

import pytest

pytest.importorskip("av")
pytest.importorskip("cv2")

from clips import clip, count
from connections import is_problem, until

from impasto.client import Client, ServerError
from impasto.errors import ImpastoError


def sent(site, data, **headers):
    return site.ask("POST", "/v1/videos", data, Content_Type="application/octet-stream", **headers)


def asked(site, video, *fields, **headers):
    fields = (("content", video), *(fields or (("style", "now"),)))
    return site.stylize(*fields, path="/v1/stylize-video", **headers)


def test_a_film_in_and_its_painting_out(site):
    here, data = site(), clip(10, (96, 48))
    answer = sent(here, data)
    assert answer.status == 201
    about = answer.json
    assert {name: about[name] for name in ("width", "height", "frames", "fps", "seconds", "bytes", "largest_size")} == {
        "width": 96, "height": 48, "frames": 10, "fps": 25.0, "seconds": 0.4, "bytes": len(data), "largest_size": 96,
    }  # fmt: skip
    assert answer.headers["Location"] == f"/v1/videos/{about['id']}"
    painted = asked(here, about["id"], ("style", "now"), ("steady", "0.5"), ("end", "0.2"))
    assert (painted.status, painted.headers["Content-Type"], painted.body) == (200, "video/mp4", data)
    path = f"/v1/jobs/{painted.headers['Impasto-Job']}/result"
    # Players ask for parts.
    part = here.ask("GET", path, Range="bytes=4-7")
    assert (part.status, part.body) == (206, data[4:8])
    assert part.headers["Content-Range"] == f"bytes 4-7/{len(data)}"
    assert here.ask("GET", path, If_None_Match=part.headers["ETag"]).status == 304
    is_problem(here.ask("GET", f"{path}?format=webp"), 422, "wrong-parameter")
    assert here.ask("DELETE", f"/v1/videos/{about['id']}").status == 204
    is_problem(asked(here, about["id"]), 404, "no-such-upload")
    assert here.ask("GET", path).body == data
    body = json.dumps({"ids": [painted.headers["Impasto-Job"]]}).encode()
    assert here.ask("POST", "/v1/forget", body, Content_Type="application/json").status == 204
    is_problem(here.ask("GET", path), 404, "no-such-job")
    assert here.service.health().video_bytes == 0


def test_events_tell_of_frames_and_cancelling_keeps_them(here):
    video = sent(here, clip()).json["id"]
    path = asked(here, video, ("style", "hold"), Prefer="respond-async").headers["Location"]
    until(lambda: here.ask("GET", path).json["step"] == 1)
    job = here.ask("GET", path).json
    assert (job["kind"], job["step"], job["total"], job["seconds_left"], job["previews"]) == ("video", 1, 4, 3.0, 1)
    assert job["fps"] > 0
    assert here.ask("DELETE", path).status == 204
    until(lambda: here.ask("GET", path).json["status"] == "cancelled")
    assert count(here.ask("GET", f"{path}/result").body) == 6
    events = here.ask("GET", f"{path}/events").body.decode()
    assert '"status": "cancelled"' in events


def test_what_is_refused_is_a_problem(site, monkeypatch):
    here = site(limits={"video_mb": 0.05, "video_seconds": 0.2, "video_megapixels": 0.01})
    is_problem(sent(here, b"no film\n" * 100), 415, "not-a-video")
    assert sent(here, bytes(50_001)).status == 413
    is_problem(sent(here, clip(size=(256, 128))), 413, "too-large")
    video = sent(here, clip(10)).json["id"]
    is_problem(asked(here, video), 413, "too-long")
    found = is_problem(asked(here, video, ("style", "now"), ("steady", "7")), 422, "OptionError")
    assert found["option"] == "steady"
    for fields, said in (
        ((("style", "now"), ("codec", "av1")), "no option 'codec'"),
        ((("style", "now"), ("mask", "rest")), "masks are for pictures"),
    ):
        assert said in is_problem(asked(here, video, *fields), 422, "OptionError")["detail"]
    detail = is_problem(asked(here, "upload:none"), 404, "no-such-upload")["detail"]
    assert "\n" not in detail
    is_problem(here.stylize(("content", video), ("style", "now")), 422, "OptionError")
    is_problem(here.ask("DELETE", "/v1/videos/video:none"), 404, "no-such-upload")
    assert here.ask("GET", "/v1/methods").json["video"]["options"]["steady"]["default"] == 0.8


def test_a_server_that_paints_no_films_says_so(site):
    here = site(limits={"video_seconds": 0})
    is_problem(sent(here, clip()), 501, "no-videos")
    is_problem(asked(here, "video:none"), 501, "no-videos")
    assert here.ask("GET", "/v1/methods").json["video"] is None


def test_films_do_not_count_as_pictures_in_memory(site):
    data = clip() + bytes(30_000)
    here = site(limits={"upload_mb": 0.01, "waiting_mb": 0.01})
    assert sent(here, data).status == 201


def test_the_client(here, tmp_path, go):
    client, source, target = Client(here.url), tmp_path / "clip.mp4", tmp_path / "painted.mp4"
    source.write_bytes(clip())
    heard = []
    assert client.stylize_video(source, "now", output=target, steady=0.9, progress=heard.append) == target
    assert target.read_bytes() == source.read_bytes()
    assert heard[0]["kind"] == "video"
    sent = client.upload_video(source)
    job = client._submitted("/v1/stylize-video", [("content", sent["id"]), ("style", "now")])
    until(lambda: client.job(job["id"])["status"] == "done")
    client.forget(sent["id"], job["id"])
    with pytest.raises(ServerError, match="no such film"):
        client.stylize_video(sent["id"], "now", output=target)
    with pytest.raises(ServerError, match="it is no film"):
        client.stylize_video(__file__, "now", output=target)
    with pytest.raises(ServerError, match="something went wrong"):
        client.stylize_video(source, "explode", output=tmp_path / "none.mp4")
    assert not (tmp_path / "none.mp4").exists()


def test_the_client_writes_what_was_painted_of_a_film_that_took_too_long(site, tmp_path):
    here = site(limits={"video_job_seconds": 0.3})
    source, target = tmp_path / "clip.mp4", tmp_path / "painted.mp4"
    source.write_bytes(clip())
    with pytest.raises(ImpastoError, match=r"painted.mp4 holds 1 frames of 4: it took longer than 0\.3 s"):
        Client(here.url).stylize_video(source, "hold", output=target)
    assert count(target.read_bytes()) == 6
