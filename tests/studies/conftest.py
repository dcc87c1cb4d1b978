"""Everything here computes in one thread, and no accelerator knows of the test before."""

from collections.abc import Iterator

import pytest
import torch
from trainings import fresh_accelerator  # noqa: F401  (used by every test here)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
