"""Which pictures are meant: folders, globs, lists, tar shards and manifests, and single files, anywhere."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from impasto import addresses
from impasto.addresses import file_system, in_full, is_remote, joined, tag_of
from impasto.data.shards import is_shard, members_of
from impasto.errors import DataError, OptionError, PictureError
from impasto.gallery import is_hidden, is_picture_name

MANIFEST, LIST = ".parquet", ".txt"
COLUMNS = ("path", "style", "options", "name")


@dataclass(frozen=True, slots=True)
class Input:
    """One picture to paint.

    address: of its file, or of the shard that it is `size` bytes of, from byte `start` on. name: its path, seen from
    what was given. tag: see `addresses.tag_of`. styles, options: of its own, from a manifest.
    """

    address: str
    name: str
    tag: str = ""
    start: int | None = None
    size: int | None = None
    styles: tuple[str, ...] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.address if self.start is None else f"{self.address}: {PurePosixPath(self.name).name}"


Problem = tuple[str, PictureError]
"""A word, or a row of a manifest, that means no picture, and why."""


def find_inputs(words: Sequence[str], output: str) -> tuple[list[Input], list[Problem]]:
    """The pictures that the words mean, in their order, folders' and globs' in that of their names.

    What lies below `output` is left out of folders and globs. Raises OptionError for an address of no known kind.
    """
    files, path = file_system(output)
    finder = _Finder(own=in_full(files, path).rstrip("/") + "/")
    for word in words:
        finder.add(word)
    return list(finder.found.values()), finder.problems


@dataclass
class _Finder:
    """Collects inputs, each file once unless a manifest has several rows of it. own: the output, with a slash."""

    own: str
    found: dict[Any, Input] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)

    def add(self, word: str, base: str | None = None) -> None:
        """base: the folder that a plain path is seen from."""
        word = word if base is None else _seen_from(base, word)
        try:
            for one in self._meant(word):
                self.found.setdefault((one.address, one.start), one)
        except (PictureError, DataError) as error:
            self.problems.append((word, PictureError(str(error))))

    def _meant(self, word: str) -> Iterator[Input]:
        files, path = file_system(word)
        if word.endswith(MANIFEST):
            self._add_rows(word)
        elif word.endswith(LIST):
            if word in self.lists:
                raise PictureError(f"{word}: this list names itself, perhaps by way of another")
            lines = addresses.read(word).decode(errors="surrogateescape").splitlines()
            self.lists.append(word)
            for line in filter(None, map(str.strip, lines)):
                self.add(line, _folder_of(files, path))
            self.lists.pop()
        elif _is_glob(word) and not (not is_remote(word) and files.exists(path)):
            found = addresses.explained(word, lambda: files.glob(path, detail=True), "listed")
            root = path[: next(place for place, sign in enumerate(path) if sign in "*?[")].rpartition("/")[0]
            yield from self._within(word, files, root, found)
        elif not _is_file_name(path) or (not is_remote(word) and files.isdir(path)):
            yield from self._within(word, files, path, addresses.listed(word))
        else:
            about = addresses.explained(word, lambda: files.info(path), "read")
            yield from self._file(files, path, PurePosixPath(path).name, about)

    def _within(self, word: str, files: Any, root: str, found: Mapping[str, Mapping[str, Any]]) -> Iterator[Input]:
        """The pictures among what was found below a folder."""
        if f"{in_full(files, root)}/".startswith(self.own):
            raise OptionError(f"{word}: lies in the output, or is it; choose another --output")
        count = 0
        for path, about in sorted(found.items()):
            name = PurePosixPath(path[len(root) :].lstrip("/"))
            wanted = about.get("type") != "directory" and (_is_file_name(str(name)))
            if not wanted or any(map(is_hidden, name.parts)) or in_full(files, path).startswith(self.own):
                continue
            count += 1
            try:
                yield from self._file(files, path, str(name), about)
            except (PictureError, DataError) as error:
                self.problems.append((in_full(files, path), PictureError(str(error))))
        if not count:
            raise PictureError(f"{word}: there are no pictures there")

    def _file(self, files: Any, path: str, name: str, about: Mapping[str, Any]) -> Iterator[Input]:
        """A picture, or those of a shard."""
        address, tag = in_full(files, path), tag_of(about)
        if not is_shard(PurePosixPath(path)):
            yield Input(address, name, tag)
            return

        def members() -> list[Any]:
            with files.open(path, "rb") as file:
                return members_of(file, address)

        for one in addresses.explained(address, members, "read"):
            inside = f"{name.removesuffix('.tar')}/{one.name}"
            yield Input(address, inside, tag and f"{tag} {one.offset_data}", one.offset_data, one.size)

    def _add_rows(self, manifest: str) -> None:
        """A Parquet file with the columns path, and perhaps style (one or a list), options (JSON) and name."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        files, path = file_system(manifest)
        data = addresses.read(manifest)
        try:
            table = pq.read_table(pa.BufferReader(data))
            # All of it, before a row of it is believed.
            rows = [row for batch in table.to_batches() for row in batch.to_pylist()]
        # OSError: what Parquet's headers say when they are damaged; UnicodeDecodeError: its texts.
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise PictureError(f"{manifest}: this is no Parquet file, or damaged: {error}") from error
        unknown = [name for name in table.column_names if name not in COLUMNS]
        if unknown or "path" not in table.column_names:
            said = f"has a column {unknown[0]}" if unknown else "has no column path"
            raise PictureError(f"{manifest}: it {said}; a manifest has {', '.join(COLUMNS)}, of which path is needed")
        base = _folder_of(files, path)
        for row in rows:
            try:
                one = _of_row(row, base)
            except PictureError as error:
                self.problems.append((f"{manifest}: {row.get('path')}", error))
                continue
            self.found.setdefault((one.address, one.name, one.styles, json.dumps(dict(one.options))), one)


def _of_row(row: Mapping[str, Any], base: str) -> Input:
    path, styles, text, name = (row.get(column) for column in COLUMNS)
    if not isinstance(path, str) or not path:
        raise PictureError(f"a row's path is {path!r}, but must be an address")
    address = _seen_from(base, path)
    files, there = file_system(address)
    # Elsewhere that would be a request for every row.
    tag = tag_of(files.info(there)) if not is_remote(address) and files.exists(there) else ""
    try:
        options = json.loads(text) if text else {}
    except ValueError as error:
        raise PictureError(f"the options of {path} are no JSON: {error}") from error
    if not isinstance(options, dict):
        raise PictureError(f"the options of {path} are no JSON object")
    words = [styles] if isinstance(styles, str) else styles
    return Input(
        in_full(files, there), name or PurePosixPath(there).name, tag, options=options,
        styles=tuple(_style(base, word) for word in words) if words else None,
    )  # fmt: skip


def _style(base: str, word: str) -> str:
    """A file beside the manifest, or what the word is by itself, such as a name of impasto's own."""
    if is_remote(word) or word.startswith("/"):
        return word
    files, path = file_system(joined(base, word))
    return in_full(files, path) if files.exists(path) else word


def _seen_from(base: str, word: str) -> str:
    return word if is_remote(word) or word.startswith("/") else joined(base, word)


def _folder_of(files: Any, path: str) -> str:
    return in_full(files, path.rpartition("/")[0])


def _is_file_name(path: str) -> bool:
    return is_picture_name(PurePosixPath(path)) or is_shard(PurePosixPath(path))


def _is_glob(word: str) -> bool:
    # In an address of the web, ? begins a query.
    return any(sign in word for sign in ("*[" if word.startswith("http") else "*?["))
