"""The training loop on a tiny problem: what it does when, and that nothing is lost when it stops."""

import errno
import json
import os
import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from PIL import Image
from torch import Tensor, nn
from torch.optim import Optimizer

from impasto import weights
from impasto.data.folders import Crops, PictureStream, batches
from impasto.errors import CheckpointError, DivergedError
from impasto.training import checkpoint, figures, loop
from impasto.training.loop import Schedule, fit

STEPS = 7


class KilledError(Exception):
    """Stands for a kill: nothing of the loop's own runs any more."""


class Tiny:
    """A linear network with Muon for its matrix and Adam for its bias, which draws from torch's generator."""

    preview_columns = ("before", "now")

    def __init__(self, *, pictures: PictureStream | None = None) -> None:
        torch.manual_seed(0)
        self.pictures = pictures
        self.network = nn.Sequential(nn.Linear(12, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
        matrices = [parameter for parameter in self.network.parameters() if parameter.ndim == 2]
        vectors = [parameter for parameter in self.network.parameters() if parameter.ndim == 1]
        self.modules: Mapping[str, nn.Module] = {"network": self.network}
        self.optimizers: Mapping[str, Optimizer] = {
            "muon": torch.optim.Muon(matrices, lr=0.01),
            "adam": torch.optim.AdamW(vectors, lr=0.01),
        }
        self.done: list[int] = []
        self.at: dict[int, Any] = {}  # step: what happens in it
        self.events: list[str] = []

    def batches(self, start: int) -> Iterator[Tensor]:
        if self.pictures is not None:
            yield from (batch.float().flatten(1) / 255 for batch in batches(self.pictures, size=5, start=start))
        step = start
        while True:
            yield torch.rand(5, 12, generator=torch.Generator().manual_seed(step))
            step += 1

    def step(self, batch: Tensor, step: int) -> dict[str, Tensor]:
        special = self.at.get(step)
        if isinstance(special, type):
            raise special
        if special is not None and special != "nan":
            os.kill(os.getpid(), special)
        noisy = F.dropout(batch + 0.1 * torch.randn(batch.shape), 0.2)
        loss = self.network(noisy).square().mean()
        loss.backward()
        for optimizer in self.optimizers.values():
            optimizer.step()
            optimizer.zero_grad()
        self.done.append(step)
        return {"loss": loss.detach() * (float("nan") if special == "nan" else 1)}

    def preview(self) -> Tensor:
        self.events.append("preview")
        return torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))

    def validate(self) -> dict[str, float]:
        self.events.append("validate")
        return {"measure": 1.0}

    def finish(self, folder: Path) -> None:
        self.events.append("finish")
        (folder / "result.txt").write_text("done")

    def weights(self) -> dict[str, Tensor]:
        return {key: value.clone() for key, value in self.network.state_dict().items()}


def train(trainable: Tiny, folder: Path, *, resume: bool = False, steps: int = STEPS, **schedule: int) -> Tiny:
    settings = {"log_every": 1, "save_every": 2} | schedule
    folder.mkdir(exist_ok=True)
    fit(trainable, Schedule(steps=steps, **settings), folder, Accelerator(cpu=True), resume=resume)
    return trainable


