"""A method that only darkens, and a store that is no folder."""

from dataclasses import dataclass

import numpy as np
import pytest
from fake_stylizer import FakeStylizer

from impasto.errors import Cancelled, PictureError
from impasto.image import Picture
from impasto.jobs.job import PaintingTarget, PaintJob
from impasto.jobs.session import Session
from impasto.methods import StylizeOptions
from impasto.progress import Progress

OPTIONS = StylizeOptions()


class Darkener(FakeStylizer):
    """Halves the content, in steps if it is told to."""

    def __init__(self, steps=0):
        self.steps, self.batches, self.encoded = steps, [], []

    def __call__(self, content, styles, options, *, masks=None, start=None, progress=None, saving=None):
        self.batches.append(len(content))
        try:
            for step in range(1, self.steps + 1):
                progress(Progress(step=step, total=self.steps, preview=lambda: content[:, :3]))
        except Cancelled as wish:
            raise Cancelled(best=content[:, :3]) from wish
        return content[:, :3] / 2

    def encode(self, picture, options, *, name=""):
        self.encoded.append(name)
        return super().encode(picture, options, name=name)


class Store(dict):
    """What an address of something else than files could be: pictures by name, and names that were read."""

    def __init__(self):
        self.reads, self.written = [], {}

    def source(self, name, side=8, error=None):
        self[name] = error or Picture(
            np.full((1, 3, side, side), 0.5, np.float32), notes=("odd",) if name == "odd" else ()
        )
        return Stored(self, name)

    def jobs(self, *sources, target=None, **how):
        """One for each, in the style `style`; kept here, where it is full if that is the target."""
        style, kept = self.source("style"), target or KeptTarget
        return [PaintJob(one, (style,), OPTIONS, target=kept(self, one.name), **how) for one in sources]


@dataclass(frozen=True, eq=False)
class Stored:
    store: Store
    name: str

    def __eq__(self, other):
        return self.name == other.name

    def __hash__(self):
        return hash(self.name)

    @property
    def key(self):
        return self.name

    def read(self, pixel_limit):
        self.store.reads.append(self.name)
        found = self.store[self.name]
        if isinstance(found, Exception):
            raise found
        return found


@dataclass(frozen=True)
class KeptTarget(PaintingTarget):
    store: Store
    name: str

    def __str__(self):
        return self.name

    def write(self, picture, record):
        self.store.written[self.name] = picture, record

    def is_done(self, job):
        return self.name in self.store.written


class FullTarget(KeptTarget):
    def write(self, picture, record):
        raise PictureError("the disk is full")


@pytest.fixture
def full_store():
    """What keeps nothing."""
    return FullTarget


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def method():
    return Darkener()


@pytest.fixture
def session(method):
    return Session(lambda _: method)
