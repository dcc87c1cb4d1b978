import json
import sys

import pytest
from torch.utils.tensorboard import SummaryWriter

from impasto.errors import missing_extra


@pytest.fixture
def runs(folder):
    """Two runs, one that is damaged, and a folder that is none, below `runs`."""
    for name, seed, step in (("one", 0, 100), ("two", 5, 60)):
        run = folder / "runs" / name
        run.mkdir(parents=True)
        config = {"recipe": "cyclegan", "schedule": {"steps": 100}, "seed": seed, "pictures": 3}
        (run / "config.json").write_text(json.dumps(config))
        (run / "state.json").write_text(json.dumps({"step": step, "best": {"step": 50, "value": 0.5}}))
        with SummaryWriter(str(run / "tensorboard")) as writer:
            for at in range(20, step + 1, 20):
                writer.add_scalar("loss", at + seed, at)
                writer.add_scalar("held out A/cycle", abs(at - 40) / 40, at)
    warning = {"step": 40, "name": "A2B/copying", "message": "looks alike"}
    health = {"step": 60, "values": {"A2B/copying": 0.97}, "warnings": [warning], "stopped": None}
    (folder / "runs" / "two" / "health.json").write_text(json.dumps(health))
    (folder / "runs" / "bad").mkdir()
    (folder / "runs" / "bad" / "config.json").write_text("{")
    (folder / "runs" / "empty").mkdir()


def test_list(runs, impasto):
    outcome = impasto("runs", "list")
    assert (outcome.code, outcome.err) == (0, "")
    head, bad, one, two = outcome.out.splitlines()
    assert head.split() == ["run", "recipe", "step", "health", "age", "MB", "losses"]
    assert bad.split()[:6] == ["bad", "?", "-", "of", "?", "damaged"]
    assert one.split()[:6] == ["one", "cyclegan", "100", "of", "100", "-"]
    assert one.endswith("loss 100  held out A/cycle 1.5")
    assert two.split()[:7] == ["two", "cyclegan", "60", "of", "100", "1", "warnings"]
    found = json.loads(impasto("runs", "list", "runs", "--json").out)
    assert [(run["run"], run["step"], run["finished"]) for run in found] == [
        ("runs/bad", None, False), ("runs/one", 100, True), ("runs/two", 60, False),
    ]  # fmt: skip
    assert found[2]["losses"] == {"loss": 65.0, "held out A/cycle": 0.5}
    assert found[2]["health"]["warnings"] == [{"step": 40, "name": "A2B/copying", "message": "looks alike"}]
    assert "cannot be read" in found[0]["problem"]
    assert impasto("runs", "list", "none").code == 1


def test_show(runs, impasto):
    outcome = impasto("runs", "show", "runs/two")
    lines = [" ".join(line.split()) for line in outcome.out.splitlines()]
    assert outcome.code == 0
    assert lines[0].startswith("runs/two: cyclegan, step 60 of 100, 1 warnings, changed ")
    assert lines[1] == "warning at step 40: A2B/copying: looks alike"
    for line in ("seed 5", "pictures 3", "loss 65", "held out A/cycle 0 at step 40", "value 0.5", "state.json 0.0 MB"):
        assert line in lines
    found = json.loads(impasto("runs", "show", "runs/two", "--json").out)
    assert found["settings"]["seed"] == 5
    assert found["best"] == {"held out A/cycle": {"step": 40, "value": 0.0}}
    assert found["best_state"] == {"step": 50, "value": 0.5}
    assert "damaged: config.json cannot be read" in impasto("runs", "show", "runs/bad").out
    assert impasto("runs", "show", "runs/empty").err == "impasto: runs/empty: holds no run\n"


def test_diff(runs, impasto):
    outcome = impasto("runs", "diff", "runs/one", "runs/two")
    lines = [" ".join(line.split()) for line in outcome.out.splitlines()]
    assert (outcome.code, outcome.err) == (0, "")
    assert lines[:2] == ["settings that differ", "seed 0 | 5"]
    assert lines[lines.index("loss") :] == ["loss", "step 20 20 | 25", "step 40 40 | 45", "step 60 60 | 65"]
    found = json.loads(impasto("runs", "diff", "runs/one", "runs/two", "--json").out)
    assert found["settings"] == {"seed": [0, 5]}
    assert found["losses"]["loss"][-1] == {"step": 60, "values": [60.0, 65.0]}
    assert impasto("runs", "diff", "runs/one", "runs/one").out.startswith("the settings are the same\n")
    assert "runs/bad is damaged" in impasto("runs", "diff", "runs/one", "runs/bad").err


def test_without_the_extra_only_the_losses_are_missing(runs, impasto, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("tensorboard")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    outcome = impasto("runs", "list")
    assert outcome.code == 0
    assert outcome.out.splitlines()[2].endswith("?")
    assert outcome.err == f"note: {missing_extra('reading the losses', 'train', 'tensorboard')}\n"


def test_many_losses_make_no_long_lines(runs, impasto, folder):
    with SummaryWriter(str(folder / "runs" / "one" / "tensorboard")) as writer:
        for number in range(40):
            writer.add_scalar(f"held out A/measure {number}", number, 100)
    lines = impasto("runs", "list").out.splitlines()
    assert max(map(len, lines)) <= 120
    assert lines[2].endswith(" more")
    assert "measure 39" in impasto("runs", "show", "runs/one").out


def test_an_optimiser_is_called_by_its_name(impasto, folder):
    from dataclasses import asdict

    from impasto.methods.nla_cyclegan.recipes import nla_cyclegan

    (folder / "run").mkdir()
    (folder / "run" / "config.json").write_text(json.dumps({"recipe": "nla_cyclegan", **asdict(nla_cyclegan())}))
    assert 'optimizer.kind "NAdam"' in " ".join(impasto("runs", "show", "run").out.split())