def assert_same(first: Tiny, second: Tiny) -> None:
    theirs = second.weights()
    for key, value in first.weights().items():
        assert torch.equal(value, theirs[key]), key


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    return train(Tiny(), tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("killed_in", [1, 2, 3, 6])  # in 1 before anything was saved
def test_a_killed_run_ends_like_an_uninterrupted_one(uninterrupted: Tiny, tmp_path: Path, killed_in: int) -> None:
    killed = Tiny()
    killed.at = {killed_in: KilledError}
    with pytest.raises(KilledError):
        train(killed, tmp_path)
    torch.manual_seed(99)  # another process would not find this one's generator
    resumed = train(Tiny(), tmp_path, resume=True)
    assert resumed.done == list(range(killed_in // 2 * 2, STEPS))
    assert_same(resumed, uninterrupted)
    assert (tmp_path / "result.txt").exists()
    assert list(figures.read_curves(tmp_path / "tensorboard")["loss"]) == list(range(1, STEPS + 1))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_saves_and_resumes(uninterrupted: Tiny, tmp_path: Path, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    interrupted = Tiny()
    interrupted.at = {4: number}
    with pytest.raises(KeyboardInterrupt):
        train(interrupted, tmp_path, save_every=100)
    assert signal.getsignal(number) is before
    assert "finish" not in interrupted.events
    resumed = train(Tiny(), tmp_path, resume=True)
    assert interrupted.done + resumed.done == list(range(STEPS)), "no step is lost"
    assert_same(resumed, uninterrupted)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_comes_twice_saves_all_the_same(tmp_path: Path, number: signal.Signals) -> None:
    class Twice(Tiny):
        def step(self, batch: Tensor, step: int) -> dict[str, Tensor]:
            if step == 4:
                os.kill(os.getpid(), signal.SIGINT)
                os.kill(os.getpid(), number)
            return super().step(batch, step)

    with pytest.raises(KeyboardInterrupt):
        train(Twice(), tmp_path, save_every=100)
    assert [path.name for path in tmp_path.glob("state-*")] == ["state-0000005.safetensors"]


def test_a_second_wish_ends_it_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impasto.progress.ECHO_SECONDS", 0.0)

    class Twice(Tiny):
        def step(self, batch: Tensor, step: int) -> dict[str, Tensor]:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGTERM)
            return super().step(batch, step)

    twice = Twice()
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
    killed = tiny()
    killed.at = {5: KilledError}
    with pytest.raises(KilledError):
        train(killed, tmp_path / "killed")
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
    assert reports == [(3, 6, {"measure"}), (4, 6, {"loss"}), (6, 6, {"loss"}), (6, 6, {"measure"})]
    assert tiny.events == ["validate", "preview", "preview", "validate", "finish"]
    assert sorted(path.name for path in (tmp_path / "previews").iterdir()) == ["0000004.png", "0000006.png"]
    states = sorted(path.name for path in tmp_path.glob("state-*"))
    assert states == ["state-0000005.safetensors", "state-0000006.safetensors"]
    assert any((tmp_path / "tensorboard").iterdir())
    with Image.open(tmp_path / "previews.png") as strip:
        assert strip.width == 3 * 4, "the column that stays once, the other at both steps"
    assert set(figures.read_curves(tmp_path / "tensorboard")) == {"loss", "measure"}
    assert (tmp_path / "losses.png").exists()


@pytest.mark.parametrize("keep", [1, 3])
def test_the_last_states_are_kept(tmp_path: Path, keep: int) -> None:
    train(Tiny(), tmp_path, save_every=1, keep=keep)
    states = sorted(path.name for path in tmp_path.glob("state-*"))
    assert states == [f"state-{step:07d}.safetensors" for step in range(STEPS - keep + 1, STEPS + 1)]
    listed = json.loads((tmp_path / "state.json").read_text())
    assert [listed["file"], *(one["file"] for one in listed["earlier"])] == states[::-1]
    assert not list(tmp_path.glob("*.part*"))


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
    best = checkpoint.best_of(tmp_path)
    assert best is not None
    assert (best.step, best.value) == (5, 8.0)


def test_the_best_of_before_counts_in_a_resumed_run(tmp_path: Path) -> None:
    killed = Measured()
    killed.at = {4: KilledError}
    with pytest.raises(KilledError):
        train(killed, tmp_path, save_every=2, validate_every=1)
    resumed = Measured()
    resumed.errors = (3.0, 2.5, 9.0)
    train(resumed, tmp_path, save_every=2, validate_every=1, resume=True)
    best = checkpoint.best_of(tmp_path)
    assert best is not None
    assert (best.step, best.value) == (2, 2.0)


def test_without_a_measure_there_is_no_best(uninterrupted: Tiny, tmp_path: Path) -> None:
    train(Tiny(), tmp_path, validate_every=1)
    assert checkpoint.best_of(tmp_path) is None
    assert not list(tmp_path.glob("*-best*"))


@pytest.mark.parametrize("log_every", [1, 100])
def test_a_loss_that_is_not_finite_stops_the_run_and_spoils_no_state(tmp_path: Path, log_every: int) -> None:
    before = signal.getsignal(signal.SIGINT)
    tiny = Tiny()
    tiny.at = {3: "nan"}
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


def test_settings_of_a_resumed_run_must_be_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with pytest.raises(CheckpointError, match="holds no run to resume"):
        checkpoint.prepare_run(folder, {"a": 1}, resume=True)
    checkpoint.prepare_run(folder, {"batch": 8, "zoom": (0.5, 2.0), "seed": 0}, resume=False)
    checkpoint.prepare_run(folder, {"batch": 8, "zoom": (0.5, 2.0), "seed": 0}, resume=True)
    with pytest.raises(CheckpointError, match="already holds a run; continue it with --resume"):
        checkpoint.prepare_run(folder, {"batch": 8, "zoom": (0.5, 2.0), "seed": 0}, resume=False)
    with pytest.raises(
        CheckpointError, match=r"a run of other settings; choose another folder \(batch was 8 and is now 4"
    ):
        checkpoint.prepare_run(folder, {"batch": 4}, resume=False)
    with pytest.raises(CheckpointError) as caught:
        checkpoint.prepare_run(folder, {"batch": 16, "zoom": (0.5, 2.0), "rate": 0.1}, resume=True)
    for difference in ("batch was 8 and is now 16", "rate was None and is now 0.1", "seed was 0 and is now None"):
        assert difference in str(caught.value)
    assert "zoom" not in str(caught.value)
    (folder / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"config\.json: is damaged"):
        checkpoint.prepare_run(folder, {"batch": 8}, resume=True)


@dataclass(frozen=True, kw_only=True)
class Inner:
    old: int
    new: int = 5


@dataclass(frozen=True, kw_only=True)
class Outer:
    inner: Inner
    rate: tuple[float, float] = (0.1, 0.2)


def test_a_run_from_before_a_setting_has_its_default(tmp_path: Path) -> None:
    defaults = checkpoint.defaults_of(Outer(inner=Inner(old=1, new=7), rate=(3.0, 4.0)))
    assert defaults == {"inner": {"new": 5}, "rate": (0.1, 0.2)}
    checkpoint.prepare_run(tmp_path, {"inner": {"old": 1}}, resume=False)
    checkpoint.check_run(tmp_path, asdict(Outer(inner=Inner(old=1))), resume=True, defaults=defaults)
    other = asdict(Outer(inner=Inner(old=1, new=7), rate=(3.0, 4.0)))
    with pytest.raises(CheckpointError, match=r": inner\.new was 5 and is now 7; rate was \[0\.1, 0\.2\] and is now"):
        checkpoint.check_run(tmp_path, other, resume=True, defaults=defaults)
    with pytest.raises(CheckpointError, match=r": inner\.old was 1 and is now 2$"):
        checkpoint.check_run(tmp_path, asdict(Outer(inner=Inner(old=2))), resume=True, defaults=defaults)


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CheckpointError, match="cannot be made or written to"):
        checkpoint.prepare_run(tmp_path / "file" / "run", {}, resume=False)


def test_checking_a_run_writes_nothing(tmp_path: Path) -> None:
    checkpoint.check_run(tmp_path / "run", {"a": 1}, resume=False)
    assert list(tmp_path.iterdir()) == []
    checkpoint.prepare_run(tmp_path / "run", {"a": 1}, resume=False)
    with pytest.raises(CheckpointError, match="already holds a run"):
        checkpoint.check_run(tmp_path / "run", {"a": 1}, resume=False)
    with pytest.raises(CheckpointError, match="a was 1 and is now 2"):
        checkpoint.check_run(tmp_path / "run", {"a": 2}, resume=True)


def test_only_the_main_process_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accelerate.Accelerator.is_main_process", False)
    train(Tiny(), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["flipped", "torn", "empty", "gone"])
def test_a_damaged_state_gives_way_to_the_one_before(
    uninterrupted: Tiny, tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    killed = Tiny()
    killed.at = {6: KilledError}
    with pytest.raises(KilledError):
        train(killed, tmp_path)
    path = tmp_path / "state-0000006.safetensors"
    whole = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        flipped = whole[:-5] + bytes([whole[-5] ^ 1]) + whole[-4:]
        path.write_bytes({"flipped": flipped, "torn": whole[:100], "empty": b""}[damage])
    resumed = train(Tiny(), tmp_path, resume=True)
    assert resumed.done == [4, 5, 6]
    assert_same(resumed, uninterrupted)
    assert caplog.text.count("state-0000006.safetensors: ") == 1
    assert "going on from step 4 instead" in caplog.text
    assert path.read_bytes() == whole, "the repeated step is the same"
    listed = [one["step"] for one in checkpoint._listed(tmp_path)]
    assert listed == [7, 6, 4]


def test_a_damaged_list_of_states_gives_way_to_the_one_before(
    uninterrupted: Tiny, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    killed = Tiny()
    killed.at = {6: KilledError}
    with pytest.raises(KilledError):
        train(killed, tmp_path)
    for damaged in ("{", "[]", '{"file": "x"}', ""):
        (tmp_path / "state.json").write_text(damaged)
        assert [one["step"] for one in checkpoint._listed(tmp_path)] == [4, 2]
    resumed = train(Tiny(), tmp_path, resume=True)
    assert resumed.done == [4, 5, 6]
    assert_same(resumed, uninterrupted)
    assert "state.json: is damaged" in caplog.text


@pytest.mark.parametrize("full_at", ["state-0000004.safetensors", "state.json"])
def test_a_full_disk_costs_no_earlier_state(
    uninterrupted: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full_at: str
) -> None:
    def full(path: Path, data: bytes) -> int:
        with path.open("wb") as file:
            file.write(data[:50])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:

        class Filling(Tiny):
            def step(self, batch: Tensor, step: int) -> dict[str, Tensor]:
                if step == 3 and full_at == "state.json":
                    patch.setattr(checkpoint, "write_json", lambda path, values: full(path.with_name(".part"), b""))
                elif step == 3:
                    patch.setattr(Path, "write_bytes", full)
                return super().step(batch, step)

        with pytest.raises(CheckpointError, match=r"the state of step 4 could not be saved: .*(full|No space left)"):
            train(Filling(), tmp_path)
    assert json.loads((tmp_path / "state.json").read_text())["step"] == 2
    resumed = train(Tiny(), tmp_path, resume=True)
    assert resumed.done == [2, 3, 4, 5, 6]
    assert_same(resumed, uninterrupted)
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".partial")]


def test_only_states_that_nobody_names_are_removed(tmp_path: Path) -> None:
    train(Tiny(), tmp_path, keep=2)
    kept = sorted(tmp_path.glob("state-*"))
    stray = tmp_path / "state-0000001.safetensors"
    for text in ("{", (tmp_path / "state.json").read_text()):
        stray.write_bytes(b"stray")
        (tmp_path / "state.json").write_text(text)
        checkpoint.prune(tmp_path)
        assert stray.exists() == (text == "{")
        assert all(path.exists() for path in kept)


def test_a_state_of_the_first_layout_is_resumed(uninterrupted: Tiny, tmp_path: Path) -> None:
    """One process, PyTorch's generator alone, and one state that state.json knows."""
    killed = Tiny()
    killed.at = {4: KilledError}
    with pytest.raises(KilledError):
        train(killed, tmp_path)
    path = tmp_path / "state-0000004.safetensors"
    tensors, config = weights.load(path)
    torch_state = tensors["process/0/generator/torch"]
    old = {key: value for key, value in tensors.items() if not key.startswith("process/")} | {
        "generator/0": torch_state
    }
    weights.save(path, old, config)
    current = {"file": path.name, "sha256": weights.sha256_of(path), "step": 4}
    (tmp_path / "state.json").write_text(json.dumps(current))
    (tmp_path / "state-0000002.safetensors").unlink()
    for name in ("state.json.previous", "health.json"):
        (tmp_path / name).unlink()
    resumed = train(Tiny(), tmp_path, resume=True)
    assert resumed.done == [4, 5, 6]
    assert_same(resumed, uninterrupted)


def test_without_any_whole_state_a_run_is_refused(tmp_path: Path) -> None:
    train(Tiny(), tmp_path, steps=2)
    path = tmp_path / "state-0000002.safetensors"
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[-5] ^= 1
    for damaged in (bytes(flipped), whole[:100], b""):
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match=r"state-0000002\.safetensors: is damaged"):
            train(Tiny(), tmp_path, resume=True)
    path.unlink()
    with pytest.raises(CheckpointError, match=r"no whole state is left to resume.*cannot be read"):
        train(Tiny(), tmp_path, resume=True)
    path.write_bytes(whole)
    (tmp_path / "state.json").write_text("{")
    with pytest.raises(CheckpointError, match="cannot be read"):
        train(Tiny(), tmp_path, resume=True)


def test_a_state_of_another_network_is_refused(tmp_path: Path) -> None:
    train(Tiny(), tmp_path, steps=2)
    other = Tiny()
    other.modules = {"network": nn.Linear(3, 3)}
    with pytest.raises(CheckpointError, match="does not fit this run"):
        train(other, tmp_path, resume=True)


def test_state_of_any_optimizer_comes_back(tmp_path: Path) -> None:
    def optimizer(rate: float) -> Optimizer:
        return torch.optim.SGD([nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(3))], lr=rate)

    before, after = optimizer(0.5), optimizer(0.1)
    parameter = before.param_groups[0]["params"][1]
    before.state[parameter] = {"count": 3, "factor": 0.1 + 0.2, "none": None, "tensor": torch.rand(3)}
    checkpoint.save_state(tmp_path, 4, {}, {"only": before}, [checkpoint.own_state({}, (), 0, torch.device("cpu"))])
    assert checkpoint.load_state(tmp_path, {}, {"only": after}) == 4
    assert after.param_groups[0]["lr"] == 0.5
    theirs = after.state[after.param_groups[0]["params"][1]]
    assert theirs.keys() == before.state[parameter].keys()
    for key, value in before.state[parameter].items():
        assert torch.equal(theirs[key], value) if isinstance(value, Tensor) else theirs[key] == value


