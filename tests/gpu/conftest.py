"""Where the tests of this folder compute: on a CUDA device, or with `--gpu cpu` on the CPU, as a rehearsal."""

import warnings
from collections.abc import Iterator

import pytest
import torch
from trainings import fresh_accelerator  # noqa: F401  (used by every test here)


@pytest.fixture
def device(request: pytest.FixtureRequest) -> torch.device:
    """What is compared with the CPU."""
    return torch.device(request.config.getoption("--gpu"))


@pytest.fixture(autouse=True)
def exact_products() -> Iterator[None]:
    """No TF32: it rounds the factors of float32 products to 10 bits."""
    # These names are deprecated where there are newer ones, which not every version of PyTorch has.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before
