"""Whether pictures are fit for training, before the first step is: each is looked at once, as cheaply as is sure."""

import functools
import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from impasto import addresses, png_chunks
from impasto.data.folders import PictureFile
from impasto.data.layout import TEST
from impasto.data.shards import PackedPicture
from impasto.decoding import decode
from impasto.errors import PictureError
from impasto.files import replace_file
from impasto.record import Named, explained, opened

FEW = 100
"""Pictures of a kind below which a discriminator soon knows all of them by heart."""
MOST_NAMES = 5

CACHE = "pictures.json"
_VERSION = 2


@dataclass(frozen=True)
class PictureFacts:
    """What is known about one picture. width, height: pixels as stored; sha256: of its bytes."""

    width: int
    height: int
    sha256: str


@dataclass(frozen=True)
class Copy:
    """Two files with the same bytes, and the kinds that they belong to."""

    kinds: tuple[str, str]
    first: PictureFile
    second: PictureFile


@dataclass(frozen=True, kw_only=True)
class Findings:
    """pictures: {kind: the readable ones, as often as they were given}. unreadable: the others, each with the reason.
    facts: of every readable one."""

    pictures: Mapping[str, Sequence[PictureFile]]
    unreadable: Sequence[tuple[PictureFile, str]]
    facts: Mapping[PictureFile, PictureFacts]

    @property
    def copies(self) -> list[Copy]:
        """Every file whose bytes an earlier one has already, beside the first of them."""
        seen: dict[str, tuple[str, PictureFile]] = {}
        copies = []
        for kind, pictures in self.pictures.items():
            for picture in dict.fromkeys(pictures):
                kind_before, before = seen.setdefault(self.facts[picture].sha256, (kind, picture))
                if before != picture or kind_before != kind:
                    copies.append(Copy((kind_before, kind), before, picture))
        return copies

    def smaller_than(self, side: int) -> dict[str, list[PictureFile]]:
        """{kind: pictures whose shorter side has fewer pixels than `side`, the smallest first}."""
        smaller: dict[str, list[PictureFile]] = {}
        for kind, pictures in self.pictures.items():
            shorter = {picture: min(self.facts[picture].width, self.facts[picture].height) for picture in pictures}
            small = sorted((picture for picture, length in shorter.items() if length < side), key=shorter.__getitem__)
            if small:
                smaller[kind] = small
        return smaller


def check_pictures(
    pictures: Mapping[str, Sequence[PictureFile]],
    *,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Findings:
    """Look at every picture once: whether it can be decoded, how large it is, and its hash.

    pictures: {kind: files}. cache: file that an earlier check wrote; what has the same name, size and time of change
        as then is not read again. A cache that is missing or damaged is no error. progress: called with (done, total).
    """
    known = _read_cache(cache) if cache else {}
    different = list(dict.fromkeys(picture for files in pictures.values() for picture in files))
    facts: dict[PictureFile, PictureFacts] = {}
    reasons: dict[PictureFile, str] = {}

    def look(picture: PictureFile) -> PictureFacts | str:
        try:
            with explained(str(picture)):
                cached = known.get(_key(picture))
            return cached or _look(picture)
        except PictureError as error:
            return str(error).removeprefix(f"{picture}: ")

    # libvips decodes and hashlib hashes without holding the interpreter.
    pool = ThreadPoolExecutor(min(8, os.cpu_count() or 1))
    try:
        for done, (picture, outcome) in enumerate(zip(different, pool.map(look, different), strict=True), 1):
            if isinstance(outcome, PictureFacts):
                facts[picture] = outcome
            else:
                reasons[picture] = outcome
            if progress:
                progress(done, len(different))
    finally:
        pool.shutdown(cancel_futures=True)  # Ctrl-C does not wait for the rest
    readable = {kind: [picture for picture in files if picture in facts] for kind, files in pictures.items()}
    return Findings(pictures=readable, unreadable=list(reasons.items()), facts=facts)


def write_cache(path: Path, findings: Findings) -> None:
    """What `check_pictures` need not look at again."""
    entries = {}
    for picture, look in findings.facts.items():
        try:
            entries[_key(picture)] = asdict(look)
        except OSError:  # gone in the meantime
            continue
    replace_file(path, json.dumps({"version": _VERSION, "pictures": entries}))


def changes_since(path: Path, pictures: Iterable[PictureFile]) -> str:
    """Which pictures are new and which are gone since a cache was written, by their names, as a part of a sentence."""
    # A key is a picture's place and three numbers; the place of a packed one has its tar before it.
    places = [key.rsplit("|", 3)[0] for key in _read_cache(path)]
    before = {place.rpartition(": ")[2].rpartition("/")[2] for place in places}
    now = {picture.name for picture in pictures}
    if not before or before == now:
        return "their names, or how often they count, are others"
    changes = {"new": sorted(now - before), "gone": sorted(before - now)}
    return "; ".join(f"{what}: {_listed(names)}" for what, names in changes.items() if names)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_NAMES]) + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")