def test_a_fused_optimizer_goes_on_whatever_the_order_of_its_tensors_in_memory(tmp_path: Path) -> None:
    """Moments come out of a file in the usual order; beside channels_last weights, Adam took them for each other's."""

    def optimizer() -> Optimizer:
        torch.manual_seed(0)
        convolution = nn.Conv2d(3, 4, 2).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return torch.optim.Adam(convolution.parameters(), lr=0.1, fused=True)

    def stepped(optimizer: Optimizer, steps: range) -> list[Tensor]:
        parameters: list[Tensor] = optimizer.param_groups[0]["params"]
        for step in steps:
            generator = torch.Generator().manual_seed(step)
            for parameter in parameters:
                parameter.grad = torch.empty_like(parameter).copy_(torch.randn(parameter.shape, generator=generator))
            optimizer.step()
        return [parameter.detach() for parameter in parameters]

    whole, before, after = optimizer(), optimizer(), optimizer()
    expected = stepped(whole, range(3))
    learned = stepped(before, range(2))
    checkpoint.save_state(tmp_path, 2, {}, {"only": before}, [checkpoint.own_state({}, (), 0, torch.device("cpu"))])
    with torch.no_grad():
        for parameter, value in zip(after.param_groups[0]["params"], learned, strict=True):
            parameter.copy_(value)
    checkpoint.load_state(tmp_path, {}, {"only": after})
    for found, value in zip(stepped(after, range(2, 3)), expected, strict=True):
        assert torch.equal(found, value)


