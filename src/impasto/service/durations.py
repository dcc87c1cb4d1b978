"""How long a job will take, learned from those that are done."""

from collections import deque
from statistics import median_low

from impasto.options import EncoderOptions, Options

# Seconds for a unit of work before the first job of its kind is done: two cores, generously.
FIRST_GUESS = 1.0
# Jobs of a kind that count, the newest ones.
LATEST = 9
# Megapixels below which a picture takes no less: decoding, encoding and the style have their own cost.
SMALLEST = 0.25


class Durations:
    """The median of seconds for a unit of work, for every kind of job, so that a slow one, such as the first, does not
    frighten those who come after it. Not safe between threads by itself."""

    def __init__(self) -> None:
        self._rates: dict[str, deque[float]] = {}

    def learn(
        self, options: Options, pixels: int, seconds: float, task: str = "paint", *, cut_off: bool = False
    ) -> None:
        """A job of so many pixels took so long. task: what it was, "paint", "look" or "video". cut_off: it would have
        taken longer still, and counts alone until others are done."""
        # The guess is one of the jobs, until there are enough.
        rates = self._rates.setdefault(kind(options, task), deque([FIRST_GUESS], maxlen=LATEST))
        if cut_off:
            rates.clear()
        rates.append(seconds / work(options, pixels, task))

    def expect(self, options: Options, pixels: int, task: str = "paint") -> float:
        """Seconds."""
        return median_low(self._rates.get(kind(options, task), [FIRST_GUESS])) * work(options, pixels, task)


def kind(options: Options, task: str = "paint") -> str:
    """Jobs of one kind take the same time for the same work."""
    return f"{options.method} {_network(options)} {task} {'steps' if options.steps_at_full_size else 'pass'}"


def work(options: Options, pixels: int, task: str = "paint") -> float:
    """Megapixels, times the steps where a method paints in steps; a coarse one counts a quarter, as it has a quarter of
    the pixels."""
    return max(SMALLEST, pixels / 1e6) * (1.0 if task == "look" else max(1.0, options.steps_at_full_size))


def _network(options: Options) -> str:
    return options.encoder if isinstance(options, EncoderOptions) else ""
