"""Damage what impasto reads, and see that it says so: make fuzz, or

    python tools/fuzz.py [--seconds 60] [--crashes FOLDER] [TARGET...]

Hypothesis damages valid inputs, `--seconds` long for each target. What a reader may raise is its own error, for people;
anything else is a crash: the smallest input that was found is kept in FOLDER (fuzz-crashes), and the exit code is 1.
"""

import argparse
import contextlib
import hashlib
import io
import json
import re
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from impasto import image, weights
from impasto.errors import DataError, OptionError, PictureError, WeightsError
from impasto.gallery import packaged, styles_file
from impasto.methods import METHODS, StylizeOptions, fields_of
from impasto.record import find_record

Reader = Callable[[bytes], object]
PIXELS = 200_000
ROUND = 300
"""Examples between two looks at the clock."""


@dataclass(frozen=True)
class Target:
    """seeds: valid inputs, from which the others are made. reader: what is tested. may: what it may raise."""

    seeds: Callable[[], list[bytes]]
    reader: Callable[[], AbstractContextManager[Reader]]
    may: tuple[type[Exception], ...]


# --- valid inputs ----------------------------------------------------------------------------------------------------


def encoded(picture: Image.Image, kind: str, **how: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **how)
    return file.getvalue()


def pictures() -> list[bytes]:
    """A small one in every format that is read, and in the stranger ways of some."""
    rgb = Image.open(packaged()["ink"]).convert("RGB").resize((23, 17))
    rgba, grey = rgb.convert("RGBA"), rgb.convert("L")
    profile = Image.open(packaged()["ink"]).info.get("icc_profile", b"")
    exif = Image.Exif()
    exif[0x0112] = 6
    deep = Image.fromarray((np.arange(23 * 17, dtype=np.uint16) * 160).reshape(17, 23))
    return [
        encoded(rgb, "PNG"), encoded(rgba, "PNG"), encoded(deep, "PNG"), encoded(rgb.quantize(7), "PNG"),
        encoded(rgb, "JPEG", exif=exif, icc_profile=profile), encoded(rgb.convert("CMYK"), "JPEG"),
        encoded(grey, "JPEG", progressive=True), encoded(rgb, "WEBP"), encoded(rgba, "WEBP", lossless=True),
        encoded(rgb, "TIFF"), encoded(deep, "TIFF", compression="tiff_deflate"), encoded(grey.convert("F"), "TIFF"),
        encoded(rgb, "TIFF", compression="tiff_lzw"), encoded(rgb, "BMP"), encoded(rgb.quantize(9), "GIF"),
        encoded(rgba, "AVIF"),
    ]  # fmt: skip


RECORD = {"software": "impasto", "method": "adain", "options": {"strength": 0.5}, "seed": 0, "style": ["swirls"]}


def recorded() -> list[bytes]:
    picture = image.from_array(np.zeros((5, 7, 3), dtype=np.uint8))
    return [image.encode(picture, kind, record=RECORD) for kind in ("PNG", "JPEG", "WebP", "TIFF")]


def small_style() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        import impasto

        path = Path(folder) / "one.style.safetensors"
        impasto.encode_style("ink").save(path)
        return path.read_bytes()


def networks() -> list[bytes]:
    """A safetensors file, and a pickle of PyTorch's."""
    import torch

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.safetensors"
        weights.save_arrays(path, {"a": np.ones((3, 2), np.float32), "b": np.zeros(4, np.float16)}, {"method": "adain"})
        other = io.BytesIO()
        torch.save({"a.weight": torch.ones(2, 2)}, other)
        return [path.read_bytes(), other.getvalue()]


def manifests() -> list[bytes]:
    import tarfile

    import pyarrow as pa
    import pyarrow.parquet as pq

    table = io.BytesIO()
    pq.write_table(pa.table({"path": ["a.png"], "style": ["swirls"], "options": ['{"strength": 0.5}']}), table)
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as shard:
        member = tarfile.TarInfo("a.png")
        member.size = 20
        shard.addfile(member, io.BytesIO(bytes(20)))
    return [b"parquet" + table.getvalue(), b"tar    " + tar.getvalue(), b"txt    a.png\nb.png\n# c\n"]


