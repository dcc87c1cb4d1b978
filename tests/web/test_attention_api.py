"""`POST /v1/attention` through a real server, and the client's word for it."""

import io

import pytest
from fake_service import actions, faked
from PIL import Image
from wishes import picture

from impasto.client import Client, ServerError
from impasto.methods.gatys.options import GatysOptions
from impasto.service.offer import Offer

CONTENT = ("content", picture(3))
PLACE = (("x", "37"), ("y", "80.2"))


def pixel(data):
    with Image.open(io.BytesIO(data)) as image:
        return image.getpixel((0, 0))


def asked(site, *fields, **headers):
    return site.stylize(*fields, path="/v1/attention", **headers)


def test_a_place_in_and_what_it_looks_at_out(here):
    answer = asked(here, CONTENT, ("style", "now"), *PLACE, ("attention_layers", "relu3_1"))
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/png")
    # As the fake worker answers: x, y, and the block of the layer.
    assert pixel(answer.body) == (37, 80, 3)
    waiting = asked(here, CONTENT, ("style", picture(4)), ("method", ""), *PLACE, Prefer="respond-async")
    assert (waiting.status, waiting.json["method"]) == (202, "gatys")


def test_what_is_wrong_is_a_problem(here):
    cases = [
        ([CONTENT, ("style", "now")], 422, "x of the place is '', but must be a number from 0 to 100"),
        ([CONTENT, ("style", "now"), ("x", "5"), ("y", "low")], 422, "y of the place is 'low', but must be"),
        ([CONTENT, ("style", "now"), ("x", picture()), ("y", "1")], 422, "x is a value, but was sent as a file"),
        ([("style", "now"), *PLACE], 422, "content is missing"),
        ([CONTENT, ("style", "now"), ("method", "adain"), *PLACE], 422, "attention is shown of gatys"),
        ([CONTENT, ("style", "now"), ("size", "99999"), *PLACE], 413, "megapixels"),
    ]
    for fields, status, said in cases:
        answer = asked(here, *fields)
        assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json"), said
        assert said in answer.json["detail"]
    answer = here.stylize(CONTENT, ("style", "now"), *PLACE)
    assert "no option 'x'" in answer.json["detail"], "a painting has no place"


def test_without_torch_it_is_refused_and_not_offered(running, tmp_path):
    lean = Offer(styles=actions().styles, torch=False)
    with faked(tmp_path, offer=lean) as service, running(service) as here:
        for more in ((), (("method", "gatys"),), (("method", "adain"),)):
            answer = asked(here, CONTENT, ("style", "now"), *PLACE, *more)
            assert (answer.status, answer.json["code"]) == (501, "no-torch")
            assert answer.json["detail"].endswith("it lacks the extra 'torch'")
        answer = here.stylize(CONTENT, ("style", "now"), ("quality", "finer"))
        assert (answer.status, answer.json["code"]) == (501, "no-torch")
        (method,) = here.ask("GET", "/v1/methods").json["methods"]
        assert (method["name"], method["refined_by"], method["looks_in"]) == ("adain", [], "")
        form = here.ask("GET", "/v1/openapi.json").json["paths"]["/v1/stylize"]["post"]["requestBody"]["content"]
        assert form["multipart/form-data"]["schema"]["properties"]["quality"]["enum"] == ["instant"]


def test_openapi_describes_what_changes_a_look(site):
    operation = site().ask("GET", "/v1/openapi.json").json["paths"]["/v1/attention"]["post"]
    form = operation["requestBody"]["content"]["multipart/form-data"]
    own = {"content", "style", "x", "y", "format", "method"}
    assert set(form["schema"]["properties"]) == own | set(GatysOptions.look_options)
    assert form["schema"]["required"] == ["content", "x", "y"]
    assert form["schema"]["properties"]["method"]["enum"] == ["gatys"]
    assert form["example"]["x"] == 50


def test_client(site):
    client = Client(site().url)
    assert pixel(client.attention(picture(), "now", (12, 34), attention_layers="relu5_1")) == (12, 34, 5)
    assert pixel(client.attention(picture(), picture(9))) == (50, 50, 4)
    with pytest.raises(ServerError, match="x of the place is -1"):
        client.attention(picture(), "now", (-1, 0))
