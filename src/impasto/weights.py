"""Network weights: where they come from, whether they are the right ones, and how they lie on disk.

Our own weights are safetensors with the JSON of the network's config inside. Pickles are only read as other people's
`.pth` files, and only tensors are taken out of them.
"""

import errno
import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path
from safetensors import SafetensorError, safe_open

from impasto.download import DownloadError, RemoteFile, download, is_offline
from impasto.download import sha256_of as sha256_of  # noqa: PLC0414  (for the callers of this module)
from impasto.errors import WeightsError
from impasto.files import replacing
from impasto.gallery import shipped_weights

if TYPE_CHECKING:
    from torch import Tensor

CONFIG_KEY = "impasto"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class WeightSpec(RemoteFile):
    """What is known about one file of weights. It comes into the user's cache; without `urls`, with impasto itself.

    flag: how the command line is given a local copy. without: what goes on where it is missing.
    """

    name: str
    file_name: str
    licence: str
    provenance: str
    flag: str = "--vgg19"
    without: str = "the encoder 'lite' works without any download"


_OTHER_NUMBERS = "the numbers that do not need it are computed all the same"


def _embedded(name: str, provenance: str, **known: Any) -> WeightSpec:
    """What impasto's own recipes made."""
    return WeightSpec(name=name, file_name=f"{name}.safetensors", licence="Apache-2.0", provenance=provenance, **known)


_SPECS = (
    _embedded(
        "lite",
        "impasto's recipe lite_encoder, distilled from the 16x smaller VGG-19 of Wang et al. 2020 (MIT)",
        sha256="d6f5eebc8c373d54b2596b9952ebc93ff17cd42905e259af18efaa15dacaa893",
        num_bytes=1_628_304,
    ),
    _embedded("adain", "decoder of the method adain for the encoder lite, made by impasto's recipe adain"),
    _embedded(
        "adain_paper", "Soboleva's decoder (relu4_1 alone) for the encoder lite, made by the recipe adain_paper_short"
    ),
    _embedded(
        "monet", "generators of the method nla-cyclegan, photographs and Monet, made by nla_cyclegan_slim and _more"
    ),
    WeightSpec(
        name="vgg19",
        file_name="vgg19-dcbb9e9d.pth",
        urls=("https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",),
        # The official name holds the first eight digits. The others are not published there; several public projects
        # state them, and all state the same.
        sha256="dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
        num_bytes=574_673_361,
        licence="BSD-3-Clause",
        provenance="torchvision's VGG-19 (Simonyan and Zisserman 2015), trained on ImageNet-1k",
    ),
    WeightSpec(
        name="inception",
        file_name="pt_inception-2015-12-05-6726825d.pth",
        urls=(
            "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
            "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
        ),
        # As for vgg19: the name holds the first digits, and public projects agree on the others.
        sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        num_bytes=95_628_359,
        licence="Apache-2.0",
        provenance="pytorch-fid's copy of TensorFlow's Inception of 2015-12-05, by which FID and KID are defined",
        flag="--inception",
        without=_OTHER_NUMBERS,
    ),
    WeightSpec(
        name="vgg16",
        file_name="vgg16-397923af.pth",
        urls=("https://download.pytorch.org/models/vgg16-397923af.pth",),
        sha256="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        num_bytes=553_433_881,
        licence="BSD-3-Clause",
        provenance="torchvision's VGG-16 (Simonyan and Zisserman 2015), through which LPIPS looks",
        flag="--vgg16",
        without=_OTHER_NUMBERS,
    ),
    WeightSpec(
        name="lpips",
        file_name="lpips-vgg-v0.1.pth",
        urls=("https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/lpips/weights/v0.1/vgg.pth",),
        sha256="a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
        num_bytes=7_289,
        licence="BSD-2-Clause",
        provenance="weights of VGG-16's channels in LPIPS 0.1 (Zhang et al. 2018)",
        flag="--lpips-heads",
        without=_OTHER_NUMBERS,
    ),
)
WEIGHTS = {spec.name: spec for spec in _SPECS}


def cache_folder() -> Path:
    """The folder of downloaded weights: the environment's IMPASTO_CACHE, or impasto's part of the user's cache."""
    chosen = os.environ.get("IMPASTO_CACHE")
    try:
        return Path(chosen or user_cache_path("impasto")).expanduser()
    except RuntimeError:
        raise WeightsError("there is no home folder to keep weights in; name a folder in IMPASTO_CACHE") from None


