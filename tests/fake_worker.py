"""Speaks as the painting process does, without painting: does what the name of the first style says.

    python -I -S fake_worker.py FOLDER WIRE [echo]

WIRE is the file `wire.py`, which is loaded by itself, as importing its package would take most of a test's time.

The style `picture` has the painting be one pixel, whose colour is of the photo's hash; all others, the whole hash.
A film is painted as it came, in its folder, held or not.

Where a place looks it shows as a picture of one pixel, whose colour is x, y, and the number of the layer's block.

With `echo`, paintings are the photos as they came, and tasks.jsonl in the folder lists what they were to be, with all
pictures that were sent along.

A file `go` in the folder lets go of what is held; `broken` keeps the process from starting. The style `garbage` has
it say what stands in the file `says`, as a header with eight bytes behind it; JOB stands for the job.
"""

import base64
import hashlib
import json
import os
import struct
import sys
import threading
import time
import zlib
from pathlib import Path
from queue import Empty, SimpleQueue

sys.path.insert(0, str(Path(sys.argv[2]).parent))
from wire import Message, read, write

folder = Path(sys.argv[1])
is_echo = "echo" in sys.argv[3:]
out = sys.stdout.buffer
inbox: "SimpleQueue[Message | None]" = SimpleQueue()


def listen() -> None:
    while (message := read(sys.stdin.buffer)) is not None:
        inbox.put(message)
    os._exit(0)


def pixel(*colour: int) -> bytes:
    """A PNG file of one pixel."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes([0, *colour]))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


def film(task: Message) -> None:
    """Puts the film that was sent where the painted one has to lie."""
    place = Path(task.values["folder"])
    (place / f"painted.{task.values['format']}").write_bytes((place / "clip").read_bytes())


def remember(task: Message) -> None:
    if is_echo:
        with (folder / "tasks.jsonl").open("a") as file:
            sent = [base64.b64encode(blob).decode() for blob in task.blobs]
            file.write(json.dumps({**task.values, "sent": sent}) + "\n")


def was_cancelled(task: Message) -> bool:
    """Waits until it is let go of; True if it was cancelled before."""
    job = task.values["job"]
    write(out, "progress", [b"a preview"], job=job, step=1, total=4, seconds_left=3.0)
    while not (folder / "go").exists():
        try:
            if inbox.get(timeout=0.02).kind != "cancel":
                continue
        except Empty:
            continue
        if task.kind == "video":
            film(task)
            write(out, "cancelled", job=job)
        else:
            write(out, "cancelled", [task.blobs[0] if is_echo else b"the best so far"], job=job)
        return True
    return False


def paint(task: Message) -> None:
    job, action = task.values["job"], (*task.values["styles"], None)[0]
    match action:
        case "die":
            os._exit(1)
        case "die-once" if not (folder / "died").exists():
            (folder / "died").touch()
            os._exit(1)
        case "garbage":
            says = (folder / "says").read_bytes() if (folder / "says").exists() else b""
            header = says.replace(b"JOB", job.encode())
            out.write(struct.pack(">I", len(header)) + header + bytes(8) if header else b"\xff" * 16)
            out.flush()
        case "stubborn":
            time.sleep(600)
        case "explode":
            write(out, "failed", job=job, code="internal", message="something went wrong inside impasto")
            return
        case "hold" if was_cancelled(task):
            return
    if task.kind == "video":
        film(task)
        remember(task)
        write(out, "progress", job=job, step=4, total=4, seconds_left=0.0)
        write(out, "done", job=job, cache={"styles": [1, 2]})
        return
    if task.kind == "look":
        block = task.values["options"]["attention_layers"][4:5]
        colour = (*(round(value) for value in task.values["place"]), int(block) if block in set("12345") else 0)
        write(out, "done", [pixel(*colour)], job=job, cache={"looks": [1, 0]})
        return
    if action == "picture":
        colour = hashlib.sha256(task.blobs[0]).digest()[:3]
        write(out, "done", [pixel(*colour)], job=job, cache={"styles": [1, 2], "models": [3, 4]})
        return
    with (folder / "painted").open("a") as file:
        file.write(f"{hashlib.sha256(task.blobs[0]).hexdigest()}\n")
    remember(task)
    painting = task.blobs[0] if is_echo else hashlib.sha256(task.blobs[0]).digest()
    write(out, "done", [painting], job=job, cache={"styles": [1, 2], "models": [3, 4]})


threading.Thread(target=listen, daemon=True).start()
assert inbox.get().kind == "start"
if (folder / "broken").exists():
    write(out, "failed", code="start", message="device is 'x', which is not there")
    sys.exit(0)
write(out, "ready")
while True:
    task = inbox.get()
    if task.kind in ("paint", "look", "video"):
        paint(task)
