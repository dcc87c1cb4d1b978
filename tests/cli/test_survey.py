import json
import shutil
import sys
from pathlib import Path

import pytest

from impasto.survey.store import Store


@pytest.fixture
def folders(folder, fill):
    for name in ("c", "s", "r", "other"):
        fill(name, 3, size=(40, 60))
    return folder


def create(impasto, *words):
    return impasto("survey", "create", "one.survey", "--content", "c", "--style", "s", *words)


def test_create_and_report(impasto, folders):
    outcome = create(impasto, "--result", "r", "--participants", "4", "--title", "Mine", "--size", "64")
    assert (outcome.code, outcome.err) == (0, "")
    store = Store(folders / "one.survey")
    assert (store.settings.title, store.settings.methods, store.pairs) == ("Mine", ("result",), ("0", "1", "2"))
    links = Path("one.survey.links.txt")
    assert [line.startswith(f"http://127.0.0.1:8000/{store.id}/p/") for line in links.read_text().split()] == [True] * 4
    assert links.stat().st_mode & 0o77 == 0
    key = outcome.out.split()[-1]
    assert store.is_admin(key)
    people = [store.participant(line.rpartition("/")[2]) for line in links.read_text().split()]
    for position in range(3):
        store.put(people[0], position, 8)
    reported = impasto("survey", "report", "one.survey", "--resamples", "200", "-o", "out")
    assert reported.out == "out/report.html\n"
    assert "1 person rated 3 pictures on a 10-point scale: 8.0 on average, 8.0 to 8.0 per picture." in reported.err
    assert json.loads(Path("out/report.json").read_text())["finished"] == 1
    assert impasto("survey", "report", "one.survey", "--resamples", "200", "-o", "out").code == 1


def test_several_methods_an_open_survey_and_fewer_pairs(impasto, folders):
    words = ["-r", "mine=r", "-r", "theirs=other", "--ask", "ab,rate", "--pairs", "2", "--open"]
    outcome = create(impasto, *words, "--url", "https://survey.example/")
    assert outcome.code == 0, outcome.err
    store = Store(folders / "one.survey")
    assert (store.settings.methods, store.settings.kinds, len(store.pairs)) == (("mine", "theirs"), ("ab", "rate"), 2)
    (link,) = Path("one.survey.links.txt").read_text().split()
    assert link.startswith(f"https://survey.example/{store.id}/join/")
    assert store.is_joining(link.rpartition("/")[2])
    reported = impasto("survey", "report", "one.survey", "--resamples", "200")
    assert reported.out == "one-report/report.html\n"
    assert "ab: " in reported.err


def test_pictures_are_made_ready(impasto, folders, draw):
    from io import BytesIO

    from PIL import Image

    camera = Image.Exif()
    camera[0x010F] = "A camera with a name"
    with Image.open("c/0.png") as picture:
        picture.convert("RGB").resize((300, 200)).save("c/0.jpg", exif=camera)
    Path("c/0.png").unlink()
    assert create(impasto, "-r", "r", "--size", "100").code == 0
    store = Store(folders / "one.survey")
    data = store.pictures()[0].content
    with Image.open(BytesIO(data)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (100, 67))
    assert b"A camera" not in data
    with Image.open(BytesIO(store.pictures()[0].style)) as picture:
        assert picture.size == (60, 40)


def test_a_damaged_picture_is_named_and_leaves_nothing(impasto, folders):
    Path("r/1.png").write_bytes(Path("r/1.png").read_bytes()[:60])
    create(impasto, "-r", "r").refuses(1, "r/1.png")
    assert not list(folders.glob("*survey*"))


def test_a_survey_and_its_links_are_never_replaced(impasto, folders):
    assert create(impasto, "-r", "r").code == 0
    before = Path("one.survey").read_bytes(), Path("one.survey.links.txt").read_bytes()
    create(impasto, "-r", "r").refuses(1, "the file exists")
    assert (Path("one.survey").read_bytes(), Path("one.survey.links.txt").read_bytes()) == before


def test_a_method_without_all_results_is_told(impasto, folders):
    Path("other/1.png").unlink()
    shutil.copy("r/0.png", "r/stranger.png")
    outcome = create(impasto, "-r", "a=r", "-r", "b=other")
    assert outcome.code == 0
    assert "r/stranger.png: left out" in outcome.err
    assert "r/1.png: left out" in outcome.err


def test_one_survey_twice(impasto, folders):
    pytest.importorskip("fastapi")
    create(impasto, "-r", "r")
    outcome = impasto("survey", "serve", "one.survey", "one.survey", "--port", "0")
    assert (outcome.code, "are the same survey" in outcome.err) == (1, True)


def test_without_the_extra(impasto, folders, monkeypatch):
    create(impasto, "-r", "r")
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "impasto.survey.server", raising=False)
    outcome = impasto("survey", "serve", "one.survey")
    outcome.refuses(1, "pip install '.[survey]'")


@pytest.mark.parametrize("url", [[], ["--url", "https://survey.example"]])
def test_links_to_this_machine_name_the_port_that_is_served(url, impasto, folders, monkeypatch):
    pytest.importorskip("uvicorn")
    monkeypatch.setattr("impasto.survey.server.serve", lambda stores, listener, **how: None)
    create(impasto, "--result", "r", "--participants", "2", "--size", "64", *url)
    links = Path("one.survey.links.txt")
    before = links.read_text()
    served = impasto("survey", "serve", "one.survey", "--port", "0")
    port = served.out.strip().rpartition(":")[2]
    assert links.read_text() == (before if url else before.replace(":8000/", f":{port}/"))
    assert (f"name the port {port} now" in served.err) == (not url)
    assert links.stat().st_mode & 0o77 == 0
