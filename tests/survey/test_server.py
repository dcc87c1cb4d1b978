import base64
import contextlib
import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from connections import until

from impasto.survey.store import Store

pytest.importorskip("fastapi")
httpx = pytest.importorskip("httpx2")

HTML = {"accept": "text/html"}


@pytest.fixture
def visit():
    """A client of an application in this process."""
    from starlette.testclient import TestClient

    from impasto.survey.server import make_app

    return lambda *stores: TestClient(make_app(stores), follow_redirects=False)


def test_a_person_answers_and_goes_on_later(make, visit):
    store, keys = make()
    client, home = visit(store), f"/{store.id}/p/{keys.links[0]}"
    page = client.get(home)
    assert page.status_code == 200
    assert "A &lt;title&gt;" in page.text
    state = client.get(f"{home}/state").json()
    assert (state["title"], state["question"], state["scale"]) == ("A <title>", "How well?", 10)
    assert [task["answer"] for task in state["tasks"]] == [None, None]
    picture = client.get(f"{home}/pictures/{state['tasks'][0]['shown'][0]}")
    assert picture.content[:3] == b"\xff\xd8\xff"
    assert "max-age" in picture.headers["cache-control"]
    assert client.put(f"{home}/answers/0", json={"value": 7}).status_code == 204
    assert client.put(f"{home}/answers/0", json={"value": 7}).status_code == 204
    other = client.put(f"{home}/answers/0", json={"value": 8})
    assert (other.status_code, other.json()["value"]) == (409, 7)
    # Another device, another process.
    assert [task["answer"] for task in visit(Store(store.path)).get(f"{home}/state").json()["tasks"]] == [7, None]


def test_nothing_tells_methods_apart(make, visit):
    store, keys = make(methods=3, kinds=("rank",))
    state = visit(store).get(f"/{store.id}/p/{keys.links[0]}/state").text
    # Drawn letters, which may happen to spell anything.
    for task in json.loads(state)["tasks"]:
        for picture in (task["content"], task["style"], *task["shown"]):
            state = state.replace(picture, "")
    assert not any(name in state for name in ("m0", "m1", "m2", "p0", "p1", "method"))


def test_every_response_is_careful(make, visit):
    store, keys = make(joining=True)
    client = visit(store)
    joined = client.post(f"/{store.id}/join/{keys.joining}")
    home = f"/{store.id}/p/{joined.headers['location'].rpartition('/')[2]}"
    answers = [
        client.get(address, headers=HTML)
        for address in (home, f"/{store.id}/join/{keys.joining}", f"{home}/state", "/assets/survey.js", "/no", "/docs")
    ]
    assert [one.status_code for one in answers] == [200, 200, 200, 200, 404, 404]
    for response in [joined, *answers, client.get(f"/{store.id}/results")]:
        assert response.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert "unsafe" not in response.headers["content-security-policy"]
        assert response.headers["referrer-policy"] == "same-origin"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in response.headers
        assert "server" not in response.headers
    pages = "".join(one.text for one in answers)
    assert "http://" not in pages.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "https://" not in pages


@pytest.mark.parametrize(
    ("position", "body", "status"),
    [
        ("0", b'{"value": 11}', 422), ("0", b'{"value": "7"}', 422), ("0", b'{"value": 7, "x": 1}', 422),
        ("0", b"[7]", 422), ("0", b"", 422), ("0", b"\xff\xfe", 422), ("0", b"[" * 1000, 422), ("0", b"7" * 2000, 413),
        ("2", b'{"value": 7}', 404), ("-1", b'{"value": 7}', 404), ("9" * 30, b'{"value": 7}', 404),
        ("x", b'{"value": 7}', 422), ("0", b'{"value": NaN}', 422), ("0", b'{"value": ' + b"9" * 900 + b"}", 422),
    ],
)  # fmt: skip
def test_hostile_answers_are_refused(position, body, status, make, visit):
    store, keys = make()
    response = visit(store).put(f"/{store.id}/p/{keys.links[0]}/answers/{position}", content=body)
    assert (response.status_code, store.answers()) == (status, [])


@pytest.mark.parametrize(
    "path",
    [
        "/{id}/p/wrong", "/wrong/p/{link}", "/{id}/p/{link}/pictures/..%2f..%2fetc%2fpasswd",
        "/{id}/p/{link}/pictures/x",
        "/assets/..%2fserver.py", "/assets/survey.html", "/{id}/join/{link}", "/{id}/join/wrong", "/{id}", "/",
        "/{id}/p/%00", "/{id}/p/" + "x" * 5000,
    ],
)  # fmt: skip
def test_there_is_nothing_elsewhere(path, make, visit):
    store, keys = make()
    response = visit(store).get(path.format(id=store.id, link=keys.links[0]), headers=HTML)
    assert response.status_code == 404
    assert str(store.path.parent) not in response.text


def test_one_link_for_all(make, visit):
    store, keys = make(places=2, joining=True)
    client, address = visit(store), f"/{store.id}/join/{keys.joining}"
    # Looking does not take a place: chat programs look at every link.
    assert [client.get(address).status_code for _ in range(3)] == [200] * 3
    assert store.people == 0
    homes = [client.post(address).headers["location"] for _ in range(2)]
    assert len(set(homes)) == 2
    assert client.get(address.replace(f"join/{keys.joining}", homes[0].removeprefix("../"))).status_code == 200
    full = client.post(address, headers=HTML)
    assert full.status_code == 410
    assert "All places of this survey are taken" in full.text
    assert client.post(f"/{store.id}/join/wrong").status_code == 404


