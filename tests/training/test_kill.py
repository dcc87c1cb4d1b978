"""SIGKILL, at any moment: the resumed run ends bit by bit like one that was never killed."""

import json
import os
import random
import signal
import time
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

import pytest
import toy_run
from toy_run import SETTINGS, changed

from impasto.training import checkpoint

STEPS = 32
# As often as that, so that about one kill in three falls into the saving.
LONG = changed(SETTINGS, steps=STEPS, log_every=3, save_every=2, validate_every=7)
SHORT = changed(SETTINGS, steps=4, log_every=1, save_every=2, keep=1)
WRITES = 1000
"""More than there are in a short run."""


def train(folder: Path, pictures: Path, step: "Synchronized[int]") -> None:
    toy_run.fit(folder, pictures, LONG, lambda number: setattr(step, "value", number))


def train_until_write(folder: Path, pictures: Path, number: int) -> None:
    toy_run.kill_at_write(number)
    toy_run.fit(folder, pictures, SHORT)


def last_state(folder: Path) -> bytes:
    """Everything: networks, averages, pools, optimisers, random generators."""
    return (folder / json.loads((folder / "state.json").read_text())["file"]).read_bytes()


def started(folder: Path, pictures: Path, step: "Synchronized[int]"):  # type: ignore[no-untyped-def]
    child = toy_run.context().Process(target=train, args=(folder, pictures, step))
    child.start()
    return child


@pytest.mark.parametrize("kills", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_kills_change_nothing(pictures: Path, tmp_path: Path, kills: int) -> None:
    moments = random.Random(5)
    step = toy_run.context().Value("i", -1)
    whole = started(tmp_path / "whole", pictures, step)
    whole.join()
    assert whole.exitcode == 0
    folder, reached = tmp_path / "killed", []
    for _ in range(kills):
        begin = checkpoint._listed(folder)[0]["step"] if checkpoint.has_state(folder) else 0
        step.value = -1
        child = started(folder, pictures, step)
        target = begin + moments.randrange(3)
        while step.value < target:
            assert child.is_alive(), "it ends when it is killed, not before"
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.05))  # about as long as a step that saves takes
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        assert child.exitcode == -signal.SIGKILL
        reached.append(step.value)
    assert reached[-1] > reached[0]
    child = started(folder, pictures, step)
    child.join()
    assert child.exitcode == 0
    assert last_state(folder) == last_state(tmp_path / "whole")
    for name in ("generators.safetensors", "generators-best.safetensors"):
        assert (folder / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert json.loads((folder / "state.json").read_text()) == json.loads((tmp_path / "whole/state.json").read_text())
    assert {path.name for path in folder.iterdir()} == {path.name for path in (tmp_path / "whole").iterdir()}
    kinds = {name.split("/")[0] + "/" + name.split("/")[1].partition("_")[0] for name in _names(folder)}
    assert kinds >= {"module/generator", "module/average", "module/discriminator", "module/pool"}
    assert {name for name in _names(folder) if "generator/" in name and name.startswith("process/")} == {
        f"process/0/generator/{name}" for name in ("torch", "numpy", "python")
    }
    assert any(name.endswith("/mu_product") for name in _names(folder))


def _names(folder: Path) -> list[str]:
    from impasto import weights

    return list(weights.load(folder / json.loads((folder / "state.json").read_text())["file"])[0])


@pytest.mark.parametrize("stride", [pytest.param(1, marks=pytest.mark.slow), 5])
def test_a_kill_at_any_point_of_saving_changes_nothing(pictures: Path, tmp_path: Path, stride: int) -> None:
    folder, number = tmp_path / "killed", 0
    deaths = 0
    while True:
        # Each time further than the last one died, from the beginning of a save on.
        number += stride
        child = toy_run.context().Process(target=train_until_write, args=(folder, pictures, number))
        child.start()
        child.join()
        if child.exitcode == 0:
            break
        assert child.exitcode == -signal.SIGKILL
        deaths += 1
    whole = toy_run.context().Process(target=train_until_write, args=(tmp_path / "whole", pictures, WRITES))
    whole.start()
    whole.join()
    assert whole.exitcode == 0, "none of its writes is the last"
    assert deaths >= 10 // stride
    assert last_state(folder) == last_state(tmp_path / "whole")
    names = [sorted(path.name for path in some.iterdir()) for some in (folder, tmp_path / "whole")]
    assert names[0] == names[1], "nothing half-written is left"
