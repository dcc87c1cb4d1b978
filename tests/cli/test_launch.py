"""`impasto train` on two machines, two commands that meet on loopback: the same bits, and on from the last state."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
import torch

from impasto import weights

pytestmark = pytest.mark.slow

STEPS = 12
SECONDS = 240
"""After which something hangs, on however slow a machine."""
SMALL = ["crop=8", "shorter=10", "held_out=1", "generator.depth=1", "generator.width=2"]


@pytest.fixture
def machine(folder, draw):
    """Starts the command of one machine; what is left of all of them ends with the test."""
    for kind in ("A", "B"):
        (folder / kind).mkdir()
        for number in range(5):
            draw(folder / kind / f"{number}.png", number)
    processes = []

    def start(out, *words, steps=STEPS):
        command = [sys.executable, "-m", "impasto", "train", "exp_smallBS", "--data", "A=A", "--data", "B=B"]
        command += ["--out", out, "--device", "cpu", "--steps", str(steps), "--set", *SMALL, "save_every=2", *words]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        processes.append(
            subprocess.Popen(
                command, cwd=folder, env=environment, stdout=-1, stderr=-1, text=True, start_new_session=True
            )
        )
        return processes[-1]

    yield start
    for process in processes:
        end(process)


@pytest.fixture
def meeting():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return ("--nodes", "2", "--rendezvous", f"localhost:{port}")


def end(process):
    """The machine is gone at once, with everything on it."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def step_of(folder, run):
    try:
        return json.loads((folder / run / "state.json").read_text())["step"]
    except FileNotFoundError:
        return 0


def wait_for(step, folder, run, *processes):
    deadline = time.monotonic() + SECONDS
    while step_of(folder, run) < step:
        assert time.monotonic() < deadline
        for process in processes:
            assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def finished(*processes):
    """Exit codes; and what all of them said, for whoever reads why."""
    said = [process.communicate(timeout=SECONDS)[1] for process in processes]
    return [process.returncode for process in processes], "\n".join(said)


def state(folder, run, steps):
    """All that the next step depends on. Nothing here draws from the two generators that a process begins at random."""
    tensors, _ = weights.load(folder / run / f"state-{steps:07d}.safetensors")
    return {
        name: value for name, value in tensors.items() if not name.endswith(("generator/numpy", "generator/python"))
    }


def assert_same(folder, run, other, steps):
    first, second = state(folder, run, steps), state(folder, other, steps)
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name
    results = [(folder / one / "generators.safetensors").read_bytes() for one in (run, other)]
    assert results[0] == results[1]


def test_two_machines_end_as_one_with_as_many_processes(machine, meeting, folder):
    codes, said = finished(machine("one", "--devices", "2"))
    assert codes == [0], said
    codes, said = finished(machine("two", *meeting), machine("two", *meeting))
    assert codes == [0, 0], said
    assert_same(folder, "two", "one", STEPS)
    assert json.loads((folder / "two" / "config.json").read_text())["processes"] == 2


def test_a_machine_that_is_lost_and_comes_back_goes_on_from_the_last_state(machine, meeting, folder):
    steps = 60
    codes, said = finished(machine("one", "--devices", "2", steps=steps))
    assert codes == [0], said
    # The first one holds the rendezvous, the other may go.
    first = machine("two", *meeting, "--restarts", "1", steps=steps)
    time.sleep(2)
    second = machine("two", *meeting, "--restarts", "1", steps=steps)
    wait_for(4, folder, "two", first, second)
    end(second)
    lost = step_of(folder, "two")
    assert lost < steps
    codes, said = finished(machine("two", *meeting, "--restarts", "1", steps=steps), first)
    assert codes == [0, 0], said
    assert_same(folder, "two", "one", steps)


def test_where_the_meeting_place_is_lost_the_others_end_and_all_can_resume(machine, meeting, folder):
    first = machine("two", *meeting, "--restarts", "1", steps=100_000)
    time.sleep(2)
    second = machine("two", *meeting, "--restarts", "1", steps=100_000)
    wait_for(2, folder, "two", first, second)
    end(first)
    codes, said = finished(second)
    assert codes == [1], said
    assert "Traceback" not in said
    assert "--resume" in said
    assert step_of(folder, "two") >= 2


def test_who_asks_one_machine_to_stop_stops_all(machine, meeting, folder):
    first, second = (machine("two", *meeting, "--restarts", "1", steps=100_000) for _ in range(2))
    wait_for(2, folder, "two", first, second)
    os.kill(second.pid, signal.SIGINT)
    codes, said = finished(first, second)
    assert codes == [130, 130], said
    assert "stopped; the run's state is in two, and --resume goes on with it" in said
    assert "Traceback" not in said
