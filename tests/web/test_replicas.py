"""Two servers behind a proxy, under load: nothing is lost and nothing mixed up, and a job is found where it is."""

import hashlib
import http.client
import os
import re
import shutil
import socket
import struct
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

import pytest
from connections import until
from fake_service import faked
from wishes import picture

from impasto.client import Client, ServerError
from impasto.errors import ImpastoError

CONFIG = Path(__file__).parents[2] / "deploy" / "kubernetes" / "haproxy.cfg"
PLACES = {"one": "127.0.0.2", "two": "127.0.0.3"}
SOON = 30


@contextmanager
def small_proxy(port):
    """Sends who names a job to the replica that has it, and everybody else to one after the other."""
    turns = count()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            named = re.match(r"/v1/jobs/([a-z0-9-]+)\.", self.path)
            replica = named[1] if named else list(PLACES)[next(turns) % len(PLACES)]
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            there = http.client.HTTPConnection(PLACES[replica], port, timeout=SOON)
            headers = {name: value for name, value in self.headers.items() if name != "Host"}
            there.request(self.command, self.path, body, headers)
            answer = there.getresponse()
            data = answer.read()
            there.close()
            self.send_response(answer.status)
            for name in ("Location", "Content-Type", "Retry-After"):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_DELETE = do_GET  # noqa: N815

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@contextmanager
def name_server():
    """A DNS that knows the replicas, each alone and all together."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))

    def answer():
        while True:
            try:
                asked, client = sock.recvfrom(4096)
            except OSError:
                return
            end = asked.index(b"\0", 12)
            name = asked[13:end].decode()
            found = [PLACES[name]] if name in PLACES else list(PLACES.values()) if name == "replicas" else []
            header = asked[:2] + struct.pack(">HHHHH", 0x8580 if found else 0x8583, 1, len(found), 0, 0)
            records = b"".join(
                b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 5, 4) + socket.inet_aton(place) for place in found
            )
            sock.sendto(header + asked[12 : end + 5] + records, client)

    threading.Thread(target=answer, daemon=True).start()
    yield sock.getsockname()[1]
    sock.close()


@contextmanager
def haproxy(port, folder):
    """What `deploy` has, with other ports."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        own = free.getsockname()[1]
    config = CONFIG.read_text().replace("bind :8080", f"bind 127.0.0.1:{own}")
    config = config.replace("int(8000)", f"int({port})").replace(":8000", f":{port}")
    (folder / "haproxy.cfg").write_text(config)
    with name_server() as dns:
        names = {"REPLICAS": "replicas", "SUFFIX": "", "NAMESERVER": f"127.0.0.1:{dns}", "TRUSTED": "192.0.2.0/24"}
        command = [shutil.which("haproxy"), "-db", "-f", str(folder / "haproxy.cfg")]
        with subprocess.Popen(command, env={**os.environ, **names}) as process:
            try:
                until(lambda: finds_a_replica(own), SOON)
                yield own
            finally:
                process.terminate()


def finds_a_replica(port):
    try:
        return Client(f"http://127.0.0.1:{port}").job("nobody")
    except ImpastoError as error:
        return getattr(error, "status", None) == 404


@pytest.fixture
def replicas(tmp_path, running):
    """Two of them, on one port of two addresses."""
    with socket.socket() as free:
        free.bind((PLACES["one"], 0))
        port = free.getsockname()[1]
    with ExitStack() as stack:
        for name, place in PLACES.items():
            (tmp_path / name).mkdir()
            service = stack.enter_context(faked(tmp_path / name, replica=name, spool=tmp_path / name / "spool"))
            stack.enter_context(running(service, place=(place, port)))
        yield port


@pytest.fixture(params=["small", pytest.param("haproxy", marks=pytest.mark.slow)])
def proxy(request, replicas, tmp_path):
    if request.param == "haproxy" and shutil.which("haproxy") is None:
        pytest.skip("there is no haproxy here")
    with small_proxy(replicas) if request.param == "small" else haproxy(replicas, tmp_path) as port:
        yield f"http://127.0.0.1:{port}"


def test_nothing_is_lost_or_mixed_up_behind_a_proxy(proxy, replicas, tmp_path):
    def visit(visitor):
        client, found = Client(proxy), []
        for number in range(5):
            shade = 8 * visitor + number
            job = client.submit(picture(shade), "now")
            until(lambda job=job: client.job(job["id"])["status"] == "done")
            assert client.result(job["id"]) == hashlib.sha256(picture(shade)).digest()
            found.append((shade, job["id"]))
        return found

    with ThreadPoolExecutor(8) as pool:
        found = [one for some in pool.map(visit, range(8)) for one in some]
    assert len({job for _, job in found}) == 40
    for shade, job in found:
        assert Client(proxy).result(job) == hashlib.sha256(picture(shade)).digest()
    # Those of one address may all go to one replica.
    lists = [tmp_path / name / "painted" for name in PLACES]
    painted = [line for file in lists if file.exists() for line in file.read_text().split()]
    assert sorted(painted) == sorted(hashlib.sha256(picture(shade)).hexdigest() for shade, _ in found)
    for place in PLACES.values():
        job = Client(f"http://{place}:{replicas}").submit(picture(99), "hold")["id"]
        assert Client(proxy).job(job)["id"] == job
        assert Client(proxy).job(job)["status"] in ("queued", "running")
        Client(proxy).cancel(job)
    Client(proxy).cancel(found[0][1])
    with pytest.raises(ServerError) as gone:
        Client(proxy).job(found[0][1])
    assert gone.value.status == 404


def test_a_replica_says_which_other_one_has_a_job(replicas):
    one, two = (Client(f"http://{place}:{replicas}") for place in PLACES.values())
    job = one.submit(picture(1), "now")["id"]
    assert job.startswith("one.")
    for ask in (two.job, two.result, two.cancel, two.preview):
        with pytest.raises(ServerError, match="the job is not on this server, but on one") as other:
            ask(job)
        assert (other.value.status, other.value.problem["replica"]) == (421, "one")
    for name in ("one.x", "nobody", ".x", "O_ne.x"):
        with pytest.raises(ServerError) as gone:
            one.job(name)
        assert gone.value.status == 404


def test_a_server_alone_has_plain_ids(site):
    here = site()
    assert "." not in Client(here.url).submit(picture(), "now")["id"]
    with pytest.raises(ServerError) as gone:
        Client(here.url).job("two.x")
    assert gone.value.status == 404
