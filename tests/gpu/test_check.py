"""tools/gpu_check.sh rehearsed on the CPU, so that a borrowed machine is not spent on its mistakes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "gpu_check.sh"


def rehearse(out: Path, *steps: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OUT": str(out), "PYTHON": sys.executable, "OMP_NUM_THREADS": "1"}
    return subprocess.run([SCRIPT, "--dry-run", *steps], env=environment, capture_output=True, text=True, check=False)


def test_a_step_is_run_and_logged(tmp_path: Path) -> None:
    done = rehearse(tmp_path, "losses")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "losses: passed" in done.stdout
    assert "losses: passed" in (tmp_path / "summary.txt").read_text()
    assert "gram_loss, torch.bfloat16, gradient: " in (tmp_path / "losses.txt").read_text()


def test_an_unknown_step_is_refused(tmp_path: Path) -> None:
    done = rehearse(tmp_path / "out", "losses", "nonsense")
    assert done.returncode == 2
    assert "There is no step 'nonsense'." in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_whole_rehearsal(tmp_path: Path) -> None:
    done = rehearse(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": passed") == 6
    assert "VGG-19 AdaIN" in (tmp_path / "adain.txt").read_text()
