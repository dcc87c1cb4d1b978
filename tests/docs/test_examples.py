"""The scripts and the notebook in `examples` run, and leave what they say."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

EXAMPLES = Path(__file__).parents[2] / "examples"
LEFT = {
    "one_photo": ["one_photo.png"],
    "folder": ["painted/mountains.png", "painted/still_life.png", "swirls.style.safetensors"],
    "two_styles": ["two_styles.png"],
    "many_styles": ["many_styles.jpg"],
    "stop_in_time": ["stop_in_time.png"],
}
"""{script: files}."""


def run(folder, name, *words):
    return subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py", *words], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.splitlines()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "one_photo" else pytest.mark.slow) for name in LEFT]
)
def test_a_script(name, tmp_path):
    assert run(tmp_path, name, *(["1"] if name == "stop_in_time" else []))
    for file in LEFT[name]:
        if file.endswith("safetensors"):
            assert (tmp_path / file).stat().st_size
            continue
        with Image.open(tmp_path / file) as picture:
            low, high = picture.convert("L").getextrema()
            assert high - low > 100, file


@pytest.mark.slow
def test_the_script_that_asks_a_server(tmp_path):
    command = [sys.executable, "-m", "impasto", "serve", "--port", "0", "--device", "cpu"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            run(tmp_path, "ask_a_server", server.stdout.readline().strip())
        finally:
            server.terminate()
    with Image.open(tmp_path / "ask_a_server.png") as picture:
        assert max(picture.size) == 512


@pytest.mark.slow
def test_the_notebook(tmp_path, monkeypatch, capsys):
    """Its cells after each other, as a kernel would run them."""
    monkeypatch.chdir(tmp_path)
    cells = json.loads((EXAMPLES / "explore.ipynb").read_text("utf-8"))["cells"]
    names = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            assert not cell["outputs"], "pictures in a notebook make every change of it large"
            exec("".join(cell["source"]), names)
    said = capsys.readouterr().out.splitlines()
    ssims = [float(line.split("SSIM ")[1].split(",")[0]) for line in said]
    assert ssims == sorted(ssims, reverse=True)
    assert ssims[0] > 0.99


def test_every_example_is_told_of():
    told = (EXAMPLES / "README.md").read_text("utf-8")
    for file in EXAMPLES.iterdir():
        assert file.name == "README.md" or f"`{file.name}`" in told
