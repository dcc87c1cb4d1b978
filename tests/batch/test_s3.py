"""From and to an S3 on loopback that speaks the real protocol, and is moto's."""

from itertools import islice
from urllib.request import Request, urlopen

import pytest
import torch

from impasto.data.folders import Crops, PictureStream, batches
from impasto.data.shards import pictures_at, pictures_in

moto = pytest.importorskip("moto.server")
s3fs = pytest.importorskip("s3fs")

pytestmark = [
    pytest.mark.slow,
    # Of botocore and moto.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def s3(monkeypatch):
    """A client of it, and it is what s3:// means."""
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    client = s3fs.S3FileSystem(skip_instance_cache=True)
    client.mkdir("photos")
    client.mkdir("painted")
    s3fs.S3FileSystem.clear_instance_cache()
    yield client
    s3fs.S3FileSystem.clear_instance_cache()
    # What it holds is the process's, and not the server's.
    with urlopen(Request(f"http://{host}:{port}/moto-api/reset", method="POST")):
        server.stop()


def test_a_bucket_is_painted_as_a_folder_is(s3, photos, shard, tmp_path, states, darkener):
    shard(photos / "pairs.tar")
    s3.put(f"{photos}/", "photos/album", recursive=True)
    expected = states(photos, output=tmp_path / "out")
    assert states("s3://photos/album", output="s3://painted/out") == expected
    for path in (tmp_path / "out").rglob("*.[pjg][np][g]"):
        assert s3.cat_file(f"painted/out/{path.relative_to(tmp_path / 'out')}") == path.read_bytes()
    painted = sum(darkener.batches)
    assert {*states("s3://photos/album", output="s3://painted/out").values()} == {"skipped"}
    s3.rm("painted/out/ledger.parquet")
    s3.rm("painted/out/a.png")
    again = states("s3://photos/album/**", output="s3://painted/out")
    assert (again.pop("a.png"), {*again.values()}) == ("done", {"skipped"})
    assert sum(darkener.batches) == painted + 1
    assert {*states("s3://photos/album", output="s3://painted/all.tar").values()} == {"done"}
    states(photos, output=tmp_path / "all.tar")
    assert s3.cat_file("painted/all-000000.tar") == (tmp_path / "all-000000.tar").read_bytes()
    assert states("s3://nobucket/x.png", "s3://photos/album/a.png", output="s3://painted/new")["a.png"] == "done"


def test_a_training_reads_shards_in_place(s3, shard, tmp_path):
    shard(tmp_path / "pairs-00.tar")
    s3.put(str(tmp_path / "pairs-00.tar"), "photos/pairs-00.tar")
    near, far = pictures_in(tmp_path / "pairs-00.tar"), pictures_at(["s3://photos/pairs-{00..00}.tar"])
    assert [one.read_bytes() for one in far] == [one.read_bytes() for one in near]
    crops = Crops(side=8)
    streams = [PictureStream(pictures, crops, seed=3) for pictures in (far, near)]
    # In a process of its own, forked from one that has talked to the server already.
    samples = [list(islice(batches(stream, size=3, start=1), 2)) for stream in streams]
    assert all(torch.equal(*pair) for pair in zip(*samples, strict=True))
