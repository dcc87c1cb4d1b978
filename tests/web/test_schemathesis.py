"""Schemathesis against the API, through a real server."""

import importlib.util
import subprocess
import sys

import pytest


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("schemathesis") is None, reason="schemathesis is not installed")
def test_schemathesis(site, tmp_path):
    here = site(limits={"per_user": 1000, "queue": 1000}, wait_seconds=5)
    command = [
        sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()",
        "run", f"{here.url}/v1/openapi.json",
        "--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "30", "--seed", "1",
        # Random bytes are a file, as the schema wants it, but no picture.
        "--exclude-checks", "positive_data_acceptance",
        "--request-timeout", "60", "--no-color",
    ]  # fmt: skip
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=900, check=False)
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