def location(spec: WeightSpec) -> Path:
    """Where the file of these weights is, or belongs."""
    return cache_folder() / spec.file_name if spec.urls else shipped_weights(spec.name)


def fetch(spec: WeightSpec, *, progress: Callable[[int, int], None] | None = None) -> Path:
    """The verified file of these weights, downloaded into the cache first if it is not there.

    progress: called with (bytes so far, bytes in total) during a download; begins again for each mirror. The total
        is 0 while nobody knows it. What it raises stops the download.

    A file in the cache that is not the published one is removed and downloaded again. Raises WeightsError, with what
    to do about it, if the file can be had from nowhere, or IMPASTO_OFFLINE forbids it.
    """
    path = location(spec)
    if not spec.urls:
        _verify(path, spec)
        return path
    try:
        is_there = path.is_file()
        if is_there and _is_published(path, spec):
            return path
        if is_there:
            path.unlink()
            logger.warning("%s: was damaged or not the published file and has been removed", path)
        if is_offline():
            reason = f"{path} was damaged and has been removed" if is_there else "they are not on this machine"
            raise WeightsError(f"the weights '{spec.name}': {reason}, and impasto is offline.\n{_advice(spec, path)}")
        download(spec, path, progress=progress)
    except DownloadError as error:
        reason = f"the weights '{spec.name}' cannot be downloaded ({error})"
        raise WeightsError(f"{reason}.\n{_advice(spec, path)}") from None
    except OSError as error:
        raise WeightsError(f"{path}: {_local_reason(error, path, spec)}") from None
    return path


def given_or_fetched(name: str, given: Path | None, progress: Callable[[int, int], None] | None = None) -> Path:
    """A file of weights that was given, or what `fetch` finds of this name. Raises WeightsError."""
    spec = WEIGHTS[name]
    if given is None:
        return fetch(spec, progress=progress)
    # Other names may hold other weights of this layout; the official name says which ones it holds.
    if given.name == spec.file_name:
        _verify(given, spec)
    return given


def _verify(path: Path, spec: WeightSpec) -> None:
    """Raises WeightsError unless the file is there and is the one that was published."""
    if not path.is_file():
        remedy = "; the installation is incomplete, install impasto again" if not spec.urls else ""
        raise WeightsError(f"{path}: there is no such file{remedy}")
    if not _is_published(path, spec):
        raise WeightsError(
            f"{path}: is damaged or is not the published file of the weights '{spec.name}' (its SHA-256 is not"
            f" {spec.sha256})"
        )


def save(path: Path, tensors: "Mapping[str, Tensor]", config: Mapping[str, Any]) -> None:
    """Writes tensors and the config of their network as safetensors: all of it or, on any failure, nothing.

    config: anything that JSON can say; tuples come back as lists. The same contents always give the same bytes.
    Raises WeightsError if the file cannot be written.
    """
    import torch
    from safetensors.torch import save as serialise

    # Copies, because safetensors refuses channels_last tensors and tensors that share their memory.
    copies = {
        name: tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    _write(path, partial(serialise, copies), config)


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], config: Mapping[str, Any]) -> None:
    """`save` without PyTorch."""
    from safetensors.numpy import save as serialise

    _write(path, partial(serialise, {name: np.ascontiguousarray(array) for name, array in arrays.items()}), config)


def fitting(
    path: Path,
    what: str,
    tensors: "Mapping[str, Tensor]",
    expected: "Mapping[str, Tensor]",
    names: Mapping[str, str] = {},
) -> "dict[str, Tensor]":
    """Of what was found in a file, all that a network expects: {its name: tensor of the shape that is expected}.

    what: 'is no VGG-19', as an error says it. names: what the file calls those that it calls otherwise.
    Raises WeightsError for the first that is missing or has another shape.
    """
    state = {}
    for name, parameter in expected.items():
        key, shape = names.get(name, name), tuple(parameter.shape)
        if key not in tensors:
            raise WeightsError(f"{path}: {what}: '{key}' of shape {shape} is missing")
        if tuple(tensors[key].shape) != shape:
            raise WeightsError(f"{path}: {what}: '{key}' has shape {tuple(tensors[key].shape)}, not {shape}")
        state[name] = tensors[key]
    return state


