"""The public data sets of unpaired translation: where they are, whether they are the right ones, how they get here."""

import errno
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from impasto.data.layout import TRAIN, find_layout
from impasto.data.unpack import unpack_zip
from impasto.download import DownloadError, RemoteFile, download, is_offline, sha256_of
from impasto.errors import DataError, OptionError
from impasto.files import replace_file

ABOUT = "source.json"
"""In a fetched data set's folder: where it came from."""

# The old address, people.eecs.berkeley.edu/~taesung_park/CycleGAN/datasets, is dead.
_ADDRESS = "efrosgans.eecs.berkeley.edu/cyclegan/datasets"


@dataclass(frozen=True, kw_only=True)
class Archive:
    """One data set.

    sha256: of the zip; None where nobody published it.
    num_bytes: of the zip; 0 where it is not known. origin: where the pictures are from.
    """

    name: str
    origin: str
    sha256: str | None = None
    num_bytes: int = 0

    @property
    def urls(self) -> tuple[str, ...]:
        """Its addresses. The one without encryption, for when the certificate has expired again, only where the hash
        tells whether it is the right file."""
        secure = f"https://{_ADDRESS}/{self.name}.zip"
        return (secure, f"http://{_ADDRESS}/{self.name}.zip") if self.sha256 else (secure,)


_WIKIART = "A: paintings from WikiArt; B: landscape photographs from Flickr"
_IMAGENET = "pictures from ImageNet"

# Hashes and sizes are those that TensorFlow Datasets has held these files to since 2019
# (tensorflow_datasets/url_checksums/cycle_gan.txt). Cityscapes is missing because its licence forbids passing it on.
_ARCHIVES = (
    Archive(
        name="apple2orange",
        origin=_IMAGENET,
        sha256="845a191e9af8926408ea597001cd03a452e3300a1f44a79fe329b3d59f6e3eb8",
        num_bytes=78_456_409,
    ),
    Archive(
        name="cezanne2photo",
        origin=_WIKIART,
        sha256="3a6c10ca21f9485862f1cbd707744b9dc258954a04631271d23a3605eeb63cff",
        num_bytes=279_885_071,
    ),
    Archive(
        name="facades",
        origin="CMP Facades (Tylecek and Sara 2013): photographs and labels",
        sha256="9a31ebf3a31b9b5cd195dd5bf62e9308e00cb94604d1019e3889ac84248695c0",
        num_bytes=35_135_868,
    ),
    Archive(name="grumpifycat", origin="cats: Oxford-IIIT Pet, and one that is famous"),
    Archive(
        name="horse2zebra",
        origin=_IMAGENET,
        sha256="a74d9d392eecca9966b51287a76ca126af473d9de4f3e8fc0e9cda08fa1730a1",
        num_bytes=116_867_962,
    ),
    Archive(
        name="iphone2dslr_flower",
        origin="flowers from Flickr, by telephone and by camera",
        sha256="8fcb5e374d631b107e1d961b8c4cd0a186aa2a4ff3e279923f4c426128de7113",
        num_bytes=339_964_458,
    ),
    Archive(
        name="maps",
        origin="aerial photographs and maps from Google Maps",
        sha256="639534f69dbf9f36bef8d6292a7698006361221f83f0285d7c9ca78afe6e8a9e",
        num_bytes=1_476_754_427,
    ),
    Archive(
        name="monet2photo",
        origin=_WIKIART,
        sha256="88f91b00fc228f97c9411fbf1880ec1d119c98f1722e4cfcfaa2fb35fac05b04",
        num_bytes=305_231_073,
    ),
    Archive(
        name="summer2winter_yosemite",
        origin="Yosemite in summer and in winter, from Flickr",
        sha256="167fe1726807a9d22bd106b4a6c0bd7953b688af924ac1bf967439c4961e49f9",
        num_bytes=132_640_856,
    ),
    Archive(
        name="ukiyoe2photo",
        origin=_WIKIART,
        sha256="02a2a2fb5ecf425ca1bf86aca7304377da64a2a1d3b86df54eb65e4068bf3b08",
        num_bytes=292_946_532,
    ),
    Archive(
        name="vangogh2photo",
        origin=_WIKIART,
        sha256="362c3473e70be0944bda08d49d660eafdc2854df55d697835b8186d1d79caaff",
        num_bytes=306_590_349,
    ),
)
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
    """The data set as `folder/NAME`, with trainA and trainB in it; downloaded and unpacked first if it is not there.

    sha256: what the archive is held to instead of the hash that is known, if any. downloading, unpacking: called with
    (bytes so far, bytes in total).

    An archive that lies at `folder/NAME.zip` is used instead of a download. `folder/NAME` appears when everything is
    there. Called again after a failure or a kill, it goes on. Raises DataError if the archive cannot be had, is another
    one, or is not fit to be unpacked; and if `folder/NAME` came from another archive than `sha256`.
    """
    wanted = _wanted(archive, sha256)
    target = folder / archive.name
    if target.exists():
        return _there(target, wanted)
    path = folder / f"{archive.name}.zip"
    try:
        digest = _digest_of(path, wanted)
        is_ours = digest is None
        digest = digest or _download(path, archive, wanted, downloading)
        try:
            _unpack(path, target, {"urls": list(archive.urls), "sha256": digest}, unpacking)
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
            f"the data set '{archive.name}' is not on this machine, and impasto is offline. {_advice(path)}"
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
        raise DataError(f"the data set '{archive.name}' cannot be downloaded ({error}). {_advice(path)}") from None


def _unpack(path: Path, target: Path, about: dict[str, object], progress: Callable[[int, int], None] | None) -> None:
    """Everything in the archive at the target at once."""
    half = target.with_name(f".{target.name}.unpacking")
    shutil.rmtree(half, ignore_errors=True)
    try:
        unpack_zip(path, half, progress=progress)
        root = _root(half, path)
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


def _advice(path: Path) -> str:
    return f"Download https://{_ADDRESS}/{path.name} elsewhere, and save it as {path}; then fetch again to unpack it"


def _local_reason(error: OSError, folder: Path, archive: Archive) -> str:
    if error.errno == errno.ENOSPC:
        needed = (
            f" (archive and pictures together need {2 * archive.num_bytes / 1e6:,.0f} MB)" if archive.num_bytes else ""
        )
        return f"the disk that holds {folder} has too little room{needed}; --out chooses another folder"
    return f"cannot be written ({error.strerror or error})"
