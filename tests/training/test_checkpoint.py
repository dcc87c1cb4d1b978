"""States of runs: what they hold, that damage costs one at most, and what is refused."""

import errno
import json
from pathlib import Path

import pytest
import torch
from small_training import Tiny, assert_same, kill_in, train
from torch import Tensor, nn
from torch.optim import Optimizer

from impasto import weights
from impasto.errors import CheckpointError
from impasto.training import checkpoint


@pytest.mark.parametrize("damage", ["flipped", "torn", "empty", "gone"])
def test_a_damaged_state_gives_way_to_the_one_before(
    uninterrupted: Tiny, tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    kill_in(6, tmp_path)
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
    kill_in(6, tmp_path)
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
        filling, fill = Tiny(), lambda path, values: full(path.with_name(".part"), b"")
        where = (checkpoint, "write_json", fill) if full_at == "state.json" else (Path, "write_bytes", full)
        filling.at = {3: lambda: patch.setattr(*where)}
        with pytest.raises(CheckpointError, match=r"the state of step 4 could not be saved: .*(full|No space left)"):
            train(filling, tmp_path)
    assert json.loads((tmp_path / "state.json").read_text())["step"] == 2
    resumed = train(Tiny(), tmp_path, resume=True)
    assert resumed.done == [2, 3, 4, 5, 6]
    assert_same(resumed, uninterrupted)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".impasto-")]


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
    kill_in(4, tmp_path)
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


def hand_over(folder: Path, before: Optimizer, after: Optimizer) -> None:
    """What the one has learned, by way of a state."""
    state = checkpoint.process_state({}, (), 0, torch.device("cpu"))
    checkpoint.save_state(folder, 4, {}, {"only": before}, [state])
    assert checkpoint.load_state(folder, {}, {"only": after}) == 4


def test_state_of_any_optimizer_comes_back(tmp_path: Path) -> None:
    def optimizer(rate: float) -> Optimizer:
        return torch.optim.SGD([nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(3))], lr=rate)

    before, after = optimizer(0.5), optimizer(0.1)
    parameter = before.param_groups[0]["params"][1]
    before.state[parameter] = {"count": 3, "factor": 0.1 + 0.2, "none": None, "tensor": torch.rand(3)}
    hand_over(tmp_path, before, after)
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
    with torch.no_grad():
        for parameter, value in zip(after.param_groups[0]["params"], learned, strict=True):
            parameter.copy_(value)
    hand_over(tmp_path, before, after)
    for found, value in zip(stepped(after, range(2, 3)), expected, strict=True):
        assert torch.equal(found, value)


def test_a_state_goes_on_another_kind_of_device(tmp_path: Path) -> None:
    """How an optimiser computes is the device's matter, not the state's."""
    before, after = (torch.optim.Adam([nn.Parameter(torch.zeros(2))], lr=0.5) for _ in range(2))
    before.param_groups[0] |= {"capturable": True, "fused": True, "betas": (0.5, 0.6)}
    hand_over(tmp_path, before, after)
    group = after.param_groups[0]
    assert (group["capturable"], group["fused"], tuple(group["betas"])) == (False, None, (0.5, 0.6))
