"""A method that only darkens, and a store that is no folder."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from fake_stylizer import Darkener

from impasto.errors import PictureError
from impasto.image import Picture
from impasto.jobs.job import PaintingTarget, PaintJob
from impasto.jobs.session import Session
from impasto.methods import StylizeOptions

OPTIONS = StylizeOptions()


class Store(dict):
    """What an address of something else than files could be: pictures by name, and names that were read."""

    def __init__(self):
        self.reads, self.written = [], {}

    def source(self, name, side=8, error=None):
        self[name] = error or Picture(
            np.full((1, 3, side, side), 0.5, np.float32), notes=("odd",) if name == "odd" else ()
        )
        return Stored(self, name)

    def jobs(self, *sources, **how):
        """One for each, in the style `style`, kept here."""
        style = self.source("style")
        return [PaintJob(one, (style,), OPTIONS, target=KeptTarget(self, one.name), **how) for one in sources]

    def full(self, name):
        """A target that keeps nothing."""
        return FullTarget(self, name)


@dataclass(frozen=True)
class Stored:
    store: Store = field(compare=False)
    name: str

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
def store():
    return Store()


@pytest.fixture
def method():
    return Darkener()


@pytest.fixture
def session(method):
    return Session(lambda _: method)
