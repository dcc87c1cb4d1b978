import hashlib
import threading

import pytest
from wishes import picture

from impasto.client import Client, ServerError
from impasto.errors import ImpastoError, OptionError, PictureError
from impasto.web.keys import Keys, add_key


@pytest.fixture
def client(here):
    return Client(here.url + "/")


def test_stylize_from_bytes_and_paths(client, tmp_path):
    photo = tmp_path / "photo.png"
    photo.write_bytes(picture(8))
    expected = hashlib.sha256(picture(8)).digest()
    assert client.stylize(picture(8), "now", strength=0.5, size=None) == expected
    assert client.stylize(photo, ["now", photo, picture()], masks=[photo, "rest", photo], format="webp") == expected


def test_problems_are_errors(client):
    with pytest.raises(ServerError, match="size is 0") as wrong:
        client.stylize(picture(), "now", size=0)
    assert (wrong.value.status, wrong.value.problem["option"], wrong.value.retry_after) == (422, "size", None)
    with pytest.raises(ServerError, match="something went wrong inside impasto"):
        client.stylize(picture(), "explode")
    with pytest.raises(ServerError) as gone:
        client.job("none")
    assert gone.value.status == 404


def test_waits_until_a_full_server_has_room(site, go):
    here = site(limits={"queue": 1, "per_user": 1})
    client = Client(here.url)
    held = client.submit(picture(1), "hold")
    with pytest.raises(TimeoutError) as late:
        client.stylize(picture(2), "now", wait_seconds=0.2)
    assert late.value.__cause__.status == 429
    threading.Timer(0.2, go).start()
    assert client.stylize(picture(2), "now", wait_seconds=30) == hashlib.sha256(picture(2)).digest()
    assert client.result(held["id"]) == hashlib.sha256(picture(1)).digest()


def test_progress_events_preview_and_cancel(client, go):
    job = client.submit(picture(), "hold")
    seen = []
    for state in client.events(job["id"]):
        seen.append(state["status"])
        if state["step"] == 1 and "cancelled" not in seen:
            assert client.preview(job["id"]) == b"a preview"
            client.cancel(job["id"])
    assert seen[-1] == "cancelled"
    assert client.result(job["id"]) == b"the best so far"
    threading.Timer(0.5, go).start()
    heard = []
    client.stylize(picture(), "hold", progress=lambda state: heard.append(state["status"]))
    assert set(heard) <= {"queued", "running"}
    assert heard


def test_uploads_and_other_formats(client, tmp_path):
    (tmp_path / "photo.png").write_bytes(picture(8))
    upload = client.upload(tmp_path / "photo.png")
    expected = hashlib.sha256(picture(8)).digest()
    assert client.stylize(upload, ["now", upload], masks=[upload, "rest"]) == expected
    job = client.submit(upload, "picture")["id"]
    assert list(client.events(job))[-1]["status"] == "done"
    assert client.result(job).startswith(b"\x89PNG")
    assert client.result(job, "jpeg").startswith(b"\xff\xd8")


def test_keys(site, tmp_path):
    key = add_key(tmp_path / "keys.json", "ada", ("stylize",))
    here = site(Keys(tmp_path / "keys.json"))
    with pytest.raises(ServerError) as refused:
        Client(here.url).styles()
    assert refused.value.status == 401
    client = Client(here.url, key=key)
    assert "now" in client.styles()
    assert "adain" in [method["name"] for method in client.methods()["methods"]]


def test_no_server_is_one_line():
    with pytest.raises(ImpastoError, match=r"http://127\.0\.0\.1:1: the server cannot be reached"):
        Client("http://127.0.0.1:1").styles()
    for url in ("127.0.0.1", "ftp://x", "http://"):
        with pytest.raises(OptionError, match="url is"):
            Client(url)


def test_a_painting_is_written_where_it_is_told(client, tmp_path):
    painting = client.stylize(picture(3), "picture", output=tmp_path / "painted.png")
    assert (tmp_path / "painted.png").read_bytes() == painting
    with pytest.raises(ServerError, match="format is 'bmp'"):
        client.stylize(picture(), "now", output=tmp_path / "painted.bmp")
    with pytest.raises(PictureError, match=r"the folder .* does not exist"):
        client.stylize(picture(), "now", output=tmp_path / "none" / "painted.png")


def test_a_file_that_is_not_there_is_named(tmp_path):
    client = Client("http://127.0.0.1:9")
    for call in (client.upload, client.upload_video, lambda path: client.stylize(path, "now")):
        with pytest.raises(PictureError, match=r"none\.jpg: it cannot be read: no such file"):
            call(tmp_path / "none.jpg")
