"""Records of pictures that earlier versions painted, whose options held those of every method."""

import json
from pathlib import Path

import pytest
from PIL import Image

from impasto.cli import stylize as command
from impasto.methods import StylizeOptions
from impasto.methods.adain.options import AdaINOptions
from impasto.methods.cyclegan.options import CycleGANOptions
from impasto.methods.dncnn_cyclegan.options import DnCNNCycleGANOptions
from impasto.methods.gatys.options import GatysOptions
from impasto.methods.nla_cyclegan.options import NLACycleGANOptions
from impasto.methods.semantic_gan.options import SemanticGANOptions
from impasto.record import to_exif

RECORDS = json.loads(Path(__file__).with_name("records_of_0.1.json").read_text())
TRANSLATED = {"direction": "B2A", "colour": "keep"}
MEANT = {
    "adain": AdaINOptions(strength=0.5, detail=0.4, colour="match", size=16),
    "adain-refined": StylizeOptions(detail=0.85, quality="finer", refine=2, tv_weight=0.5, pooling="max"),
    "gatys": GatysOptions(preset="paper-gatys", steps=2, seed=3, init="noise", style_weight=5.0),
    "cyclegan": CycleGANOptions(**TRANSLATED),
    "nla-cyclegan": NLACycleGANOptions(**TRANSLATED),
    "dncnn-cyclegan": DnCNNCycleGANOptions(**TRANSLATED),
    "semantic-gan": SemanticGANOptions(**TRANSLATED),
}


@pytest.mark.parametrize("name", RECORDS)
def test_like_repeats_them(name, impasto, folder, monkeypatch):
    chosen = []
    monkeypatch.setattr(command, "_paint", lambda pictures, options, *rest: chosen.append(options) or 0)
    Image.new("RGB", (4, 3)).save(folder / "old.jpg", exif=to_exif(RECORDS[name]))
    outcome = impasto("stylize", "photo.png", "--like", "old.jpg")
    assert (outcome.code, outcome.err) == (0, "")
    assert chosen == [MEANT[name]]
