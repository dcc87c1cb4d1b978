"""The papers' public data sets: where they are, whether they are the right ones, how they get here."""

import errno
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from impasto.data.layout import TRAIN, find_layout
from impasto.data.unpack import unpack_tar, unpack_zip
from impasto.download import DownloadError, RemoteFile, download, is_offline, sha256_of
from impasto.errors import DataError, OptionError
from impasto.files import replace_file

ABOUT = "source.json"
"""In a fetched data set's folder: where it came from."""

# The old address, people.eecs.berkeley.edu/~taesung_park/CycleGAN/datasets, is dead.
_ADDRESS = "efrosgans.eecs.berkeley.edu/cyclegan/datasets"


@dataclass(frozen=True)
class Archive:
    """One data set.

    origin: what the pictures of A and of B show, and where they are from. papers: which of impasto's papers use it.
    num_bytes: of the file; 0 where it is not known. sha256: of the file; None where nobody published it. url: its
    address, where that is not CycleGAN's. kinds: whether it holds trainA and trainB, and not just pictures.
    """

    name: str
    origin: str
    num_bytes: int = 0
    sha256: str | None = None
    url: str = ""
    kinds: bool = True
    papers: str = ""

    @property
    def file_name(self) -> str:
        """What it is called here: a zip, or a tar that is packed by gzip."""
        return f"{self.name}.tar.gz" if self.url.endswith(".tar.gz") else f"{self.name}.zip"

    @property
    def urls(self) -> tuple[str, ...]:
        """Its addresses. One without encryption, such as for when the certificate has expired again, only where the
        hash tells whether it is the right file."""
        if self.url:
            return (self.url,)
        secure = f"https://{_ADDRESS}/{self.name}.zip"
        return (secure, f"http://{_ADDRESS}/{self.name}.zip") if self.sha256 else (secure,)


_WIKIART = "A: paintings from WikiArt; B: landscape photographs from Flickr"
_COCO = "MS-COCO (Lin et al. 2014): photographs from Flickr"
# Its own address, which has no certificate of that name.
_COCO_ADDRESS = "http://images.cocodataset.org/zips"

