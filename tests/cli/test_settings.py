"""`impasto train --set`: any field of a recipe, of its kind, found by its name."""

from dataclasses import asdict

from impasto.cli.settings import with_settings
from impasto.methods.aggan import recipes as aggan
from impasto.methods.nla_cyclegan import recipes as nla_cyclegan
from impasto.methods.semantic_gan import recipes as semantic_gan


def changed(config, *given):
    """{place: value} of what is other than before."""

    def flat(values, outer=""):
        for name, value in values.items():
            if isinstance(value, dict):
                yield from flat(value, f"{outer}{name}.")
            else:
                yield f"{outer}{name}", value

    before, after = (dict(flat(asdict(one))) for one in (config, with_settings(config, given)))
    return {name: value for name, value in after.items() if value != before[name]}


def test_fields_and_fields_of_fields():
    config = nla_cyclegan.nla_cyclegan()
    given = (
        "batch=4",
        "crop=128",
        "save_every=50",
        "generator.width=32",
        "rates.rate=1e-3",
        "optimizer.betas=0.9, 0.99",
    )
    assert changed(config, *given) == {
        "batch": 4, "crop": 128, "schedule.save_every": 50, "generator.width": 32, "rates.rate": 1e-3,
        "optimizer.betas": (0.9, 0.99),
    }  # fmt: skip
    assert changed(config, "compose=true", "upsampling=resize") == {
        "generator.compose": True, "generator.upsampling": "resize"
    }  # fmt: skip
    assert [changed(config, f"epoch={word}") for word in ("A", "300", "max")] == [{"epoch": "A"}, {"epoch": 300}, {}]
    assert changed(aggan.aggan(), "foreground_from=5") == {"foreground_from": 5}
    assert changed(semantic_gan.semantic_gan(), "spectral_norm=true") == {"spectral_norm": True}