def test_results_are_for_the_admin(make, visit):
    store, keys = make()
    store.put(store.participant(keys.links[0]), 0, 7)
    client = visit(store)
    for password in ("", "wrong", keys.links[0]):
        assert client.get(f"/{store.id}/results", auth=("", password)).status_code == 401
    for header in ("Basic ???", "Basic " + base64.b64encode(b"\xff:\xff").decode(), f"Bearer {keys.admin}", "Basic"):
        assert client.get(f"/{store.id}/results", headers={"authorization": header}).status_code == 401
    assert client.get("/wrong/results", auth=("", keys.admin)).status_code == 404
    auth = ("anybody", keys.admin)
    page = client.get(f"/{store.id}/results", auth=auth)
    assert "1 person rated 1 picture on a 10-point scale: 7.0 on average." in page.text
    assert "data:" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert client.get(f"/{store.id}/results.json", auth=auth).json()["answers"] == 1
    assert client.get(f"/{store.id}/results.csv", auth=auth).text.count("\n") == 2


def test_surveys_lie_side_by_side_and_know_nothing_of_each_other(make, visit):
    (one, one_keys), (two, two_keys) = make("one"), make("two")
    client = visit(one, two)
    assert client.get(f"/{two.id}/p/{two_keys.links[0]}/state").status_code == 200
    assert client.get(f"/{two.id}/p/{one_keys.links[0]}/state").status_code == 404
    assert client.get(f"/{two.id}/results", auth=("", one_keys.admin)).status_code == 401
    client.put(f"/{one.id}/p/{one_keys.links[0]}/answers/0", json={"value": 3})
    assert (len(one.answers()), len(two.answers())) == (1, 0)


def test_the_hardening_of_all_servers_stands_before_it(make, visit):
    store, keys = make(joining=True)
    client = visit(store)
    join = f"/{store.id}/join/{keys.joining}"
    answer = f"/{store.id}/p/{client.post(join).headers['location'].rpartition('/')[2]}/answers/0"
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "http://evil.example"}):
        refused = client.post(join, headers={**HTML, **headers})
        assert (refused.status_code, refused.headers["cache-control"]) == (403, "no-store")
        assert "pages of other sites cannot use this server" in refused.text
        assert refused.headers["content-type"].startswith("text/html")
        assert client.put(answer, json={"value": 7}, headers=headers).json()["message"].startswith("pages of other")
    assert store.answers() == []
    assert client.put(answer, json={"value": 7}, headers={"origin": "http://testserver"}).status_code == 204
    assert client.put(answer, content=b"7" * 1025).json()["message"] == "this request may have at most 1,024 bytes"


def test_a_survey_answers_to_the_names_that_it_was_given(make):
    from starlette.testclient import TestClient

    from impasto.survey.server import make_app

    store, keys = make()
    client = TestClient(make_app([store], {"survey.example"}))
    home = f"/{store.id}/p/{keys.links[0]}/state"
    assert client.get(home, headers={"host": "survey.example"}).status_code == 200
    assert client.get(home, headers={"host": "evil.example"}).status_code == 403


def test_a_broken_file_is_said_to_the_page_without_its_name(make, visit):
    store, keys = make()
    client = visit(store)
    store.path.unlink()
    response = client.get(f"/{store.id}/p/{keys.links[0]}/state")
    assert response.status_code == 503
    assert store.path.name not in response.text


def insist(address: str, method: str = "GET", value: int | None = None) -> requests.Response:
    """The page's own way with a server that stops and starts."""
    deadline = time.monotonic() + 300
    while True:
        with contextlib.suppress(requests.RequestException):
            response = requests.request(method, address, json={"value": value}, timeout=60)
            if response.status_code < 500:
                response.raise_for_status()
                return response
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_three_people_and_a_killed_server(make, server):
    """Nothing is lost or doubled when the server dies in the middle; the same in a browser: test_browser.py."""
    store, keys = make(pairs=30)
    running = server(store.path)

    def rating(number, position):
        return 1 + (3 * number + position) % 10

    def take_part(number, link):
        home = f"{running.url}/{store.id}/p/{link}"
        for position in range(len(insist(f"{home}/state").json()["tasks"])):
            # Twice, as after an answer that went missing.
            for _ in range(2):
                insist(f"{home}/answers/{position}", "PUT", rating(number, position))

    with ThreadPoolExecutor() as pool:
        people = [pool.submit(take_part, number, link) for number, link in enumerate(keys.links)]
        until(lambda: len(store.answers()) > 9)
        assert running.stop(signal.SIGKILL) == -signal.SIGKILL
        assert len(store.answers()) < 90
        running.start()
        for person in people:
            person.result(300)
    stored = {(one.participant, one.position): one.value for one in store.answers()}
    assert stored == {
        (store.participant(link), position): rating(number, position)
        for number, link in enumerate(keys.links)
        for position in range(30)
    }
    assert len(store.answers()) == 90


def test_nobody_is_remembered(make, server):
    """Neither the file nor what lies beside it holds an address of a person."""
    store, keys = make()
    running = server(store.path)
    home = f"{running.url}/{store.id}/p/{keys.links[0]}"
    answer = httpx.put(f"{home}/answers/0", json={"value": 4}, headers={"user-agent": "Remarkable"})
    assert answer.status_code == 204
    files = [path for path in Path(store.path.parent).iterdir() if path.is_file()]
    content = b"".join(path.read_bytes() for path in files)
    assert b"127.0.0.1" not in content
    assert b"Remarkable" not in content
    assert keys.links[0].encode() not in content
    # It ends well when told to.
    assert running.stop(signal.SIGINT) == 0
    assert [one.value for one in Store(store.path).answers()] == [4]