def forms() -> list[bytes]:
    """Requests: a line with method, path and kind, and a body."""
    from impasto.client import _form

    small = encoded(Image.new("RGB", (3, 2), "red"), "PNG")
    fields = (("content", small), ("style", "picture"), ("strength", "0.5"), ("size", "3"))
    body, kind = _form(fields)
    look, look_kind = _form((("content", small), ("style", "picture"), ("x", "50"), ("y", "20")))
    return [
        f"POST /v1/stylize {kind}\n".encode() + body,
        f"POST /v1/attention {look_kind}\n".encode() + look,
        b'POST /v1/forget application/json\n{"jobs": ["x"], "uploads": []}',
        b'POST /v1/session application/json\n{"key": "x"}',
        b"POST /v1/uploads application/octet-stream\n" + small,
        b"GET /v1/jobs/abc/result?format=jpeg text/plain\n",
        b"GET /v1/jobs/abc/events?previews=true text/plain\n",
        b"GET /v1/styles/swirls/thumbnail text/plain\n",
    ]


USER = {"id": 42, "is_bot": False, "first_name": "U", "language_code": "en"}
CHAT = {"id": 42, "type": "private", "first_name": "U"}


MESSAGE = {"message_id": 7, "date": 1_700_000_000, "chat": CHAT, "from": USER}
PHOTO = [{"file_id": "f", "file_unique_id": "f", "width": 9, "height": 9, "file_size": 100}]
DOCUMENT = {"file_id": "f", "file_unique_id": "f", "file_size": 10}
COMMAND = [{"type": "bot_command", "offset": 0, "length": 9}]


def update(kind: int, text: str) -> dict[str, Any]:
    """What Telegram tells a bot, with a text in it that a user chose."""
    some: list[dict[str, Any]] = [
        {"message": {**MESSAGE, "text": text}},
        {"message": {**MESSAGE, "text": "/settings" + text, "entities": COMMAND}},
        {"message": {**MESSAGE, "photo": PHOTO, "caption": text}},
        {"message": {**MESSAGE, "photo": PHOTO, "media_group_id": text}},
        {"message": {**MESSAGE, "document": {**DOCUMENT, "file_name": text, "mime_type": "image/png"}}},
        {"message": {**MESSAGE, "document": {**DOCUMENT, "mime_type": text}}},
        {"message": {**MESSAGE, "text": "hello", "from": {**USER, "first_name": text, "language_code": text}}},
        {"callback_query": {"id": "q", "from": USER, "chat_instance": "1", "message": {**MESSAGE, "text": "x"},
                            "data": text}},
    ]  # fmt: skip
    return some[kind % len(some)]


def updates() -> list[bytes]:
    """The number of a kind, and a text."""
    texts = ("swirls", "style:1", "/start", "p:3:strength:0.5", "again:7", "\u202eetyb", "s" * 300)
    return [bytes([kind]) + text.encode() for kind in range(8) for text in texts]


def choices() -> list[bytes]:
    """Options, as JSON."""
    some = [{"method": name, "size": 64, "strength": 0.5, "seed": 1, "style_blend": "0.5,0.5"} for name in METHODS]
    for one in some:
        known = {"method", *fields_of(str(one["method"]))}
        for name in [name for name in one if name not in known]:
            del one[name]
    return [json.dumps(one).encode() for one in some]


# --- readers ---------------------------------------------------------------------------------------------------------


def of(read: Reader) -> Callable[[], AbstractContextManager[Reader]]:
    return lambda: nullcontext(read)


@contextmanager
def of_file(read: Callable[[Path], object], name: str) -> Iterator[Reader]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name

        def written(data: bytes) -> object:
            path.write_bytes(data)
            return read(path)

        yield written


def read_network(path: Path) -> None:
    for read in (weights.load_arrays, weights.load, weights.load_foreign_state):
        with contextlib.suppress(WeightsError):
            read(path)


def read_style(path: Path) -> None:
    from impasto.engine.styles import load_style

    load_style(path, "starry-night")


def read_options(data: bytes) -> None:
    try:
        values = json.loads(data)
    except ValueError:
        return
    if isinstance(values, dict):
        StylizeOptions(**values)


