"""`impasto serve` as a process of its own, and what it refuses."""

import io
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import uvicorn
from connections import until
from PIL import Image
from wishes import picture

from impasto.cli import serve as command
from impasto.client import Client, ServerError
from impasto.serving.hosts import is_loopback
from impasto.web.app import Server
from impasto.web.keys import add_key
from impasto.weights import WEIGHTS, location

SOON = 120


def test_a_missing_extra_and_missing_keys(impasto, monkeypatch):
    impasto("serve", "--keys", "none.json").refuses(1, "none.json: the file of keys cannot be read")
    monkeypatch.setitem(sys.modules, "python_multipart", None)
    assert "serving needs the extra 'web' (python_multipart is missing)" in impasto("serve").err


def test_monet_is_offered_unless_another_file_is_given(folder):
    offer = command._offer(command.ServedModels())
    assert {"adain", "gatys", "nla-cyclegan"} == set(offer.methods)
    assert offer.weights["nla-cyclegan"] == location(WEIGHTS["monet"])
    (folder / "mine.safetensors").touch()
    given = command._offer(command.ServedModels(weights=("nla-cyclegan=mine.safetensors",)))
    assert given.weights == {"nla-cyclegan": folder / "mine.safetensors"}


def test_no_flag_stands_for_two_things(impasto):
    flags = re.findall(r"^│ (?:\* )?(--[a-z-]+)", impasto("serve", "--help").out, re.MULTILINE)
    assert "--styles" in flags
    assert len(flags) == len(set(flags))


def test_a_port_that_is_taken(impasto):
    from impasto.serving.server import listen

    with listen("127.0.0.1", 0) as taken:
        outcome = impasto("serve", "--port", str(taken.getsockname()[1]))
    assert outcome.code == 1
    assert "the server cannot listen there: address already in use" in outcome.err


@pytest.mark.parametrize(
    ("how", "hosts"),
    [
        ({}, set()), ({"allow_host": ("Paint.Example",)}, {"paint.example"}),
        ({"host": "0.0.0.0", "insecure": True}, None), ({"proxy": "10.0.0.1", "insecure": True}, None),
        ({"proxy": "10.0.0.1", "keys": Path("keys")}, None),
        ({"proxy": "10.0.0.1", "insecure": True, "allow_host": ("a", "b")}, {"a", "b"}),
        ({"host": "0.0.0.0", "keys": Path("keys"), "allow_host": ("a",)}, {"a"}),
    ],
)  # fmt: skip
def test_by_which_names_the_server_may_be_called(how, hosts):
    assert command._checked(command.Address(**how)) == hosts


def test_what_counts_as_this_machine():
    assert all(map(is_loopback, ("127.0.0.1", "127.8.9.10", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.2", "example.org", "")))


@pytest.fixture
def serving(folder):
    """Starts `impasto serve` with these words, as (its process, a client with a key)."""
    key = add_key(folder / "keys.json", "ada", ("stylize",))

    @contextmanager
    def started(*words):
        command = [sys.executable, "-m", "impasto", "serve", "--port", "0", "--keys", "keys.json", "--device", "cpu"]
        with subprocess.Popen([*command, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
            timer = threading.Timer(SOON, server.kill)
            timer.start()
            try:
                port = int(server.stdout.readline().rpartition(":")[2])
                yield server, Client(f"http://127.0.0.1:{port}", key=key)
            finally:
                timer.cancel()
                server.kill()

    return started


SLOW = {"method": "gatys", "scales": 1, "coarse_steps": 0, "steps": 40}


def begun(client, photo):
    """A slow job that is being painted, and its further events."""
    job = client.submit(photo, "swirls", **SLOW)
    events = client.events(job["id"])
    while next(events)["step"] == 0:
        continue
    return job, events


@pytest.mark.slow
def test_serves_until_it_is_told_to_stop_and_finishes_what_it_paints(serving):
    small = picture(size=(40, 30))
    with serving("--host", "0.0.0.0", "--per-user", "2") as (server, client):
        assert client.stylize(small, "swirls").startswith(b"\x89PNG")
        running, events = begun(client, picture(100, size=(40, 30)))
        others = client.events(client.submit(small, "swirls")["id"])
        assert next(others)["status"] == "queued"
        for number in (signal.SIGINT, signal.SIGTERM):  # as one wish may come
            server.send_signal(number)
        *_, handed_back = others
        assert handed_back["failure"]["code"] == "stopping"
        # Nobody need have been connected before.
        assert client.job(running["id"])["status"] in ("running", "done")
        with pytest.raises(ServerError, match="shutting down") as refused:
            client.submit(small, "swirls")
        assert (refused.value.status, refused.value.retry_after is None) == (503, False)
        *_, last = events
        assert last["status"] == "done"
        assert client.result(running["id"]).startswith(b"\x89PNG")
        assert server.wait(SOON) == 0
        said = server.stderr.read()
        assert "Traceback" not in said
        for line in ("serves adain, gatys, nla-cyclegan at port", "stopping", "stopped"):
            assert re.search(rf"^2\d+-\d+-\d+ [\d:,]+ INFO impasto.*{line}", said, re.MULTILINE), said


def pixels(painting):
    return Image.open(io.BytesIO(painting)).tobytes()


@pytest.mark.slow
def test_what_was_accepted_outlives_a_killed_server(serving, folder):
    photo = picture(100, size=(40, 30))
    with serving("--spool", "spool") as (server, client):
        expected = client.stylize(photo, "swirls")
        done = client.submit(photo, "swirls")
        while client.job(done["id"])["status"] != "done":
            time.sleep(0.02)
        running, _ = begun(client, photo)
        waiting = [client.submit(photo, "swirls") for _ in range(3)]
        server.send_signal(signal.SIGKILL)
        server.wait(SOON)
    with serving("--spool", "spool") as (_, client):
        for job in (running, done, *waiting):
            *_, last = client.events(job["id"])
            assert last["status"] == "done", last
        for job in (done, *waiting):
            assert pixels(client.result(job["id"])) == pixels(expected)
        assert client.result(running["id"]).startswith(b"\x89PNG")
        for job in (running, done, *waiting):
            client.cancel(job["id"])
    left = {path.stem for path in (folder / "spool").iterdir()}
    assert not left & {job["id"] for job in (running, done, *waiting)}


def test_it_answers_until_the_jobs_are_over_and_only_another_wish_ends_it_by_force(monkeypatch):
    monkeypatch.setattr("impasto.web.app.LAST_SECONDS", 0.0)
    over = threading.Event()
    server = Server(uvicorn.Config(None), SimpleNamespace(drain=over.wait))
    server.stop()
    assert (server.should_exit, server.force_exit) == (False, False)
    over.set()
    until(lambda: server.should_exit)
    assert not server.force_exit
    server.stop()
    assert server.force_exit
