"""Tests of films need the extra `video`."""

import pytest

pytest.importorskip("av")
pytest.importorskip("cv2")