def load(path: Path) -> "tuple[dict[str, Tensor], dict[str, Any]]":
    """The tensors, on the CPU, and the config that `save` wrote.

    Raises WeightsError if the file is missing, damaged, no safetensors or without impasto's config.
    """
    tensors, metadata = _read_safetensors(path, "pt")
    # Cloned, because they lie in the file's buffer at any address, and the last bit of a dot product depends on its
    # operands' alignment: what is resumed must go on as it would have in torch's own memory.
    return {name: tensor.clone() for name, tensor in tensors.items()}, _config(path, metadata)


def load_arrays(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """`load` without PyTorch."""
    arrays, metadata = _read_safetensors(path, "np")
    return arrays, _config(path, metadata)


def load_foreign_state(path: Path) -> "dict[str, Tensor]":
    """The tensors, on the CPU, of somebody else's `.pth` or `.safetensors` file; code in it is refused, never run.

    Raises WeightsError if the file is missing, damaged, or is anything but a dictionary of tensors.
    """
    import torch

    if path.suffix == ".safetensors":
        return _read_safetensors(path, "pt")[0]
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise WeightsError(f"{path}: {_local_reason(error, path)}") from None
    # Unpickling strange bytes can end in any exception there is; each means the same to the caller.
    except Exception as error:  # noqa: BLE001
        # torch names the class or function that the pickle wants; there is no other trace of the difference.
        has_code = "GLOBAL" in str(error)
        code = "holds program code besides tensors, which impasto does not run; save its state_dict() alone"
        raise WeightsError(f"{path}: {code if has_code else 'is damaged or is not a PyTorch checkpoint'}") from None
    if not isinstance(state, dict) or not state:
        raise WeightsError(f"{path}: holds no dictionary of tensors")
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise WeightsError(f"{path}: should hold nothing but named tensors, but {name!r} is another thing")
    return state


def _read_safetensors(path: Path, framework: str) -> tuple[dict[str, Any], dict[str, str]]:
    if not path.is_file():
        raise WeightsError(f"{path}: there is no such file")
    try:
        with _in_unicode(path) as name, safe_open(name, framework=framework) as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except SafetensorError as error:
        raise WeightsError(f"{path}: is damaged or is not a safetensors file ({error})") from None
    except OSError as error:
        raise WeightsError(f"{path}: {_local_reason(error, path)}") from None


def _config(path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    try:
        config = json.loads(metadata[CONFIG_KEY])
    except (KeyError, ValueError):
        config = None
    if not isinstance(config, dict):
        raise WeightsError(f"{path}: holds no impasto config, so that the network of these weights is unknown")
    return config


def _write(path: Path, serialise: Callable[..., bytes], config: Mapping[str, Any]) -> None:
    if "\0" in str(path):
        raise WeightsError(f"{str(path)!r}: a path holds no NUL character")
    # One key only: safetensors writes several in random order, and equal contents must give equal bytes.
    metadata = {CONFIG_KEY: json.dumps(config, sort_keys=True, allow_nan=False)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as part:
            part.write_bytes(serialise(metadata))
    except OSError as error:
        raise WeightsError(f"{path}: {_local_reason(error, path)}") from None


@contextmanager
def _in_unicode(path: Path) -> Iterator[Path]:
    """The path, or a link to it if its name is no Unicode, which safetensors does not open."""
    try:
        str(path).encode()
        yield path
    except UnicodeEncodeError:
        with TemporaryDirectory() as folder:
            link = Path(folder) / "weights"
            link.symlink_to(path.resolve())
            yield link


def _is_published(path: Path, spec: WeightSpec) -> bool:
    return spec.sha256 is None or sha256_of(path) == spec.sha256


def _advice(spec: WeightSpec, path: Path) -> str:
    size = f" ({_megabytes(spec.num_bytes)})" if spec.num_bytes else ""
    return (
        f"Download {' or '.join(spec.urls)}{size} and save it as {path}, or give a copy with {spec.flag} FILE;"
        f" {spec.without}."
    )


def _local_reason(error: OSError, path: Path, spec: WeightSpec | None = None) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file or folder"
    if error.errno == errno.ENOSPC:
        needed = f" ({_megabytes(spec.num_bytes)} are needed)" if spec and spec.num_bytes else ""
        remedy = "; free some space, or let IMPASTO_CACHE name a folder elsewhere" if spec else ""
        return f"the disk that holds {path.parent} is full{needed}{remedy}"
    return f"cannot be read or written ({error.strerror or error})"


def _megabytes(num_bytes: int) -> str:
    return f"{num_bytes / 1e6:.0f} MB"
