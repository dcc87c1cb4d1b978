"""A service whose painting process does what a test wants."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from wishes import ACTIONS

from impasto.gallery import packaged
from impasto.service import wire
from impasto.service.limits import Limits
from impasto.service.offer import Offer
from impasto.service.refusals import Code, RefusedError
from impasto.service.service import Service


@contextmanager
def refusal(code: Code, match: str | None = None) -> Iterator[pytest.ExceptionInfo[RefusedError]]:
    """As `pytest.raises` of one."""
    with pytest.raises(RefusedError, match=match) as caught:
        yield caught
    assert caught.value.code == code


def actions() -> Offer:
    some = next(iter(packaged().values()))
    return Offer(styles=dict.fromkeys(ACTIONS, some))


def faked(
    folder: Path,
    devices: int = 1,
    *,
    offer: Offer | None = None,
    echo: bool = False,
    spool: Path | None = None,
    replica: str = "",
    **limits: Any,
) -> Service:
    """Not started. folder: where its painting process looks for `go` and `broken`. echo: gives the photos back."""
    fake = Path(__file__).with_name("fake_worker.py")
    command = (sys.executable, "-I", "-S", str(fake), str(folder), str(wire.__file__), *(["echo"] if echo else []))
    limits = {"stop_seconds": 0.2, **limits}
    return Service(
        offer or actions(), Limits(**limits), devices=["cpu"] * devices, command=command, spool=spool, replica=replica
    )


@pytest.fixture
def offer() -> Offer:
    return actions()


@pytest.fixture
def serve(offer: Offer, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Makes services that end with the test."""
    with ExitStack() as stack:

        def make(devices: int = 1, **limits: Any) -> Service:
            return stack.enter_context(faked(tmp_path, devices, offer=offer, **limits))

        yield make


@pytest.fixture
def go(tmp_path: Path) -> Callable[[], None]:
    """Lets go of the jobs that are held."""
    return (tmp_path / "go").touch