def warnings_of(findings: Findings, *, side: int = 0) -> list[str]:
    """What a person should know before training on these pictures, one line each. side: pixels of a crop."""
    return [*_about_copies(findings), *_about_numbers(findings), *_about_sizes(findings, side)]


def _about_copies(findings: Findings) -> Iterator[str]:
    pairs: dict[tuple[str, str], list[Copy]] = defaultdict(list)
    for copy in findings.copies:
        pairs[copy.kinds].append(copy)
    for (first, second), copies in pairs.items():
        example = f"{copies[0].second} is {copies[0].first}"
        if first == second:
            yield f"{_named(first)}{_count(copies)} files have the bytes of another one, so that they count twice" \
                f" and may be trained on and held out as well ({example})"  # fmt: skip
        elif _is_test(first) or _is_test(second):
            yield f"{_count(copies)} pictures of {second} are also in {first}, byte by byte: what is measured on them" \
                f" says nothing about unseen ones ({example})"  # fmt: skip
        else:
            yield f"{_count(copies)} pictures of {second} are also in {first}, byte by byte ({example})"


def _about_numbers(findings: Findings) -> Iterator[str]:
    for kind, pictures in findings.pictures.items():
        count = len(set(pictures))
        # A single one is a wish; a test set is as large as it is.
        if 1 < count < FEW and not _is_test(kind):
            yield f"{_named(kind)}{count} pictures are few: expect the networks to know them by heart"


def _about_sizes(findings: Findings, side: int) -> Iterator[str]:
    for kind, small in findings.smaller_than(side).items():
        look = findings.facts[small[0]]
        yield (
            f"{_named(kind)}{_count(small)} of {len(set(findings.pictures[kind]))} pictures are smaller than a crop of"
            f" {side} pixels and will be enlarged (the smallest is {small[0]}, {look.width} x {look.height})"
        )


def _is_test(kind: str) -> bool:
    return kind.rpartition("/")[2] in TEST.values()


def _named(kind: str) -> str:
    """'kind: ', or nothing where there is only one kind."""
    return f"{kind}: " if kind else ""


def _count(things: Sequence[Any]) -> str:
    return f"{len(things):,}"


def _look(picture: PictureFile) -> PictureFacts:
    """Decodes the picture as training does, a JPEG at an eighth of its size, for which all of its bytes must be sound.
    The checksums of a PNG, at which nobody looks who decodes it, tell of pixels that are not what they were."""
    name = str(picture)
    with explained(name):
        data = picture.read_bytes()
    with opened(Named(data, name)) as file:
        size = file.size
        decode(file.reduced(1))
        if file.format == "PNG" and not png_chunks.is_sound(data):
            raise PictureError("it is damaged: a checksum is wrong")
    return PictureFacts(*size, hashlib.sha256(data).hexdigest())


def _key(picture: PictureFile) -> str:
    """Changes when the file does."""
    file = picture.shard if isinstance(picture, PackedPicture) else picture
    if isinstance(file, str):
        return f"{picture}|{getattr(picture, 'start', 0)}|{_tag(file)}"
    facts = file.stat()
    return f"{picture}|{getattr(picture, 'start', 0)}|{facts.st_size}|{facts.st_mtime_ns}"


@functools.cache
def _tag(shard: str) -> str:
    """Changes when the shard at an address does, where its server says so."""
    files, path = addresses.file_system(shard)
    return "|".join(addresses.tag_of(files.info(path)).partition(" ")[::2])


def _read_cache(path: Path) -> dict[str, PictureFacts]:
    try:
        stored = json.loads(path.read_bytes())
        if stored["version"] != _VERSION:
            return {}
        return {key: PictureFacts(**entry) for key, entry in stored["pictures"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
