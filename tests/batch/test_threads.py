"""Workers that share a machine compute in as many threads as each was given, whichever program computes."""

import torch

from impasto.batch.steps import PaintStep
from impasto.batch.task import Settings
from impasto.device import threads


def test_a_worker_of_a_batch_limits_the_engine_and_pytorch(monkeypatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    before = torch.get_num_threads()
    try:
        PaintStep(Settings(device="cpu", pixel_limit=10**6, threads=1))
        assert (threads(), torch.get_num_threads()) == (1, 1)
    finally:
        torch.set_num_threads(before)
