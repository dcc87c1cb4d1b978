import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest
from torch.utils.tensorboard import SummaryWriter

from impasto.errors import CheckpointError, DataError
from impasto.training.optimisation import LinearDecay
from impasto.training.runs import (
    best_of,
    check_run,
    common_steps,
    defaults_of,
    different_settings,
    find_runs,
    last_of,
    losses_of,
    prepare_run,
    read_run,
    settings_of,
)

CONFIG = {"recipe": "cyclegan", "schedule": {"steps": 100, "log_every": 10}, "seed": 0, "widths": [1, 2], "none": {}}


def make_run(folder: Path, step: int = 40, curves=None, **config) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG | config))
    (folder / "state-1.safetensors").write_bytes(b"x" * 1000)
    (folder / "state.json").write_text(json.dumps({"file": "state-1.safetensors", "step": step}))
    for name, curve in (curves or {}).items():
        with SummaryWriter(str(folder / "tensorboard")) as writer:
            for at, value in curve.items():
                writer.add_scalar(name, value, at)
    return folder


def test_what_a_run_is_known_by(tmp_path):
    folder = make_run(tmp_path / "one")
    health = {
        "step": 40,
        "values": {"A2B/copying": 0.25, "odd": None},
        "warnings": [{"step": 30, "name": "A2B/copying", "message": "looks alike"}],
        "stopped": None,
        "bad in a row": {},
    }
    (folder / "health.json").write_text(json.dumps(health))
    run = read_run(folder)
    assert (run.recipe, run.step, run.steps, run.is_finished, run.problem) == ("cyclegan", 40, 100, False, None)
    assert run.num_bytes == sum(path.stat().st_size for path in folder.iterdir())
    assert run.health is not None
    assert (run.health.values, run.health.warnings) == ({"A2B/copying": 0.25}, ((30, "A2B/copying", "looks alike"),))
    assert str(run.health) == "1 warnings"
    assert run.age < 60
    (folder / "health.json").write_text(json.dumps(health | {"stopped": "the loss is nan"}))
    assert str(read_run(folder).health) == "stopped"
    (folder / "health.json").write_text("{}")
    assert str(read_run(folder).health) == "ok"
    assert read_run(make_run(tmp_path / "two", 100)).is_finished


@pytest.mark.parametrize(
    ("file", "content", "problem"),
    [
        ("config.json", None, "config.json is missing"),
        ("config.json", "{", "config.json cannot be read"),
        ("config.json", "[1]", "config.json cannot be read (it holds no object)"),
        ("config.json", '{"schedule": 3}', None),
        ("state.json", b"\xff\xfe", "state.json cannot be read"),
        ("state.json", '{"file": 7, "step": "x", "best": []}', None),
        ("state-1.safetensors", None, "state-1.safetensors is missing"),
        ("health.json", '{"warnings": [3], "values": []}', None),
        ("health.json", "no", "health.json cannot be read"),
    ],
)
def test_damage_is_told_and_no_crash(tmp_path, file, content, problem):
    path = make_run(tmp_path / "run") / file
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    [run] = find_runs(tmp_path)
    assert (run.problem or "").startswith(problem or "")
    assert (run.problem is None) == (problem is None)


def test_runs_in_a_folder(tmp_path):
    for name in ("b", "a"):
        make_run(tmp_path / name)
    (tmp_path / "other").mkdir()
    (tmp_path / "file").write_text("")
    assert [run.folder.name for run in find_runs(tmp_path)] == ["a", "b"]
    assert [run.folder for run in find_runs(tmp_path / "a")] == [tmp_path / "a"]
    assert find_runs(tmp_path / "other") == []
    with pytest.raises(DataError, match="no such folder"):
        find_runs(tmp_path / "none")
    with pytest.raises(DataError, match="holds no run"):
        read_run(tmp_path / "other")


def test_losses_last_and_best(tmp_path):
    held_out = {10: 3.0, 20: 1.0, 30: 2.0}
    curves = losses_of(make_run(tmp_path / "run", curves={"loss": {10: 5.0, 20: 4.0}, "held out A/cycle": held_out}))
    assert last_of(curves) == {"loss": 4.0, "held out A/cycle": 2.0}
    assert best_of(curves) == {"held out A/cycle": (20, 1.0)}
    assert best_of({"held out x": {1: float("nan")}}) == {}
    assert best_of({"held out A/cycle PSNR": {10: 20.0, 20: 21.0, 30: 19.0}}) == {"held out A/cycle PSNR": (20, 21.0)}
    assert losses_of(make_run(tmp_path / "new")) == {}


