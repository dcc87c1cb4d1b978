"""What a recipe is: everything that decides a training run, but for its pictures."""

from abc import ABC
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from impasto.training.loop import Schedule, Trainable


@dataclass(frozen=True, kw_only=True)
class Recipe(ABC):
    """A run's settings. A method's own class adds its own, and the function of a recipe's name gives one of them.

    kinds: of pictures that the run tells apart, as in `impasto train --data A=FOLDER`; none for pictures of one kind.
    build: (accelerator, data, **files) -> the run. data: folders and shards of pictures, {kind: them} if there are
        kinds. files: of networks that it needs ('teacher'), or can take ('weights', 'start').
    """

    kinds: ClassVar[Sequence[str]] = ()
    build: ClassVar[Callable[..., Trainable]]

    schedule: Schedule
    seed: int = 0

    def settled(self, data: Any, processes: int = 1) -> Self:
        """The same with what it leaves to the number of pictures, and of processes that learn from them."""
        return self
