"""`impasto serve` as a process of its own, and what it refuses."""

import io
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "0.0.0.0"], "--host 0.0.0.0 lets others in: give --keys FILE"),
        (["--host", "::"], "--host :: lets others in"),
        (["--proxy", "127.0.0.1"], "--proxy 127.0.0.1 lets others in: give --keys FILE"),
        (["--proxy", "127.0.0.1", "--allow-host", "paint.example"], "--proxy 127.0.0.1 lets others in"),
        (["--allow-host", "http://paint.example"], "--allow-host is 'http://paint.example', but must be a name"),
        (["--port", "70000"], "--port is 70000"),
        (["--weights", "vgg19"], "--weights is 'vgg19', but must be NAME=FILE"),
        (["--weights", "vgg19=none.pth"], "weights of vgg19: there is no file"),
        (["--styles", "none"], "none: there is no such folder of styles"),
        (["--queue", "0"], "queue is 0"),
        (["--replica", "One"], "--replica is 'One', but must be up to 63 small letters"),
        (["--lanes", "2"], "--lanes is 2, but nothing says on which cluster"),
        (["--workers", "ray://head:10001", "--lanes", "0"], "--lanes is 0, but must be 1 or more"),
        (
            ["--workers", "ray://head:10001", "--device", "cuda:1"],
            "--device is 'cuda:1', but with --workers must be one of",
        ),
        (["--styles-each", "0"], "--styles-each is 0"),
        (["--wait-seconds", "-1"], "--wait-seconds is -1.0"),
    ],
)
def test_wrong_usage(words, said, impasto):
    outcome = impasto("serve", *words)
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_missing_extra_and_missing_keys(impasto, monkeypatch):
    outcome = impasto("serve", "--keys", "none.json")
    assert outcome.code == 1
    assert "none.json: the file of keys cannot be read" in outcome.err
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


@pytest.mark.slow
def test_serves_until_it_is_told_to_stop_and_finishes_what_it_paints(folder):
    key = add_key(folder / "keys.json", "ada", ("stylize",))
    words = ["serve", "--port", "0", "--host", "0.0.0.0", "--keys", "keys.json", "--device", "cpu", "--per-user", "2"]
    start = [sys.executable, "-m", "impasto", *words]
    with subprocess.Popen(start, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ) as server:
        threading.Timer(SOON, server.kill).start()
        try:
            port = int(server.stdout.readline().rpartition(":")[2])
            client = Client(f"http://127.0.0.1:{port}", key=key)
            assert client.stylize(picture(size=(40, 30)), "swirls").startswith(b"\x89PNG")
            slow = {"method": "gatys", "scales": 1, "coarse_steps": 0, "steps": 40}
            running = client.submit(picture(100, size=(40, 30)), "swirls", **slow)
            events = client.events(running["id"])
            while next(events)["step"] == 0:
                continue
            waiting = client.submit(picture(size=(40, 30)), "swirls")
            others = client.events(waiting["id"])
            assert next(others)["status"] == "queued"
            for number in (signal.SIGINT, signal.SIGTERM):  # as one wish may come
                server.send_signal(number)
            *_, handed_back = others
            assert handed_back["failure"]["code"] == "stopping"
            # Nobody need have been connected before.
            assert client.job(running["id"])["status"] in ("running", "done")
            with pytest.raises(ServerError, match="shutting down") as refused:
                client.submit(picture(size=(40, 30)), "swirls")
            assert (refused.value.status, refused.value.retry_after is None) == (503, False)
            *_, last = events
            assert last["status"] == "done"
            assert client.result(running["id"]).startswith(b"\x89PNG")
            assert server.wait(SOON) == 0
            said = server.stderr.read()
            assert "Traceback" not in said
            for line in ("serves adain, gatys, nla-cyclegan at port", "stopping", "stopped"):
                assert re.search(rf"^2\d+-\d+-\d+ [\d:,]+ INFO impasto.*{line}", said, re.MULTILINE), said
        finally:
            server.kill()


def pixels(painting):
    return Image.open(io.BytesIO(painting)).tobytes()


@pytest.mark.slow
def test_what_was_accepted_outlives_a_killed_server(folder):
    key = add_key(folder / "keys.json", "ada", ("stylize",))
    words = ["serve", "--port", "0", "--keys", "keys.json", "--device", "cpu", "--spool", "spool"]
    start = [sys.executable, "-m", "impasto", *words]

    @contextmanager
    def serving():
        with subprocess.Popen(start, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
            timer = threading.Timer(SOON, server.kill)
            timer.start()
            try:
                port = int(server.stdout.readline().rpartition(":")[2])
                yield server, Client(f"http://127.0.0.1:{port}", key=key)
            finally:
                timer.cancel()
                server.kill()

    photo, slow = picture(100, size=(40, 30)), {"method": "gatys", "scales": 1, "coarse_steps": 0, "steps": 40}
    with serving() as (server, client):
        expected = client.stylize(photo, "swirls")
        done = client.submit(photo, "swirls")
        while client.job(done["id"])["status"] != "done":
            time.sleep(0.02)
        events = client.events((running := client.submit(photo, "swirls", **slow))["id"])
        while next(events)["step"] == 0:
            continue
        waiting = [client.submit(photo, "swirls") for _ in range(3)]
        server.send_signal(signal.SIGKILL)
        server.wait(SOON)
    with serving() as (_, client):
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
    over = threading.Event()
    server = Server(uvicorn.Config(None), over.wait)
    for _ in range(2):
        server.handle_exit(signal.SIGINT, None)
    assert (server.should_exit, server.force_exit) == (False, False)
    over.set()
    until(lambda: server.should_exit)
    assert not server.force_exit
    monkeypatch.setattr("impasto.web.app.ECHO_SECONDS", 0.0)
    server.handle_exit(signal.SIGINT, None)
    assert server.force_exit