def test_a_state_goes_on_another_kind_of_device(tmp_path: Path) -> None:
    """How an optimiser computes is the device's matter, not the state's."""
    before, after = (torch.optim.Adam([nn.Parameter(torch.zeros(2))], lr=0.5) for _ in range(2))
    before.param_groups[0] |= {"capturable": True, "fused": True, "betas": (0.5, 0.6)}
    checkpoint.save_state(tmp_path, 1, {}, {"only": before}, [checkpoint.own_state({}, (), 0, torch.device("cpu"))])
    checkpoint.load_state(tmp_path, {}, {"only": after})
    group = after.param_groups[0]
    assert (group["capturable"], group["fused"], tuple(group["betas"])) == (False, None, (0.5, 0.6))


def test_a_page_is_written_whenever_there_is_something_to_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[int, bool, Any]] = []
    trainable = Tiny()

    def remember(folder: Path, *, columns: Any, going_on: bool = True) -> None:
        written.append((len(trainable.done), going_on, columns))

    monkeypatch.setattr(loop, "write_page", remember)
    train(trainable, tmp_path, preview_every=2, validate_every=3)
    columns = Tiny.preview_columns
    assert written == [(step, True, columns) for step in (2, 3, 4, 6, 7)] + [(7, False, columns)]


def test_a_page_that_cannot_be_written_stops_nothing(uninterrupted: Tiny, tmp_path: Path) -> None:
    (tmp_path / "index.html").mkdir()
    assert_same(train(Tiny(), tmp_path, preview_every=2), uninterrupted)
    assert (tmp_path / "result.txt").exists()


def test_the_page_of_a_run_that_was_stopped_says_so(tmp_path: Path) -> None:
    interrupted = Tiny()
    interrupted.at = {4: signal.SIGINT}
    (tmp_path / "config.json").write_text(json.dumps({"recipe": "tiny", "schedule": {"steps": STEPS}}))
    with pytest.raises(KeyboardInterrupt):
        train(interrupted, tmp_path)
    text = (tmp_path / "index.html").read_text()
    assert f"<strong>Step 5 of {STEPS}</strong>, stopped; --resume goes on" in text
    assert "refresh" not in text
    train(Tiny(), tmp_path, resume=True)
    assert f"<strong>Step {STEPS} of {STEPS}</strong>, finished" in (tmp_path / "index.html").read_text()
