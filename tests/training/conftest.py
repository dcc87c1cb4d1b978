"""One run that nobody interrupted, to compare others with."""

import pytest
from small_training import Tiny, train


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    return train(Tiny(), tmp_path_factory.mktemp("whole"))
