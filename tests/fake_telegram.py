"""A Bot API server on this machine: real HTTP, Telegram's limits, and users whom a test speaks for.

`Telegram.chats` are the chats as their users see them, after all edits; `calls` are the bot's requests, in their order.
"""

import io
import itertools
import json
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote

from PIL import Image

TOKEN = "123456789:AAHfiqksKZ8WmR2zSjiQ7_v4TbmFo-xyz12"
PATIENCE = 20.0
"""Seconds that a test waits for the bot."""

Json = dict[str, Any]
Files = dict[str, tuple[str, bytes]]
"""{field: (name, data)}"""


class RefusedError(Exception):
    """What the API answers instead of a result."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.code, self.parameters = code, parameters


@dataclass
class Message:
    """As its reader sees it. data: the picture that it shows or holds."""

    number: int
    chat: int
    mine: bool
    text: str = ""
    kind: str = "text"
    data: bytes = b""
    name: str = "x.jpg"
    buttons: list[list[Json]] = field(default_factory=list)
    album: str = ""
    file: str = ""
    seconds: int = 1
    states: list[str] = field(default_factory=list)

    @property
    def labels(self) -> list[str]:
        return [button["text"] for row in self.buttons for button in row]

    def as_json(self) -> Json:
        body: Json = {
            "message_id": self.number, "date": 1_700_000_000,
            "from": {"id": self.chat if self.mine else 1, "is_bot": not self.mine, "first_name": "U"},
            "chat": {"id": self.chat, "type": "private", "first_name": "U"},
        }  # fmt: skip
        if self.album:
            body["media_group_id"] = self.album
        if self.kind == "text":
            return {**body, "text": self.text}
        if self.text:
            body["caption"] = self.text
        shown: Json = {"file_id": self.file, "file_unique_id": f"u{self.file}", "file_size": len(self.data)}
        # What is said of one kind alone, clients do not mind of another.
        shown |= {"width": 90, "height": 90, "length": 9, "duration": self.seconds, "file_name": self.name}
        shown |= {"mime_type": self.kind, "is_animated": False, "is_video": False, "type": "regular"}
        match self.kind:
            case "photo":
                return {**body, "photo": [{**shown, "file_id": f"{self.file}-small", "width": 9}, shown]}
            case "sticker" | "video" | "video_note":
                return {**body, self.kind: shown}
            case "animation":
                return {**body, "animation": shown, "document": {**shown, "mime_type": "video/mp4"}}
        return {**body, "document": shown}


class User:
    """Somebody with a Telegram client."""

    def __init__(self, telegram: "Telegram", number: int, language: str) -> None:
        self.telegram, self.number, self.language = telegram, number, language

    @property
    def messages(self) -> list[Message]:
        """Everything in the chat, oldest first."""
        return [one for one in self.telegram.chats if one.chat == self.number]

    @property
    def answers(self) -> list[Message]:
        return [one for one in self.messages if not one.mine]

    def says(self, text: str) -> Message:
        message = self.telegram.add(self.number, mine=True, text=text)
        word = text.split(maxsplit=1)[0]
        entities = [{"type": "bot_command", "offset": 0, "length": len(word)}] if word.startswith("/") else []
        return self._send(message, entities=entities)

    def sends(self, data: bytes, caption: str = "", *, kind: str = "photo", size: int = 0, **more: Any) -> Message:
        """kind: photo, sticker, video, animation, video_note, or the media type of a file. size: that Telegram tells,
        if not the true one. more: name, album, and seconds of a clip, of the message."""
        message = self.telegram.add(self.number, mine=True, kind=kind, data=data, text=caption, **more)
        self.telegram.files[message.file] = data
        told = message.as_json()
        if size:
            told[kind if kind in told else "document"]["file_size"] = size
        return self._send(message, **told)

    def presses(self, message: Message, label: str) -> None:
        button = next(button for row in message.buttons for button in row if label in button["text"])
        self.presses_data(message, button["callback_data"])

    def presses_data(self, message: Message, data: str) -> None:
        query = f"q{next(self.telegram.numbers)}"
        self.telegram.queries.add(query)
        body = {"id": query, "from": self._as_json(), "chat_instance": "1", "message": message.as_json(), "data": data}
        self.telegram.push({"callback_query": body})

    def blocks(self) -> None:
        self.telegram.blocked.add(self.number)
        states = {
            "old_chat_member": {"status": "member", "user": _ME},
            "new_chat_member": {"status": "kicked", "user": _ME, "until_date": 0},
        }
        chat = {"id": self.number, "type": "private", "first_name": "U"}
        self.telegram.push({"my_chat_member": {"chat": chat, "from": self._as_json(), "date": 1_700_000_000, **states}})

    def waits_for(self, found: Callable[[Message], object], what: str = "", *, after: Message | None = None) -> Message:
        """The first answer that is so, after another message if one is given."""
        first = after.number if after else 0
        return self.telegram.wait(
            lambda: next((one for one in self.answers if one.number > first and found(one)), None),
            lambda: f"{what}: {[(one.number, one.kind, one.text, one.labels) for one in self.answers]}",
        )

    def reads(self, text: str, *, after: Message | None = None) -> Message:
        """Waits for an answer with these words."""
        return self.waits_for(lambda one: text in one.text, text, after=after)

    def gets(self, kind: str, *, after: Message | None = None, labels: str = "") -> Message:
        """Waits for a picture of the bot's: a photo, or a document. labels: what one of its buttons says."""
        return self.waits_for(
            lambda one: one.kind == kind and (not labels or any(labels in label for label in one.labels)),
            kind,
            after=after,
        )

    def _send(self, message: Message, **more: Any) -> Message:
        self.telegram.push({"message": {**message.as_json(), **more, "from": self._as_json()}})
        return message

    def _as_json(self) -> Json:
        return {"id": self.number, "is_bot": False, "first_name": "U", "language_code": self.language}


