"""A method that is a folder and a line in `METHODS` is there at every door, with its options and their help."""

import json
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from subprocess import run

import numpy as np
import pytest
from fake_service import faked
from toy_method import ToyOptions
from wishes import picture

import impasto
from impasto.errors import OptionError
from impasto.image import read
from impasto.methods import METHODS, StylizeOptions
from impasto.record import read_record
from impasto.service.limits import Limits
from impasto.service.offer import Offer
from impasto.service.painter import TaskPainter
from impasto.service.request import PaintRequest

HELP = "how much of the mean colour"
TESTS = Path(__file__).parent


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(METHODS, "toy", "toy_method:ToyOptions")
    return


def photo(shade: int) -> np.ndarray:
    return np.full((6, 8, 3), shade, np.uint8)


def commands(folder: Path, *lines: tuple[str, ...]) -> str:
    """What several command lines say, in one process that knows the method."""
    code = f"""
        import sys
        sys.path.insert(0, {str(TESTS)!r})
        from impasto.methods import METHODS
        METHODS["toy"] = "toy_method:ToyOptions"
        from impasto.cli.main import main
        sys.exit(max(main(words) for words in {lines!r}))
    """
    ended = run([sys.executable, "-c", textwrap.dedent(code)], cwd=folder, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_library() -> None:
    painted = impasto.stylize(photo(100), photo(200), method="toy", amount=0.25)
    assert (painted == 125).all()
    assert StylizeOptions("toy", amount=0.25) == ToyOptions(amount=0.25)
    with pytest.raises(OptionError, match="amount is 2, but must be from 0 to 1"):
        impasto.stylize(photo(100), photo(200), method="toy", amount=2)
    with pytest.raises(OptionError, match="amount is for the method toy, but the method is adain"):
        StylizeOptions(amount=0.25)
    with pytest.raises(OptionError, match="styles are 2, but the method toy takes one"):
        impasto.stylize(photo(100), [photo(200), photo(0)], method="toy")


def test_command_line(tmp_path: Path) -> None:
    for name, shade in (("photo.png", 100), ("painting.png", 200)):
        (tmp_path / name).write_bytes(picture(shade))
    words = ("photo.png", "-s", "painting.png", "--method", "toy", "--amount", "0.25", "-o", "out.png")
    text = commands(tmp_path, ("stylize", "--help"), ("stylize", *words))
    assert "Options of toy" in text
    assert HELP in text
    assert np.allclose(read(tmp_path / "out.png").pixels * 255, 125, atol=0.01)
    assert read_record(tmp_path / "out.png")["options"]["amount"] == 0.25


def test_service_and_http_api(tmp_path: Path) -> None:
    starlette = pytest.importorskip("starlette.testclient")
    from impasto.serving.http_limits import HttpLimits
    from impasto.web.app import create_app
    from impasto.web.forms import form

    offer = Offer(styles={"now": TESTS / "wishes.py"})
    assert form(offer, Limits())["content"]["multipart/form-data"]["schema"]["properties"]["amount"]["maximum"] == 1
    with faked(tmp_path, offer=offer, echo=True) as service:
        client = starlette.TestClient(create_app(service, HttpLimits()), base_url="http://localhost")
        (toy,) = [one for one in client.get("/v1/methods").json()["methods"] if one["name"] == "toy"]
        assert (toy["about"], toy["takes_several"], toy["takes_masks"]) == (ToyOptions.about, False, False)
        assert toy["options"]["amount"]["description"] == HELP
        assert [name for name, shown in toy["options"].items() if shown.get("plain")] == ["size", "colour", "amount"]
        data = {"style": "now", "method": "toy", "amount": "0.25"}
        assert client.post("/v1/stylize", data=data, files={"content": picture(100)}).status_code == 200
        refused = client.post("/v1/stylize", data=data | {"amount": "2"}, files={"content": picture(100)}).json()
        assert refused["option"] == "amount"
    (task,) = [json.loads(line) for line in (tmp_path / "tasks.jsonl").read_text().splitlines()]
    options = {"method": "toy", "size": None, "colour": "style", "precision": "auto", "amount": 0.25}
    assert task["options"] == options

    painter = TaskPainter("cpu", {}, {}, 10**6, 0)
    request = PaintRequest(content=picture(100), styles=(picture(200),), options=StylizeOptions(**options))
    (tmp_path / "out.png").write_bytes(painter.paint(request, lambda _: None))
    assert np.allclose(read(tmp_path / "out.png").pixels * 255, 125, atol=0.01)


def test_bot() -> None:
    pytest.importorskip("telegram")
    from impasto.bot import keyboards
    from impasto.bot.conversation import Conversation, Order, settable
    from impasto.bot.handlers import _explained

    assert "toy" in settable({})["method"]
    settings = {"method": "toy", "amount": 0.25}
    labels = [button.text for row in keyboards.settings("ru", settings).inline_keyboard for button in row]
    assert labels == ["метод: toy", "цвета стиля", "amount: 0.25"]
    assert f"amount: {HELP}" in _explained(Conversation(settings=settings))
    assert Order((), "ink", settings).options(size=64) == ToyOptions(amount=0.25, size=64)