# Hashes and sizes are those that TensorFlow Datasets has held these files to since 2019
# (tensorflow_datasets/url_checksums/cycle_gan.txt). Cityscapes is missing because its licence forbids passing it on.
_ARCHIVES = (
    Archive(
        "apple2orange", "A: apples; B: oranges; from ImageNet", 78_456_409,
        "845a191e9af8926408ea597001cd03a452e3300a1f44a79fe329b3d59f6e3eb8",
        papers="Zhang, Xue and Fu, as Orange2apple",
    ),
    Archive(
        "cezanne2photo", _WIKIART, 279_885_071,
        "3a6c10ca21f9485862f1cbd707744b9dc258954a04631271d23a3605eeb63cff",
    ),
    Archive(
        "facades", "A: photographs; B: labels; from CMP Facades (Tylecek and Sara 2013)", 35_135_868,
        "9a31ebf3a31b9b5cd195dd5bf62e9308e00cb94604d1019e3889ac84248695c0",
    ),
    Archive("grumpifycat", "cats: Oxford-IIIT Pet, and one that is famous"),
    Archive(
        "horse2zebra", "A: horses; B: zebras; from ImageNet", 116_867_962,
        "a74d9d392eecca9966b51287a76ca126af473d9de4f3e8fc0e9cda08fa1730a1",
        papers="Zhang, Xue and Fu",
    ),
    Archive(
        "iphone2dslr_flower", "A: flowers by telephone; B: by camera; from Flickr", 339_964_458,
        "8fcb5e374d631b107e1d961b8c4cd0a186aa2a4ff3e279923f4c426128de7113",
    ),
    Archive(
        "maps", "A: aerial photographs; B: maps; from Google Maps", 1_476_754_427,
        "639534f69dbf9f36bef8d6292a7698006361221f83f0285d7c9ca78afe6e8a9e",
    ),
    Archive(
        "monet2photo", _WIKIART, 305_231_073,
        "88f91b00fc228f97c9411fbf1880ec1d119c98f1722e4cfcfaa2fb35fac05b04",
        papers="Sun",
    ),
    Archive(
        "summer2winter_yosemite", "A: Yosemite in summer; B: in winter; from Flickr", 132_640_856,
        "167fe1726807a9d22bd106b4a6c0bd7953b688af924ac1bf967439c4961e49f9",
    ),
    Archive(
        "ukiyoe2photo", _WIKIART, 292_946_532,
        "02a2a2fb5ecf425ca1bf86aca7304377da64a2a1d3b86df54eb65e4068bf3b08",
    ),
    Archive(
        "vangogh2photo", _WIKIART, 306_590_349,
        "362c3473e70be0944bda08d49d660eafdc2854df55d697835b8186d1d79caaff",
    ),
    # Paper 004's contents. Hashes and sizes as above (tensorflow_datasets/url_checksums/coco.txt).
    Archive(
        "coco-train2014", _COCO, 13_510_573_713,
        "ede4087e640bddba550e090eae701092534b554b42b05ac33f0300b984b31775",
        url=f"{_COCO_ADDRESS}/train2014.zip", kinds=False, papers="Soboleva, contents",
    ),
    Archive(
        "coco-val2014", _COCO, 6_645_013_297,
        "fe9be816052049c34717e077d9e34aa60814a55679f804cd043e3cbee3b9fde0",
        url=f"{_COCO_ADDRESS}/val2014.zip", kinds=False,
    ),
    Archive(
        "coco-val2017", _COCO, 815_585_330,
        "4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05",
        url=f"{_COCO_ADDRESS}/val2017.zip", kinds=False,
    ),
    # Paper 004's styles. The address of its makers (github.com/cs-chan/ArtGAN) is dead, and they know no hash of it;
    # this is the copy that their users name.
    Archive(
        "wikiart", "paintings from WikiArt, for research that is not commercial (Tan et al. 2019)",
        url="https://archive.org/download/wikiart-dataset/wikiart.tar.gz", kinds=False, papers="Soboleva, styles",
    ),
)  # fmt: skip
ARCHIVES = {archive.name: archive for archive in _ARCHIVES}


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A data set on this disk. is_checked: whether there was a hash that its archive was held to."""

    folder: Path
    sha256: str
    is_checked: bool


def fetch_dataset(
    archive: Archive,
    folder: Path,
    *,
    sha256: str | None = None,
    downloading: Callable[[int, int], None] | None = None,
    unpacking: Callable[[int, int], None] | None = None,
) -> Fetched:
    """The data set as `folder/NAME`; downloaded and unpacked first if it is not there.

    sha256: what the archive is held to instead of the hash that is known, if any. downloading, unpacking: called with
    (bytes so far, bytes in total).

    An archive that lies at `folder/NAME.zip`, or `.tar.gz`, is used instead of a download. `folder/NAME` appears when
    everything is there. Called again after a failure or a kill, it goes on. Raises DataError if the archive cannot be
    had, is another one, or is not fit to be unpacked; and if `folder/NAME` came from another archive than `sha256`.
    """
    wanted = _wanted(archive, sha256)
    target = folder / archive.name
    if target.exists():
        return _there(target, wanted)
    path = folder / archive.file_name
    try:
        digest = _digest_of(path, wanted)
        is_ours = digest is None
        digest = digest or _download(path, archive, wanted, downloading)
        try:
            _unpack(path, target, archive, digest, unpacking)
        except DataError as error:
            raise DataError(f"{error}{'' if is_ours else '; take it away'}") from error
        finally:
            # After a kill it stays for the next call; what somebody put there is not ours to remove.
            if is_ours:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise DataError(f"{target}: {_local_reason(error, folder, archive)}") from error
    return Fetched(folder=target, sha256=digest, is_checked=wanted is not None)


def _wanted(archive: Archive, sha256: str | None) -> str | None:
    if sha256 is None:
        return archive.sha256
    if not re.fullmatch("[0-9a-fA-F]{64}", sha256):
        raise OptionError(f"--sha256 is '{sha256}', but must be 64 hex digits")
    return sha256.lower()


def _there(target: Path, wanted: str | None) -> Fetched:
    try:
        about = json.loads((target / ABOUT).read_text())
        digest = str(about["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{target}: is there, but not from impasto data fetch; move it away, or use it") from error
    if wanted not in (None, digest):
        raise DataError(f"{target}: came from an archive with the SHA-256 {digest}, not {wanted}")
    return Fetched(folder=target, sha256=digest, is_checked=wanted is not None)


def _digest_of(path: Path, wanted: str | None) -> str | None:
    """The SHA-256 of the archive, if it is there and the wanted one."""
    digest = sha256_of(path) if path.is_file() else None
    return digest if wanted in (None, digest) else None


def _download(path: Path, archive: Archive, wanted: str | None, progress: Callable[[int, int], None] | None) -> str:
    if is_offline():
        raise DataError(
            f"the data set '{archive.name}' is not on this machine, and impasto is offline. {_advice(path, archive)}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    # What it becomes needs as much again. Beforehand, because the download alone may take an hour.
    have = sum(part.stat().st_size for part in path.parent.glob(f".{path.name}.partial"))
    if shutil.disk_usage(path.parent).free < 2 * archive.num_bytes - have:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    file = RemoteFile(urls=archive.urls, sha256=wanted, num_bytes=archive.num_bytes)
    try:
        return download(file, path, progress=progress)
    except DownloadError as error:
        raise DataError(
            f"the data set '{archive.name}' cannot be downloaded ({error}). {_advice(path, archive)}"
        ) from None


def _unpack(
    path: Path, target: Path, archive: Archive, digest: str, progress: Callable[[int, int], None] | None
) -> None:
    """Everything in the file at the target at once."""
    about = {"urls": list(archive.urls), "sha256": digest}
    half = target.with_name(f".{target.name}.unpacking")
    shutil.rmtree(half, ignore_errors=True)
    try:
        unpack = unpack_tar if path.name.endswith(".tar.gz") else unpack_zip
        unpack(path, half, progress=progress)
        root = _root(half, path) if archive.kinds else _innermost(half)
        replace_file(root / ABOUT, json.dumps(about, indent=2) + "\n")
        root.replace(target)
    finally:
        shutil.rmtree(half, ignore_errors=True)


def _root(folder: Path, archive: Path) -> Path:
    """The folder itself or the only one in it, whichever holds the pictures."""
    for root in (folder, *(inner for inner in folder.iterdir() if inner.is_dir())):
        if find_layout(root):
            return root
    raise DataError(f"{archive}: does not hold the folders of a data set ({', '.join(TRAIN.values())})")


def _innermost(folder: Path) -> Path:
    """The only folder in the only folder in it, and so on."""
    while len(inner := list(folder.iterdir())) == 1 and inner[0].is_dir():
        folder = inner[0]
    return folder


def _advice(path: Path, archive: Archive) -> str:
    return f"Download {archive.urls[0]} elsewhere, and save it as {path}; then fetch again to unpack it"


def _local_reason(error: OSError, folder: Path, archive: Archive) -> str:
    if error.errno == errno.ENOSPC:
        needed = (
            f" (archive and pictures together need {2 * archive.num_bytes / 1e6:,.0f} MB)" if archive.num_bytes else ""
        )
        return f"the disk that holds {folder} has too little room{needed}; --out chooses another folder"
    return f"cannot be written ({error.strerror or error})"
