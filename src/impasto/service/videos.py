"""Films on the disk, those that were sent and those that are painted, in one temporary folder that ends with the
service."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from impasto.service.job import CLIP, PAINTED
from impasto.service.limits import MEGA, Limits
from impasto.service.process import environment
from impasto.service.refusals import RefusedError
from impasto.service.request import SentVideo
from impasto.service.uploads import BoundedStore, Item

PREFIX = "video:"
"""How the ids of films that were sent begin."""
FOLDER, LOCK = "impasto-videos-", ".lock"
"""How the folder's name begins in the system's folder of temporary files; held by the service that it belongs to."""
NEW_SECONDS = 60.0
"""That a folder is given to be locked, before it counts as left over."""
LEAST_BYTES = 10_000
"""That a film counts for, so that none are too many."""
PROBE_SECONDS = 15.0
"""After which looking at a film is given up."""
PROBE = (sys.executable, "-P", "-m", "impasto.video.probe")


class Videos(BoundedStore[SentVideo]):
    """Films that were sent, by their ids, and places for those that are painted, by the ids of their jobs, which keep
    them until they are forgotten."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic, folder: Path | None = None) -> None:
        """folder: of the films that outlive the service; without one, they go with it."""
        super().__init__("film", limits.videos_each_mb, limits.videos_mb, limits.keep_seconds, clock)
        self._limits, self._stays = limits, folder
        self._held: FileLock | None = None
        self.folder: Path | None = None
        """Where films lie, if there are any."""
        self.problem = "the service has not begun"
        """Why this service takes no films; empty if it does."""

    # --- life --------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Make the folder, and take away those of services that were killed."""
        self.problem = "it takes no films" if not self._limits.video_seconds else _lacking()
        if self.problem:
            return
        try:
            if self._stays is not None:
                self._stays.mkdir(mode=0o700, parents=True, exist_ok=True)
                self.folder = self._stays
                return
            self.folder = Path(tempfile.mkdtemp(prefix=FOLDER))
            self._held = FileLock(self.folder / LOCK, thread_local=False)
            self._held.acquire(timeout=0)
            _remove_left_over(self.folder)
        except OSError as error:
            self.problem = f"its folder of films cannot be written: {error.strerror}"

    def close(self) -> None:
        """Nothing stays but what is meant to."""
        with self._lock:
            folder, self.folder = self.folder, None
            self.problem, self._items = "the service is over", {}
        if self._held is not None:
            self._held.release()
        if folder is not None and folder != self._stays:
            shutil.rmtree(folder, ignore_errors=True)

    # --- films that are sent ------------------------------------------------------------------------------------------

    def receive(self, user: str, num_bytes: int | None = None) -> tuple[str, Path]:
        """(id, file to write) of a film that is about to arrive; `keep` or `forget` must follow. num_bytes: as many as
        one may have, if not known.

        Raises RefusedError "no-videos", "too-large" and "queue-full".
        """
        most = self._limits.video_mb * MEGA
        size, token = most if num_bytes is None else num_bytes, secrets.token_urlsafe(16)
        with self._lock:
            path = self._path(token)
            if size > most:
                limit = f"{self._limits.video_mb:g} MB, the limit of this server"
                raise RefusedError("too-large", f"the film has more than {limit}")
            self._reserve(PREFIX + token, user, max(LEAST_BYTES, size))
        return PREFIX + token, path

    def keep(self, video: str) -> SentVideo:
        """What has arrived, once it is known to be a film. Raises what `probed` raises, and RefusedError "too-large";
        then it is gone."""
        item, path = self._items[video], self._path(video)
        try:
            about = SentVideo(id=video, num_bytes=path.stat().st_size, **probed(path))
            if about.width * about.height > self._limits.video_megapixels * MEGA:
                limit = f"{self._limits.video_megapixels:g} megapixels, which is the limit of this server"
                raise RefusedError("too-large", f"the film's frames have more than {limit}")
        except BaseException:
            self.discard(video)
            raise
        with self._lock:
            item.size, item.value, item.used = max(LEAST_BYTES, about.num_bytes), about, self._clock()
        return about

    def named(self, video: str, user: str) -> SentVideo:
        """Raises what `BoundedStore.named` raises, and RefusedError "no-videos"."""
        self._place()
        return super().named(video, user)

    def discard(self, name: str) -> None:
        """A film, or all of a job's, whatever there is of it."""
        with self._lock:
            is_kept = self._items.pop(name, None) is not None
        if is_kept:
            _remove(self._path(name))

    # -- films that are painted ----------------------------------------------------------------------------------------

    def begin(self, job: str, video: str, user: str) -> Path:
        """The folder of a job, with its clip in it. Raises what `named` raises, and RefusedError "queue-full"."""
        with self._lock:
            self.named(video, user)
            clip, folder = self._items[video], self._path(job)
            used, clip.used = clip.used, None
            try:
                self._reserve(job, user, self._limits.video_result_mb * MEGA + clip.size)
                folder.mkdir(mode=0o700)
                os.link(self._path(video), folder / CLIP)
            except OSError as error:
                self.discard(job)
                later = self._limits.keep_seconds
                raise RefusedError("queue-full", "the server's disk is full", retry_after=later) from error
            finally:
                clip.used = used
            return folder

    def adopt(self, job: str, user: str, *, is_final: bool) -> Path:
        """The folder that a job had in the service before this one. Raises RefusedError "no-videos", and OSError if it
        is gone."""
        folder = self._path(job)
        size: float = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
        if not is_final:
            size = self._limits.video_result_mb * MEGA + (folder / CLIP).stat().st_size
        with self._lock:
            self._items[job] = Item(user, size)
        return folder

    def remove_others(self) -> None:
        """What lies in a folder that stays and was not adopted: films that no job had been begun with."""
        if self.folder is None or self.folder != self._stays:
            return
        for path in self.folder.iterdir():
            if path.name not in self._items:
                _remove(path)

    def end(self, job: str) -> None:
        """Of a job that is over only the painted film is kept; nothing, if there is none."""
        with self._lock:
            item = self._items.get(job)
        if item is None:
            return
        painted = [path for path in self._path(job).iterdir() if path.stem == PAINTED and path.is_file()]
        for path in self._path(job).iterdir():
            if path not in painted:
                _remove(path)
        item.size = sum(path.stat().st_size for path in painted)
        if not painted:
            self.discard(job)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _place(self) -> Path:
        """The folder. Raises RefusedError "no-videos"."""
        if self.problem or self.folder is None:
            raise RefusedError("no-videos", f"this server paints no films: {self.problem}")
        return self.folder

    def _path(self, name: str) -> Path:
        return self._place() / name.removeprefix(PREFIX)