@contextmanager
def of_inputs() -> Iterator[Reader]:
    from impasto.batch.inputs import find_inputs

    with tempfile.TemporaryDirectory() as folder:

        def read(data: bytes) -> None:
            path = Path(folder) / f"inputs.{data[:7].decode('latin-1').strip() if data[:7].isascii() else 'txt'}"
            if path.suffix not in (".parquet", ".tar", ".txt"):
                return
            if path.suffix == ".txt" and re.search(rb"^\s*/|\.\.|:|^\s*\.\s*$|[*?\[]", data[7:], re.MULTILINE):
                return  # it may name any folder of this machine, which takes as long as that is large
            path.write_bytes(data[7:])
            find_inputs([str(path)], f"{folder}/out")

        yield read


@contextmanager
def of_service() -> Iterator[Reader]:
    """Requests to a server on this machine whose painting process does not paint; no answer may be its fault."""
    import http.client
    import threading

    from fake_service import faked

    from impasto.serving.http_limits import HttpLimits
    from impasto.serving.server import listen
    from impasto.web.app import create_app, make_server

    with tempfile.TemporaryDirectory() as folder, faked(Path(folder)) as service, listen("127.0.0.1", 0) as sock:
        server = make_server(create_app(service, HttpLimits(wait_seconds=1, rate=0)))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        port = sock.getsockname()[1]

        def ask(data: bytes) -> None:
            line, _, body = data.partition(b"\n")
            words = line.decode("latin-1").split(" ", 2)
            if len(words) < 3 or any(ord(sign) < 33 or ord(sign) > 126 for sign in words[0] + words[1]):
                return
            if not words[2].isprintable():
                return
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            try:
                connection.request(words[0], words[1], body, {"Content-Type": words[2]})
                answer = connection.getresponse()
                said = answer.read(2000)
                # 503: the queue is full for now; 501: a method that HTTP does not have.
                if answer.status >= 500 and answer.status not in (501, 503):
                    raise AssertionError(f"{answer.status} {said!r}")
            except (http.client.HTTPException, UnicodeEncodeError, ConnectionError):
                pass  # it was hung up on
            finally:
                connection.close()

        try:
            yield ask
        finally:
            server.should_exit = server.force_exit = True
            thread.join()


