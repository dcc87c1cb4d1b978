import json
import signal
import sys
from dataclasses import dataclass

import pytest
import torch
from accelerate.state import AcceleratorState, GradientState, PartialState

from impasto.recipes import lite_encoder
from impasto.training.loop import Schedule


@dataclass(frozen=True, kw_only=True)
class Config:
    schedule: Schedule = Schedule(steps=6, log_every=2, save_every=2)
    seed: int = 0


class Tiny:
    """Learns to answer with 1; stands for a recipe that takes hours."""

    built: "list[Tiny]" = []  # noqa: RUF012
    stop_at = None

    def __init__(self, config, accelerator, data, teacher):
        self.config, self.accelerator, self.data, self.teacher = config, accelerator, data, teacher
        torch.manual_seed(config.seed)
        self.network = torch.nn.Linear(2, 1).to(accelerator.device)
        self.modules = {"network": self.network}
        self.optimizers = {"adam": torch.optim.Adam(self.network.parameters(), lr=0.1)}
        Tiny.built.append(self)

    def batches(self, start):
        while True:
            yield torch.ones(3, 2)

    def step(self, batch, step):
        if step == Tiny.stop_at:
            signal.raise_signal(signal.SIGINT)
        loss = (self.network(batch) - 1).square().mean()
        loss.backward()
        self.optimizers["adam"].step()
        self.optimizers["adam"].zero_grad()
        return {"loss": loss.detach()}

    def preview(self):
        return None

    def validate(self):
        return {"error": 0.5}

    def finish(self, folder):
        (folder / "result.txt").write_text(str(self.network.weight.tolist()))


def build(config, accelerator, data, teacher):
    return Tiny(config, accelerator, data, teacher)


@pytest.fixture
def train(impasto, folder, monkeypatch):
    monkeypatch.setattr(lite_encoder, "Config", Config)
    monkeypatch.setattr(lite_encoder, "build", build)
    monkeypatch.setattr(Tiny, "built", [])
    monkeypatch.setattr(Tiny, "stop_at", None)
    monkeypatch.delenv("ACCELERATE_TORCH_DEVICE", raising=False)
    (folder / "teacher.pth").write_bytes(b"teacher")

    def run(*words):
        for state in (AcceleratorState, PartialState, GradientState):
            state._reset_state()
        return impasto("train", "lite_encoder", "--data", ".", "--teacher", "teacher.pth", *words, "--device", "cpu")

    yield run
    for state in (AcceleratorState, PartialState, GradientState):
        state._reset_state()


def test_trains_into_the_folder_and_says_so_line_by_line(train, folder):
    outcome = train("--out", "run")
    assert (outcome.code, outcome.out) == (0, "run\n")
    lines = outcome.err.splitlines()
    assert [line.split()[1] for line in lines] == ["2/6", "4/6", "6/6", "6/6"]
    assert lines[0].startswith("lite_encoder 2/6  loss ")
    assert lines[-1].startswith("lite_encoder 6/6  error 0.5")
    assert (folder / "run" / "result.txt").exists()
    facts = json.loads((folder / "run" / "config.json").read_text())
    assert (facts["recipe"], facts["schedule"]["steps"], facts["pictures"]) == ("lite_encoder", 6, 2)
    assert (facts["precision"], facts["seed"]) == ("fp32", 0)


def test_steps_seed_and_precision_reach_the_recipe(train):
    assert train("--out", "run", "--steps", "3", "--seed", "7", "--precision", "bf16").code == 0
    made = Tiny.built[0]
    assert (made.config.schedule.steps, made.config.seed, made.accelerator.mixed_precision) == (3, 7, "bf16")
    assert (str(made.teacher), [str(path) for path in made.data]) == ("teacher.pth", ["."])


def test_a_stopped_run_resumes(train, folder, monkeypatch):
    assert train("--out", "whole").code == 0
    monkeypatch.setattr(Tiny, "stop_at", 2)
    outcome = train("--out", "run")
    assert outcome.code == 130
    assert outcome.err.splitlines()[-1] == "impasto: stopped; the run's state is in run, and --resume goes on with it"
    monkeypatch.setattr(Tiny, "stop_at", None)
    outcome = train("--out", "run", "--resume")
    assert outcome.code == 0
    assert outcome.err.splitlines()[0].startswith("lite_encoder 4/6")
    assert (folder / "run" / "result.txt").read_text() == (folder / "whole" / "result.txt").read_text()


def test_another_run_is_neither_overwritten_nor_resumed(train, folder, draw):
    train("--out", "run")
    assert "already holds a run" in train("--out", "run").err
    outcome = train("--out", "run", "--resume", "--seed", "1")
    assert (outcome.code, "seed was 0 and is now 1" in outcome.err) == (1, True)
    draw(folder / "more.png")
    assert "pictures was 2 and is now 3" in train("--out", "run", "--resume").err
    assert "holds no run to resume" in train("--out", "other", "--resume").err


def test_what_is_missing_is_said(impasto, train, monkeypatch):
    words = ["train", "lite_encoder", "--data", ".", "--out", "run"]
    outcome = impasto(*words)
    assert (outcome.code, "needs --teacher FILE" in outcome.err) == (2, True)
    outcome = impasto(*words, "--teacher", "none.pth")
    assert (outcome.code, outcome.err) == (1, "impasto: none.pth: there is no such file\n")
    assert impasto(*words, "--teacher", "teacher.pth", "--steps", "0").code == 2
    assert impasto("train", "lite_encodr", "--data", ".", "--out", "run").code == 2
    monkeypatch.setitem(sys.modules, "accelerate", None)
    outcome = impasto(*words, "--teacher", "teacher.pth")
    assert outcome.code == 1
    assert "pip install 'impasto[train]'" in outcome.err


def test_only_the_first_process_reports(train, monkeypatch):
    monkeypatch.setattr("accelerate.Accelerator.is_main_process", False)
    outcome = train("--out", "run")
    assert (outcome.out, outcome.err) == ("", "")
