"""A Ray cluster of two nodes on this machine, of which one dies."""

import hashlib
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest
from picture_files import encoded
from ray_cluster import cluster

__all__ = ["cluster"]

pytest.importorskip("ray.data")

pytestmark = pytest.mark.slow
PICTURES = 48


@pytest.fixture
def album(tmp_path):
    (tmp_path / "album").mkdir()
    for number in range(PICTURES):
        (tmp_path / "album" / f"{number:03}.png").write_bytes(encoded(number))
    (tmp_path / "album" / "bad.png").write_text("text")
    return tmp_path / "album"


def start(album, output, *arguments):
    command = [sys.executable, "-m", "impasto", "batch", str(album), "-s", "ink", "-o", str(output), "--size", "256"]
    return subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def hashes(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.png")}


def test_a_node_that_dies_costs_no_picture(cluster, album, tmp_path):
    address, kill_a_node = cluster
    with start(album, tmp_path / "ray", "--on", address) as batch:
        deadline = time.monotonic() + 90
        while not 4 <= len(hashes(tmp_path / "ray")) < PICTURES // 2:
            assert time.monotonic() < deadline
            assert batch.poll() is None
            time.sleep(0.1)
        assert kill_a_node() == 1
        assert len(hashes(tmp_path / "ray")) < PICTURES
        said, _ = batch.communicate(timeout=300)
    assert batch.returncode == 1, said
    assert f"{PICTURES} done, 0 skipped, 1 failed" in said
    with start(album, tmp_path / "here", "--workers", "1", "--device", "cpu") as here:
        here.communicate(timeout=300)
    assert len(hashes(tmp_path / "here")) == PICTURES
    assert hashes(tmp_path / "ray") == hashes(tmp_path / "here")
    rows = pq.read_table(tmp_path / "ray" / "ledger.parquet").to_pylist()
    assert sorted(row["number"] for row in rows) == list(range(PICTURES + 1))
    assert [row["input"] for row in rows if row["state"] == "failed"] == [str(album / "bad.png")]
