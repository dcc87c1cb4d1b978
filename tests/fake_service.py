"""A service whose painting process does what a test wants."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from wishes import ACTIONS

from impasto.gallery import packaged
from impasto.service import Limits, Offer, Service, wire


@pytest.fixture
def offer() -> Offer:
    some = next(iter(packaged().values()))
    return Offer(styles=dict.fromkeys(ACTIONS, some))


@pytest.fixture
def serve(offer: Offer, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Makes services that end with the test."""
    fake = Path(__file__).with_name("fake_worker.py")
    command = (sys.executable, "-I", "-S", str(fake), str(tmp_path), str(wire.__file__))
    with ExitStack() as stack:

        def make(devices: int = 1, **limits: Any) -> Service:
            limits = {"stop_seconds": 0.2, **limits}
            service = Service(offer, Limits(**limits), devices=["cpu"] * devices, command=command)
            return stack.enter_context(service)

        yield make


@pytest.fixture
def go(tmp_path: Path) -> Callable[[], None]:
    """Lets go of the jobs that are held."""
    return (tmp_path / "go").touch