@contextmanager
def of_bot() -> Iterator[Reader]:
    """Updates to a bot, by a Telegram of this machine; it may not end, nor log an error with a traceback."""
    import asyncio
    import logging
    import threading

    from fake_service import faked
    from fake_telegram import TOKEN, telegram

    from impasto.bot.app import serve
    from impasto.bot.config import BotConfig, BotOptions
    from impasto.bot.conversation import Conversations

    complaints: list[str] = []

    class Complaints(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info:
                complaints.append(logging.Formatter().format(record))

    logging.getLogger("impasto.bot").addHandler(Complaints())
    logging.getLogger("telegram").addHandler(Complaints())
    with tempfile.TemporaryDirectory() as folder, telegram() as server, faked(Path(folder), echo=True) as service:
        options = BotOptions(edit_seconds=0.05, album_seconds=0.1)
        config = BotConfig(token=TOKEN, base_url=server.url, options=options)
        loop, stop, listens = asyncio.new_event_loop(), asyncio.Event(), threading.Event()

        async def run() -> None:
            conversations = Conversations(Path(folder) / "bot.sqlite")
            try:
                await serve(config, service, conversations, lambda _: listens.set(), stop)
            finally:
                conversations.close()

        thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
        thread.start()
        listens.wait(20)

        def tell(data: bytes) -> None:
            server.push(update(data[0] if data else 0, data[1:].decode("utf-8", "replace")))
            # Confirmed means read: what it made of it is in the log, or nowhere.
            until = time.monotonic() + 5
            while server.confirmed <= server.last_update.get("update_id", 0) and time.monotonic() < until:
                time.sleep(0.002)
            if not thread.is_alive():
                raise AssertionError("the bot has ended")
            if complaints:
                raise AssertionError(complaints.pop())

        try:
            yield tell
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(20)
            loop.close()


TARGETS: Mapping[str, Target] = {
    "pictures": Target(pictures, of(partial(image.read, pixel_limit=PIXELS)), (PictureError,)),
    "records": Target(recorded, of(find_record), (PictureError,)),
    "styles": Target(
        lambda: [small_style(), styles_file().read_bytes()],
        partial(of_file, read_style, "one.style.safetensors"),
        (WeightsError,),
    ),
    "weights": Target(networks, partial(of_file, read_network, "some.safetensors"), (WeightsError,)),
    "foreign": Target(networks, partial(of_file, weights.load_foreign_state, "some.pth"), (WeightsError,)),
    "options": Target(choices, of(read_options), (OptionError,)),
    "manifests": Target(manifests, of_inputs, (DataError, OptionError, PictureError)),
    "requests": Target(forms, of_service, ()),
    "updates": Target(updates, of_bot, ()),
}


# --- damage ----------------------------------------------------------------------------------------------------------

TELLING = (b"\0", b"\xff", b"\x7f", b"\x80", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"-1", b"1e999",
           b"NaN", b"null", b"[]", b"{}", b'"', b"\\u0000", b"\xed\xa0\x80", b"9" * 30)  # fmt: skip


def damaged(seeds: list[bytes]) -> st.SearchStrategy[bytes]:
    """Valid inputs with up to six edits."""
    place, some = st.floats(0, 1), st.one_of(st.sampled_from(TELLING), st.binary(min_size=1, max_size=8))
    edit = st.tuples(st.sampled_from(("over", "insert", "delete", "cut", "double", "bit")), place, some)
    return st.builds(apply, st.sampled_from(seeds), st.lists(edit, max_size=6))


def apply(data: bytes, edits: list[tuple[str, float, bytes]]) -> bytes:
    for kind, share, some in edits:
        # Most of what decides stands at the beginning.
        at = int(share**3 * len(data))
        match kind:
            case "over":
                data = data[:at] + some + data[at + len(some) :]
            case "insert":
                data = data[:at] + some + data[at:]
            case "delete":
                data = data[:at] + data[at + len(some) :]
            case "cut":
                data = data[: len(data) - at]
            case "double":
                data = data[:at] + data[at : at + 64] * 2 + data[at + 64 :]
            case "bit":
                data = data[:at] + bytes(byte ^ 1 << some[0] % 8 for byte in data[at : at + 1]) + data[at + 1 :]
    return data


def fuzz(target: Target, seconds: float, *, examples: int = ROUND) -> tuple[int, bytes | None, str]:
    """How many inputs were read, and, of the first crash, the input and what happened."""
    strategy, until, read = damaged(target.seeds()), time.monotonic() + seconds, 0
    failed: list[tuple[bytes, str]] = []
    with target.reader() as reader:

        @settings(
            max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink), report_multiple_bugs=False,
        )  # fmt: skip
        @given(strategy)
        def example(data: bytes) -> None:
            nonlocal read
            read += 1
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    reader(data)
            except target.may:
                return
            except Exception:
                failed.append((data, traceback.format_exc()))
                raise

        while time.monotonic() < until:
            try:
                example()
            except Exception:  # noqa: BLE001 - whatever it was, it has been written down
                data, said = min(failed, key=lambda one: len(one[0]))
                return read, data, said
    return read, None, ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; all if not given")
    parser.add_argument("--seconds", type=float, default=60, help="for each (60)")
    parser.add_argument("--crashes", type=Path, default=Path("fuzz-crashes"), help="where inputs are kept")
    arguments = parser.parse_args()
    if unknown := set(arguments.targets) - {*TARGETS}:
        parser.error(f"no target {', '.join(sorted(unknown))}")
    code = 0
    for name in arguments.targets or TARGETS:
        read, crash, said = fuzz(TARGETS[name], arguments.seconds)
        print(f"{name}: {read} inputs, {'a crash' if crash is not None else 'no crash'}", flush=True)
        if crash is not None:
            code = 1
            arguments.crashes.mkdir(exist_ok=True)
            file = arguments.crashes / f"{name}-{hashlib.sha256(crash).hexdigest()[:12]}"
            file.write_bytes(crash)
            print(said, f"kept as {file}", sep="\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
