"""FID as the program clean-fid has it, which is fetched for this, on the same synthetic weights."""

import importlib
import subprocess
import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from impasto.encoders.inception import load_inception
from impasto.evaluation import Folders, Judges, evaluate_folders, picture_set
from impasto.metrics import frechet_distance

pytestmark = [pytest.mark.download, pytest.mark.slow]

FETCHED = ("clean-fid==0.1.35", "scipy<1.18", "requests", "tqdm", "urllib3", "idna", "certifi", "charset-normalizer")
COUNT = 8


@pytest.fixture(scope="module")
def clean_fid(tmp_path_factory):
    """Its module `fid`, without torchvision, of which it needs one small function for pictures in float32."""
    folder = tmp_path_factory.mktemp("clean-fid")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, *FETCHED]
    subprocess.run(command, capture_output=True, check=True, timeout=300)
    before = set(sys.modules)
    torchvision, transforms, network = map(ModuleType, ("torchvision", "transforms", "cleanfid.inception_pytorch"))
    transforms.ToTensor = lambda: lambda pixels: torch.from_numpy(pixels).permute(2, 0, 1)
    torchvision.transforms = transforms
    network.InceptionV3 = None
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setitem(sys.modules, "torchvision", torchvision)
        patch.setitem(sys.modules, "cleanfid.inception_pytorch", network)
        yield importlib.import_module("cleanfid.fid")
    for name in set(sys.modules) - before:
        if name.split(".")[0] in ("cleanfid", "scipy", "requests"):
            del sys.modules[name]


@pytest.fixture
def folders(tmp_path):
    """Some smooth, some of them nearly black and white, whose bicubic samples leave the range."""
    random = np.random.default_rng(0)
    for kind in ("painted", "real"):
        (tmp_path / kind).mkdir()
        for number in range(COUNT):
            levels = random.integers(0, 256, (9, 8, 3)) if number % 2 else 255 * random.integers(0, 2, (40, 35, 3))
            pixels = Image.fromarray(levels.astype(np.uint8)).resize((350, 400), Image.Resampling.BICUBIC)
            pixels.save(tmp_path / kind / f"{number}.png")
    return tmp_path


def test_a_folder_is_seen_as_clean_fid_sees_it(clean_fid, inception_file, folders):
    network = load_inception(inception_file)

    def seen(pixels):
        """What clean-fid's wrapper of the network does with pixels from 0 to 255."""
        with torch.inference_mode():
            return network((pixels - 128) / 128).clone()

    features = []
    for kind in ("painted", "real"):
        theirs = clean_fid.get_folder_features(
            str(folders / kind), seen, num_workers=0, batch_size=4, device=torch.device("cpu"), verbose=False
        )
        features.append(torch.from_numpy(theirs))
    assert [len(some) for some in features] == [COUNT, COUNT]
    sets = Folders(outputs=picture_set([folders / "painted"]), reference=picture_set([folders / "real"]))
    judges = Judges(files={"inception": inception_file})
    found = evaluate_folders(sets, judges, warn=lambda line: None)
    numbers = {number.measure: number for number in found if number.subject == "outputs"}
    # The synthetic network answers with very small numbers.
    expected = frechet_distance(*features)
    assert numbers["FID"].value == pytest.approx(expected, rel=2e-3, abs=0)
    assert numbers["FID-legacy"].value != pytest.approx(expected, rel=3e-3, abs=0), "the other resizing"