def test_without_the_extra_the_losses_alone_are_missing(tmp_path, monkeypatch):
    folder = make_run(tmp_path / "run", curves={"loss": {1: 1.0}})
    for name in [name for name in sys.modules if name.startswith("tensorboard")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    assert read_run(folder).problem is None
    with pytest.raises(DataError, match="extra 'train'"):
        losses_of(folder)


def test_reading_a_run_needs_no_torch(tmp_path):
    code = (
        "import sys; from pathlib import Path; from impasto.training.runs import find_runs;"
        " assert find_runs(Path('.')); sys.exit('torch' in sys.modules)"
    )
    make_run(tmp_path / "run")
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0


def test_settings_that_differ(tmp_path):
    assert settings_of(CONFIG) == {
        "recipe": "cyclegan", "schedule.steps": 100, "schedule.log_every": 10, "seed": 0, "widths": [1, 2], "none": {},
    }  # fmt: skip
    one = read_run(make_run(tmp_path / "one", extra={"inner": 1}))
    other = read_run(make_run(tmp_path / "other", seed=3, schedule={"steps": 100, "log_every": 20}))
    assert different_settings(one.config, other.config) == {
        "schedule.log_every": (10, 20), "seed": (0, 3), "extra.inner": (1, None),
    }  # fmt: skip
    assert different_settings(one.config, one.config) == {}


def test_losses_at_common_steps():
    first = {"loss": {step: float(step) for step in range(0, 100, 2)}, "mine": {1: 1.0}}
    second = {"loss": {step: -float(step) for step in range(0, 100, 3)}, "other": {1: 1.0}, "late": {}}
    found = common_steps(first, second)
    assert list(found) == ["loss"]
    steps = [step for step, _, _ in found["loss"]]
    assert (len(steps), steps[0], steps[-1]) == (5, 0, 96)
    assert all(step % 6 == 0 and (one, other) == (step, -step) for step, one, other in found["loss"])
    assert common_steps({"a": {1: 1.0}}, {"a": {2: 1.0}}) == {}


# --- what a run is begun with ----------------------------------------------------------------------------------------


def begin(folder, config, resume):
    check_run(folder, config, resume=resume)
    prepare_run(folder, config)


def test_settings_of_a_resumed_run_must_be_the_same(tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(CheckpointError, match="holds no run to resume"):
        begin(folder, {"a": 1}, resume=True)
    begin(folder, {"batch": 8, "zoom": (0.5, 2.0), "seed": 0}, resume=False)
    begin(folder, {"batch": 8, "zoom": (0.5, 2.0), "seed": 0}, resume=True)
    with pytest.raises(CheckpointError, match="already holds a run; continue it with --resume"):
        begin(folder, {"batch": 8, "zoom": (0.5, 2.0), "seed": 0}, resume=False)
    with pytest.raises(
        CheckpointError, match=r"a run of other settings; choose another folder \(batch was 8 and is now 4"
    ):
        begin(folder, {"batch": 4}, resume=False)
    with pytest.raises(CheckpointError) as caught:
        begin(folder, {"batch": 16, "zoom": (0.5, 2.0), "rate": 0.1}, resume=True)
    for difference in ("batch was 8 and is now 16", "rate was None and is now 0.1", "seed was 0 and is now None"):
        assert difference in str(caught.value)
    assert "zoom" not in str(caught.value)
    (folder / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"config\.json: is damaged"):
        begin(folder, {"batch": 8}, resume=True)


@dataclass(frozen=True, kw_only=True)
class Inner:
    old: int
    new: int = 5


@dataclass(frozen=True, kw_only=True)
class Outer:
    inner: Inner
    rate: tuple[float, float] = (0.1, 0.2)


def test_a_run_from_before_a_setting_has_its_default(tmp_path):
    defaults = defaults_of(Outer(inner=Inner(old=1, new=7), rate=(3.0, 4.0)))
    assert defaults == {"inner": {"new": 5}, "rate": (0.1, 0.2)}
    begin(tmp_path, {"inner": {"old": 1}}, resume=False)
    check_run(tmp_path, asdict(Outer(inner=Inner(old=1))), resume=True, defaults=defaults)
    other = asdict(Outer(inner=Inner(old=1, new=7), rate=(3.0, 4.0)))
    with pytest.raises(CheckpointError, match=r": inner\.new was 5 and is now 7; rate was \[0\.1, 0\.2\] and is now"):
        check_run(tmp_path, other, resume=True, defaults=defaults)
    with pytest.raises(CheckpointError, match=r": inner\.old was 1 and is now 2$"):
        check_run(tmp_path, asdict(Outer(inner=Inner(old=2))), resume=True, defaults=defaults)


@dataclass(frozen=True, kw_only=True)
class WithoutDefaults:
    inner: LinearDecay
    outer: Outer


def test_a_run_resumes_where_nothing_has_a_default_or_nothing_could_be_set(tmp_path):
    config = WithoutDefaults(inner=LinearDecay(rate=1e-4, epochs=4, constant=2), outer=Outer(inner=Inner(old=1)))
    begin(tmp_path, {**asdict(config), "outer": {"inner": {}}}, resume=False)
    now = {**asdict(config), "outer": {"inner": {"new": 5}, "rate": (0.1, 0.2)}, "bare": {}}
    check_run(tmp_path, now, resume=True, defaults=defaults_of(config))
    with pytest.raises(CheckpointError, match=r": inner\.epochs was 4 and is now 5$"):
        check_run(tmp_path, {**now, "inner": {**now["inner"], "epochs": 5}}, resume=True, defaults=defaults_of(config))


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CheckpointError, match="cannot be made or written to"):
        begin(tmp_path / "file" / "run", {}, resume=False)


def test_checking_a_run_writes_nothing(tmp_path):
    check_run(tmp_path / "run", {"a": 1}, resume=False)
    assert list(tmp_path.iterdir()) == []
