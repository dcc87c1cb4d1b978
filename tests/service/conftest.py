"""A service that does not paint."""

import pytest
from fake_service import go, offer, serve

__all__ = ["go", "offer", "serve"]


@pytest.fixture
def service(serve):
    return serve()