def probed(path: Path) -> Mapping[str, Any]:
    """What the film is, looked at in a process of its own, which it may break.

    Raises RefusedError "not-a-video", and "queue-full" where there was not the time to look, for which the film may do
    nothing.
    """
    try:
        done = subprocess.run(  # noqa: S603  (our own module)
            [*PROBE, str(path)], capture_output=True, timeout=PROBE_SECONDS, env=environment(), check=True
        )
        facts: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired as error:
        raise RefusedError(
            "queue-full", "the server is too busy to look at the film; send it again", retry_after=10.0
        ) from error
    except (subprocess.SubprocessError, OSError, ValueError) as error:
        raise RefusedError("not-a-video", "the film cannot be read: it is damaged, or asks for too much") from error
    if "problem" in facts:
        raise RefusedError("not-a-video", f"the film cannot be read: {facts['problem']}")
    if facts["frames"] < 2:
        raise RefusedError("not-a-video", "the film has one frame: it is a picture, and painted as one")
    return facts


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _lacking() -> str:
    missing = [name for name in ("av", "cv2") if find_spec(name) is None]
    return f"it lacks the extra 'video' ({', '.join(missing)})" if missing else ""


def _remove_left_over(current: Path) -> None:
    """Folders of the same owner that no running service holds."""
    mine = current.lstat()
    for folder in current.parent.glob(f"{FOLDER}*"):
        with suppress(OSError, Timeout):
            about = folder.lstat()
            if folder == current or about.st_uid != mine.st_uid or mine.st_mtime - about.st_mtime < NEW_SECONDS:
                continue
            if folder.is_symlink() or not folder.is_dir():
                continue
            with FileLock(folder / LOCK, timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
