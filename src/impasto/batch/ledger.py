"""What became of every input, as a Parquet file."""

import io
import time
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from impasto import addresses
from impasto.batch.task import Outcome
from impasto.errors import PictureError

_KINDS: Mapping[Any, Any] = {int: pa.int64(), str: pa.string(), float: pa.float64()}
SCHEMA = pa.schema([
    (item.name, _KINDS.get(item.type, pa.string())) for item in fields(Outcome) if item.name != "is_final"
])  # fmt: skip

SAVE_SECONDS = 60.0
"""Between two ledgers on the disk, at least; more where writing takes long."""


class Ledger:
    """The rows of this run, and those of earlier ones whose outputs it has nothing to do with."""

    def __init__(self, address: str) -> None:
        """Reads what an earlier run left. Raises PictureError if that is something else."""
        self.address = address
        self.before = {row.output: row for row in _read(address) if row.output}
        self.rows: dict[int, Outcome] = {}
        self._due = time.monotonic() + SAVE_SECONDS

    def add(self, row: Outcome) -> None:
        """Keep a row, and now and then all of them on the disk."""
        self.rows[row.number] = row
        if time.monotonic() > self._due:
            self.save()

    def save(self) -> None:
        """Write all of it. Raises PictureError."""
        began = time.monotonic()
        rows = sorted(self.rows.values(), key=lambda row: row.number)
        known = {row.output for row in rows}
        others = [row for output, row in self.before.items() if output not in known]
        table = pa.Table.from_pylist([row.to_json() for row in [*rows, *others]], SCHEMA)
        stream = io.BytesIO()
        pq.write_table(table, stream, compression="zstd")
        addresses.write(self.address, stream.getvalue())
        now = time.monotonic()
        self._due = now + max(SAVE_SECONDS, 20 * (now - began))


def _read(address: str) -> list[Outcome]:
    files, path = addresses.file_system(address)
    if not addresses.explained(address, lambda: files.exists(path), "read"):
        return []
    try:
        table = pq.read_table(pa.BufferReader(addresses.read(address)))
        return [Outcome(**row) for row in table.select(SCHEMA.names).to_pylist()]
    except (pa.ArrowException, KeyError, TypeError) as error:
        raise PictureError(
            f"{address}: this is no ledger of impasto batch, or damaged; choose another --ledger"
        ) from error
