"""The training loop on a tiny problem: what it does when, and that nothing is lost when it stops."""

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from PIL import Image
from small_training import STEPS, Tiny, assert_same, kill_in, send, train
from torch import Tensor

from impasto import weights
from impasto.data.folders import Crops, PictureStream
from impasto.errors import DivergedError
from impasto.training import checkpoint, figures
from impasto.training.loop import Schedule, fit
from impasto.training.runs import losses_of


@pytest.mark.parametrize("killed_in", [1, 2, 3, 6])  # in 1 before anything was saved
def test_a_killed_run_ends_like_an_uninterrupted_one(uninterrupted: Tiny, tmp_path: Path, killed_in: int) -> None:
    kill_in(killed_in, tmp_path)
    torch.manual_seed(99)  # another process would not find this one's generator
    resumed = train(Tiny(), tmp_path, resume=True)
    assert resumed.done == list(range(killed_in // 2 * 2, STEPS))
    assert_same(resumed, uninterrupted)
    assert (tmp_path / "result.txt").exists()
    assert list(losses_of(tmp_path)["loss"]) == list(range(1, STEPS + 1))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_saves_and_resumes(uninterrupted: Tiny, tmp_path: Path, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    interrupted = Tiny()
    interrupted.at = {4: send(number)}
    with pytest.raises(KeyboardInterrupt):
        train(interrupted, tmp_path, save_every=100)
    assert signal.getsignal(number) is before
    assert "finish" not in interrupted.events
    resumed = train(Tiny(), tmp_path, resume=True)
    assert interrupted.done + resumed.done == list(range(STEPS)), "no step is lost"
    assert_same(resumed, uninterrupted)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_comes_twice_saves_all_the_same(tmp_path: Path, number: signal.Signals) -> None:
    twice = Tiny()
    twice.at = {4: send(signal.SIGINT, number)}
    with pytest.raises(KeyboardInterrupt):
        train(twice, tmp_path, save_every=100)
    assert [path.name for path in tmp_path.glob("state-*")] == ["state-0000005.safetensors"]


def test_the_wish_to_stop_is_acknowledged_within_the_step(tmp_path: Path) -> None:
    told: list[int] = []
    asked = Tiny()
    asked.at = {2: lambda: (send(signal.SIGINT)(), told.append(len(told)))}
    with pytest.raises(KeyboardInterrupt):
        fit(asked, Schedule(steps=6), tmp_path, Accelerator(cpu=True), stopping=lambda: told.append(len(asked.done)))
    assert (told, asked.done) == ([2, 1], [0, 1, 2]), "told first, and then once"


def test_a_second_wish_ends_it_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.progress.ECHO_SECONDS", 0.0)

    twice = Tiny()
    twice.at = {0: send(signal.SIGINT, signal.SIGTERM)}
    with pytest.raises(KeyboardInterrupt):
        train(twice, tmp_path)
    assert twice.done == []


def test_trains_beside_other_work(uninterrupted: Tiny, tmp_path: Path) -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with ThreadPoolExecutor(1) as pool:
        assert_same(pool.submit(train, Tiny(), tmp_path).result(), uninterrupted)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_resuming_with_worker_processes_is_exact_too(tmp_path: Path) -> None:
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 256, (6, 6, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")

    def tiny() -> Tiny:
        return Tiny(pictures=PictureStream(sorted(tmp_path.glob("*.png")), Crops(side=2), seed=0))

    whole = train(tiny(), tmp_path / "whole")
    kill_in(5, tmp_path / "killed", tiny())
    assert_same(train(tiny(), tmp_path / "killed", resume=True), whole)


def test_a_finished_run_only_finishes_again(uninterrupted: Tiny, tmp_path: Path) -> None:
    train(Tiny(), tmp_path)
    again = train(Tiny(), tmp_path, resume=True)
    assert again.done == []
    assert again.events == ["finish"]
    assert_same(again, uninterrupted)


def test_what_happens_when(tmp_path: Path) -> None:
    reports: list[tuple[int, int, set[str]]] = []
    tiny = Tiny()
    fit(
        tiny,
        Schedule(steps=6, log_every=4, preview_every=4, validate_every=3, save_every=5),
        tmp_path,
        Accelerator(cpu=True),
        report=lambda step, steps, values: reports.append((step, steps, set(values))),
    )
    assert reports == [(1, 6, {"loss"}), (3, 6, {"measure"}), (4, 6, {"loss"}), (6, 6, {"loss"}), (6, 6, {"measure"})]
    assert tiny.events == ["validate", "preview", "preview", "validate", "finish"]
    assert sorted(path.name for path in (tmp_path / "previews").iterdir()) == ["0000004.png", "0000006.png"]
    states = sorted(path.name for path in tmp_path.glob("state-*"))
    assert states == ["state-0000005.safetensors", "state-0000006.safetensors"]
    assert any((tmp_path / "tensorboard").iterdir())
    with Image.open(tmp_path / "previews.png") as strip:
        assert strip.width == 3 * 4, "the column that stays once, the other at both steps"
    assert set(losses_of(tmp_path)) == {"loss", "measure"}
    assert (tmp_path / "losses.png").exists()


@pytest.mark.parametrize("keep", [1, 3])
def test_the_last_states_are_kept(tmp_path: Path, keep: int) -> None:
    train(Tiny(), tmp_path, save_every=1, keep=keep)
    states = sorted(path.name for path in tmp_path.glob("state-*"))
    assert states == [f"state-{step:07d}.safetensors" for step in range(STEPS - keep + 1, STEPS + 1)]
    listed = json.loads((tmp_path / "state.json").read_text())
    assert [listed["file"], *(one["file"] for one in listed["earlier"])] == states[::-1]
    assert not list(tmp_path.glob("*.part*"))


def best_of(folder: Path) -> tuple[int, float]:
    best = checkpoint.best_of(folder)
    assert best is not None
    return best.step, best.value


class Measured(Tiny):
    """Has a held-out measure."""

    measure = "error"
    errors = (5.0, 2.0, float("nan"), 3.0, 2.0, 4.0, 6.0)

    def validate(self) -> dict[str, float]:
        return {"error": self.errors[len(self.done) - 1], "other": -1.0 * len(self.done)}

    def finish(self, folder: Path) -> None:
        (folder / "result.txt").write_text(str(len(self.done)))


def test_the_best_state_by_the_held_out_measure_is_kept_and_its_result_written(tmp_path: Path) -> None:
    train(Measured(), tmp_path, save_every=3, validate_every=1, keep=1)
    best = checkpoint.best_of(tmp_path)
    assert best is not None
    assert (best.step, best.measure, best.value) == (2, "error", 2.0)
    assert sorted(path.name for path in tmp_path.glob("state-*")) == [best.file, "state-0000007.safetensors"]
    assert ((tmp_path / "result-best.txt").read_text(), (tmp_path / "result.txt").read_text()) == ("2", "7")
    assert weights.sha256_of(tmp_path / best.file) == best.sha256
    assert not list(tmp_path.glob(".best-*"))


def test_of_a_measure_that_is_better_the_larger_the_largest_is_best(tmp_path: Path) -> None:
    class Likeness(Measured):
        measure = "held out/cycle PSNR"

        def validate(self) -> dict[str, float]:
            return {self.measure: super().validate()["error"]}

    trainable = Likeness()
    trainable.errors = (5.0, 7.0, float("nan"), float("inf"), 8.0, 8.0, 6.0)
    train(trainable, tmp_path, validate_every=1)
    assert best_of(tmp_path) == (5, 8.0)


def test_the_best_of_before_counts_in_a_resumed_run(tmp_path: Path) -> None:
    kill_in(4, tmp_path, Measured(), save_every=2, validate_every=1)
    resumed = Measured()
    resumed.errors = (3.0, 2.5, 9.0)
    train(resumed, tmp_path, save_every=2, validate_every=1, resume=True)
    assert best_of(tmp_path) == (2, 2.0)


def test_without_a_measure_there_is_no_best(uninterrupted: Tiny, tmp_path: Path) -> None:
    train(Tiny(), tmp_path, validate_every=1)
    assert checkpoint.best_of(tmp_path) is None
    assert not list(tmp_path.glob("*-best*"))


@pytest.mark.parametrize("log_every", [1, 100])
def test_a_loss_that_is_not_finite_stops_the_run_and_spoils_no_state(tmp_path: Path, log_every: int) -> None:
    class Diverging(Tiny):
        def step(self, batch: Tensor, step: int) -> dict[str, Tensor]:
            losses = super().step(batch, step)
            return {"loss": losses["loss"] * (float("nan") if step == 3 else 1)}

    before, tiny = signal.getsignal(signal.SIGINT), Diverging()
    with pytest.raises(DivergedError) as caught:
        train(tiny, tmp_path, log_every=log_every)
    assert str(caught.value).startswith(
        "the loss 'loss' was not a finite number at step 4; the state of step 2 is the last good one. Resumed, the run"
        " would come to the same point again: begin another one with a lower rate"
    )
    assert json.loads((tmp_path / "health.json").read_text())["stopped"] == str(caught.value)
    assert [path.name for path in tmp_path.glob("state-*")] == ["state-0000002.safetensors"]
    assert signal.getsignal(signal.SIGINT) is before
    assert "finish" not in tiny.events


@pytest.mark.parametrize("where", ["weights", "optimizer"])
def test_what_is_not_finite_is_never_saved(tmp_path: Path, where: str) -> None:
    class Spoilt(Tiny):
        """Its losses do not say so."""

        def step(self, batch: Tensor, step: int) -> dict[str, Tensor]:
            losses = super().step(batch, step)
            if step == 4:
                matrix = self.network[0].weight
                with torch.no_grad():
                    spoilt = matrix if where == "weights" else self.optimizers["muon"].state[matrix]["momentum_buffer"]
                    spoilt[0, :3] = float("inf")
            return losses | {"loss": torch.zeros(())}

    place = "the weights 'network/0.weight'" if where == "weights" else "the optimiser 'muon/0/momentum_buffer'"
    with pytest.raises(DivergedError, match=f"3 of 48 numbers of {place} are not finite; the state of step 4"):
        train(Spoilt(), tmp_path, save_every=4, validate_every=100, steps=5)
    assert [path.name for path in tmp_path.glob("state-*")] == ["state-0000004.safetensors"]


@pytest.mark.parametrize("loss", [0.0, float("nan")])
def test_what_is_not_finite_is_never_measured(tmp_path: Path, loss: float) -> None:
    class Spoilt(Tiny):
        def step(self, batch: Tensor, step: int) -> dict[str, Tensor]:
            super().step(batch, step)
            with torch.no_grad():
                self.network[0].weight[0, 0] = float("nan")
            return {"loss": torch.tensor(loss)}

    spoilt = Spoilt()
    with pytest.raises(DivergedError, match="finite"):
        train(spoilt, tmp_path, log_every=100, save_every=100, validate_every=1)
    assert spoilt.events == []


def test_only_the_main_process_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accelerate.Accelerator.is_main_process", False)
    train(Tiny(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_page_is_written_whenever_there_is_something_to_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[int, bool, Any]] = []
    trainable = Tiny()

    def remember(folder: Path, *, columns: Any, going_on: bool = True) -> None:
        written.append((len(trainable.done), going_on, columns))

    monkeypatch.setattr(figures, "write_page", remember)
    train(trainable, tmp_path, preview_every=2, validate_every=3)
    columns = Tiny.preview_columns
    assert written == [(step, True, columns) for step in (2, 3, 4, 6, 7)] + [(7, False, columns)]


def test_a_page_that_cannot_be_written_stops_nothing(uninterrupted: Tiny, tmp_path: Path) -> None:
    (tmp_path / "index.html").mkdir()
    assert_same(train(Tiny(), tmp_path, preview_every=2), uninterrupted)
    assert (tmp_path / "result.txt").exists()


def test_the_page_of_a_run_that_was_stopped_says_so(tmp_path: Path) -> None:
    interrupted = Tiny()
    interrupted.at = {4: send(signal.SIGINT)}
    (tmp_path / "config.json").write_text(json.dumps({"recipe": "tiny", "schedule": {"steps": STEPS}}))
    with pytest.raises(KeyboardInterrupt):
        train(interrupted, tmp_path)
    text = (tmp_path / "index.html").read_text()
    assert f"<strong>Step 5 of {STEPS}</strong>, stopped; --resume goes on" in text
    assert "refresh" not in text
    train(Tiny(), tmp_path, resume=True)
    assert f"<strong>Step {STEPS} of {STEPS}</strong>, finished" in (tmp_path / "index.html").read_text()
