"""Workers as processes: the real method, pictures that take a process with them, and threads that are shared out."""

import os
import signal
from dataclasses import replace

import pytest
import torch

from impasto.batch import local
from impasto.batch.inputs import Input
from impasto.batch.steps import PaintStep
from impasto.batch.task import Carried, Settings, Task
from impasto.device import threads
from impasto.methods import StylizeOptions
from impasto.methods.adain.options import AdaINOptions


class Deadly(AdaINOptions):
    """Options by which nobody survives painting."""

    @property
    def batches(self):
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def tasks(photos, tmp_path):
    names = ("a.png", "b.jpg", "a.png", "b.jpg")
    return [
        Task(number, Input(str(photos / name), name), str(tmp_path), f"{number}.png", ("ink",), StylizeOptions(), "1")
        for number, name in enumerate(names)
    ]


SETTINGS = Settings(styles={"ink": Carried("ink")}, pixel_limit=10**6)


def states(chunks):
    rows = list(local.run(chunks, SETTINGS, 2))
    assert len({row.number for row in rows}) == len(rows)
    return {row.number: row for row in rows}


@pytest.mark.slow
@pytest.mark.usefixtures("whole_styles")  # as processes of their own have them
def test_processes_paint_what_one_does(tasks, tmp_path):
    alone = [replace(task, place=str(tmp_path / "alone")) for task in tasks]
    assert {row.state for row in local.run([alone], SETTINGS, 1)} == {"done"}
    assert {row.state for row in states([tasks[:2], tasks[2:]]).values()} == {"done"}
    for task in tasks:
        assert (tmp_path / task.name).read_bytes() == (tmp_path / "alone" / task.name).read_bytes()


@pytest.mark.slow
def test_a_picture_that_kills_its_process_fails_alone(tasks):
    tasks[1] = replace(tasks[1], options=Deadly())
    rows = states([tasks])
    assert [rows[number].state for number in range(4)] == ["done", "failed", "done", "done"]
    assert "ended with SIGKILL, as when memory is short, and so did another one" in rows[1].reason


@pytest.mark.parametrize("packed", [False, True])
def test_the_last_chunks_are_shared_out_in_ever_smaller_parts(tasks, packed):
    place = "out.tar" if packed else "out"
    chunks = [[replace(tasks[0], number=8 * n + k, place=place) for k in range(8)] for n in range(5)]
    pool = local._Pool(SETTINGS, chunks, workers=2)
    given = [pool._next() for _ in range(5)]
    while pool._waiting:
        given.append(pool._next())
    assert [len(chunk) for chunk in given[:5]] == ([8] * 5 if packed else [8, 8, 6, 2, 4])
    assert len(given[-1]) == (8 if packed else 1)
    assert [task.number for chunk in given for task in chunk] == list(range(40))


def test_a_worker_limits_the_engine_and_pytorch(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    PaintStep(Settings(pixel_limit=10**6, threads=1))
    assert (threads(), torch.get_num_threads()) == (1, 1)