_ME = {"id": 1, "is_bot": True, "first_name": "Impasto", "username": "impasto_test_bot"}


class Telegram:
    """The server's state. floods: {method: seconds that the next calls are told to wait}. down: methods whose next
    calls get no answer. slow: seconds before each part of a file. told: {file: bytes that getFile says it has}.
    confirmed: updates below this number are gone.
    failures: what the bot asked for that the API does not allow."""

    def __init__(self) -> None:
        self.url = ""
        self.token = TOKEN
        self.chats: list[Message] = []
        self.files: dict[str, bytes] = {}
        self.calls: list[tuple[str, Json]] = []
        self.floods: dict[str, list[float]] = {}
        self.down: dict[str, int] = {}
        self.blocked: set[int] = set()
        self.queries: set[str] = set()
        self.slow = 0.0
        self.told: dict[str, int] = {}
        self.failures: list[str] = []
        self.numbers = itertools.count(100)
        self.confirmed = 0
        self.changed = threading.Condition()
        self.last_update: Json = {}
        self._updates: list[Json] = []
        self._closed = False

    def user(self, number: int = 42, language: str = "en") -> User:
        return User(self, number, language)

    def called(self, method: str) -> list[Json]:
        with self.changed:
            return [values for name, values in self.calls if name == method]

    def add(self, chat: int, **values: Any) -> Message:
        with self.changed:
            number = next(self.numbers)
            message = Message(number, chat, file=values.pop("file", f"f{number}"), **values)
            message.states.append(message.text)
            self.chats.append(message)
            self.changed.notify_all()
        return message

    def push(self, update: Json) -> None:
        with self.changed:
            self.last_update = {"update_id": next(self.numbers), **update}
            self._updates.append(self.last_update)
            self.changed.notify_all()

    def wait(self, look: Callable[[], Any], what: Callable[[], str]) -> Any:
        end = time.monotonic() + PATIENCE
        with self.changed:
            # What is looked at may also be a file, of which nobody is told.
            while not self.changed.wait_for(lambda: bool(look()), 0.05):
                if time.monotonic() > end:
                    raise AssertionError(f"the bot did not do it in {PATIENCE:g} s: {what()}")
            return look()

    def close(self) -> None:
        with self.changed:
            self._closed = True
            self.changed.notify_all()

    # --- the methods of the API ---------------------------------------------------------------------------------------

    def answer(self, method: str, values: Json, files: Files) -> Any:  # noqa: PLR0911, PLR0912  (each method's)
        with self.changed:
            self.calls.append((method, values))
            waits = self.floods.get(method)
            if waits:
                seconds = waits.pop(0)
                raise RefusedError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
            if int(values.get("chat_id", 0)) in self.blocked:
                raise RefusedError(403, "Forbidden: bot was blocked by the user")
        match method:
            case "getMe":
                flags = ("can_join_groups", "can_read_all_group_messages", "supports_inline_queries")
                return {**_ME, **dict.fromkeys(flags, False)}
            case "setMyCommands":
                assert all(1 <= len(one["description"]) <= 256 for one in json.loads(values["commands"]))
                return True
            case "getUpdates":
                return self._news(values)
            case "getFile":
                return self._file(values["file_id"])
            case "answerCallbackQuery":
                if values["callback_query_id"] not in self.queries:
                    raise RefusedError(400, "Bad Request: query is too old and response timeout expired")
                self.queries.discard(values["callback_query_id"])
                return True
            case "deleteMessage":
                with self.changed:
                    self.chats.remove(self._find(values))
                    self.changed.notify_all()
                return True
            case "sendMediaGroup":
                media, album = json.loads(values["media"]), f"album{next(self.numbers)}"
                assert 2 <= len(media) <= 10
                shown = [self._photo(one["media"], files) for one in media]
                return [self._put(values, kind="photo", album=album, **one) for one in shown]
            case "editMessageMedia":
                media = json.loads(values["media"])
                return self._edit(values, text=media.get("caption", ""), **self._photo(media["media"], files))
            case "editMessageText" | "editMessageReplyMarkup":
                return self._edit(values, **{name: values[name] for name in ("text",) if name in values})
            case "sendMessage":
                assert 1 <= len(values["text"]) <= 4096
                return self._put(values, text=values["text"])
            case "sendPhoto":
                return self._put(values, kind="photo", **self._photo(values["photo"], files))
            case "sendDocument" | "sendVideo" | "sendAnimation" | "sendVideoNote":
                kind = {"sendVideoNote": "video_note"}.get(method, method.removeprefix("send").lower())
                return self._put(values, kind=kind, **self._sent_file(kind, values, files))
        raise RefusedError(404, f"Not Found: {method}")

    def _news(self, values: Json) -> list[Json]:
        until = time.monotonic() + float(values.get("timeout", 0))
        with self.changed:
            self.confirmed = max(self.confirmed, int(values.get("offset", 0)))
            self._updates = [one for one in self._updates if one["update_id"] >= self.confirmed]
            self.changed.notify_all()
            self.changed.wait_for(lambda: self._updates or self._closed, max(0.0, until - time.monotonic()))
            return list(self._updates)

    def _file(self, name: str) -> Json:
        if name not in self.files:
            raise RefusedError(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        if len(self.files[name]) > 20_000_000:
            raise RefusedError(400, "Bad Request: file is too big")
        told = {"file_size": self.told[name]} if name in self.told else {}
        return {"file_id": name, "file_unique_id": f"u{name}", "file_path": f"photos/{name}.jpg", **told}

    def _sent_file(self, kind: str, values: Json, files: Files) -> Json:
        assert kind != "video_note" or "caption" not in values
        name, data = files[_attached(values[kind])]
        if len(data) > 50_000_000:
            raise RefusedError(413, "Request Entity Too Large")
        if "thumbnail" in values:
            _, small = files[_attached(values["thumbnail"])]
            with Image.open(io.BytesIO(small)) as picture:
                assert max(picture.size) <= 320
                assert picture.format == "JPEG"
        return {"data": data, "name": name}

    # --- what they share ----------------------------------------------------------------------------------------------

    def _put(self, values: Json, **shown: Any) -> Json:
        caption = values.get("caption", "")
        assert len(caption) <= 1024
        shown.setdefault("text", caption)
        message = self.add(int(values["chat_id"]), mine=False, buttons=_buttons(values), **shown)
        if message.data:
            self.files[message.file] = message.data
        return message.as_json()

    def _photo(self, word: str, files: Files) -> Json:
        if not word.startswith("attach://"):
            if word not in self.files:
                raise RefusedError(400, "Bad Request: wrong file identifier/HTTP URL specified")
            return {"data": self.files[word], "file": word}
        name, data = files[_attached(word)]
        if len(data) > 10_000_000:
            raise RefusedError(400, "Bad Request: too big for a photo")
        with Image.open(io.BytesIO(data)) as picture:
            width, height = picture.size
        if width + height > 10_000 or max(width, height) > 20 * min(width, height):
            raise RefusedError(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")
        return {"data": data, "name": name}

    def _find(self, values: Json) -> Message:
        for message in self.chats:
            if (message.chat, message.number) == (int(values["chat_id"]), int(values["message_id"])):
                assert not message.mine
                return message
        raise RefusedError(400, "Bad Request: message to edit not found")

    def _edit(self, values: Json, **shown: Any) -> Json:
        shown["buttons"] = _buttons(values)
        with self.changed:
            message = self._find(values)
            if all(getattr(message, name) == value for name, value in shown.items() if name != "name"):
                raise RefusedError(400, "Bad Request: message is not modified: the new content is the same")
            for name, value in shown.items():
                setattr(message, name, value)
            message.states.append(message.text)
            self.changed.notify_all()
        return message.as_json()


def _attached(word: str) -> str:
    return word.removeprefix("attach://")


def _buttons(values: Json) -> list[list[Json]]:
    rows: list[list[Json]] = json.loads(values.get("reply_markup", "{}")).get("inline_keyboard", [])
    assert all(1 <= len(button["callback_data"].encode()) <= 64 for row in rows for button in row)
    assert all(button["text"] for row in rows for button in row)
    return rows


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Otherwise every answer waits for the client's word on its first half.
    disable_nagle_algorithm = True
    wbufsize = -1

    @property
    def telegram(self) -> Telegram:
        return self.server.telegram  # type: ignore[attr-defined, no-any-return]

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:
            # Whoever sent it was killed meanwhile.
            self.close_connection = True
            return
        _, bot, method = self.path.split("/", 2)
        if self.telegram.down.get(method, 0) > 0:
            self.telegram.down[method] -= 1
            self.close_connection = True
            return
        try:
            if bot != f"bot{self.telegram.token}":
                raise RefusedError(401, "Unauthorized")
            result = self.telegram.answer(method, *_form(self.headers["Content-Type"] or "", body))
            self._reply(200, {"ok": True, "result": result})
        except RefusedError as error:
            told = {"parameters": error.parameters} if error.parameters else {}
            self._reply(error.code, {"ok": False, "error_code": error.code, "description": str(error), **told})

    def do_GET(self) -> None:
        start = f"/file/bot{self.telegram.token}/photos/"
        path = unquote(self.path)
        assert path.startswith(start), path
        data = self.telegram.files[path.removeprefix(start).removesuffix(".jpg")]
        if self.telegram.down.get("file", 0) > 0:
            self.telegram.down["file"] -= 1
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        part = max(1, -(-len(data) // 4))
        with suppress(ConnectionError):
            for first in range(0, len(data), part):
                time.sleep(self.telegram.slow)
                self.wfile.write(data[first : first + part])
                self.wfile.flush()

    def _reply(self, code: int, answer: Json) -> None:
        data = json.dumps(answer).encode()
        with suppress(ConnectionError):
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        pass


def _form(kind: str, body: bytes) -> tuple[Json, Files]:
    """Fields, with `attach://FIELD` for a file."""
    if not kind.startswith("multipart/"):
        return {name: values[-1] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}, {}
    boundary = b"--" + kind.partition("boundary=")[2].encode()
    fields: Json = {}
    files = {}
    for part in body.split(boundary)[1:-1]:
        head, _, data = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        words = dict(re.findall(r'(\w+)="([^"]*)"', head.decode()))
        data = data.removesuffix(b"\r\n")
        if "filename" in words:
            files[words["name"]] = (words["filename"], data)
            fields.setdefault(words["name"], f"attach://{words['name']}")
        else:
            fields[words["name"]] = data.decode()
    return fields, files


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    telegram: Telegram

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            self.telegram.failures.append(traceback.format_exc())


@contextmanager
def telegram() -> Iterator[Telegram]:
    """A server for as long as it is needed."""
    state = Telegram()
    with _Server(("127.0.0.1", 0), _Handler) as http:
        http.telegram = state
        state.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            state.close()
            http.shutdown()
            thread.join()
    assert state.failures == [], state.failures[0]
