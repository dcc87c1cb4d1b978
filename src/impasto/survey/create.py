"""Making a survey of pairs: pictures made ready for a page, questions, and the links to hand out."""

from collections.abc import Callable, Sequence
from pathlib import Path

from impasto import image
from impasto.errors import OptionError
from impasto.sizes import fit_within
from impasto.survey import store
from impasto.survey.pairs import Pair
from impasto.survey.questions import make_questions

MOST_PLACES = 10_000
LONGEST_TEXT = 2000


def create_survey(
    path: Path,
    pairs: Sequence[Pair],
    settings: store.SurveySettings,
    *,
    size: int,
    report: Callable[[int, int], None] = lambda _done, _total: None,
) -> store.SurveyKeys:
    """Write a survey about the pairs. size: pixels of a picture's longer side on the page, where it has more.

    Pictures are stored upright, in sRGB and as JPEG without their metadata, which could name a place or a method.
    Raises OptionError for settings that make no sense, PictureError for a picture that cannot be read, and DataError if
    the path exists or cannot be written.
    """
    if not 1 <= settings.places <= MOST_PLACES:
        raise OptionError(f"participants is {settings.places}, but must be from 1 to {MOST_PLACES:,}")
    if not 64 <= size <= 4096:
        raise OptionError(f"size is {size}, but must be from 64 to 4096")
    for name in ("title", "introduction", "question", "comparison", "lowest", "highest"):
        if len(getattr(settings, name)) > LONGEST_TEXT:
            raise OptionError(f"{name} has more than {LONGEST_TEXT} characters")
    questions = make_questions(settings.kinds, len(pairs), len(settings.methods))
    ready: list[store.PairPictures] = []
    for number, pair in enumerate(pairs):
        report(number, len(pairs))
        results = tuple(_encoded(pair.results[method], size) for method in settings.methods)
        ready.append(store.PairPictures(pair.name, _encoded(pair.content, size), _encoded(pair.style, size), results))
    report(len(pairs), len(pairs))
    return store.create(path, settings, ready, questions)


def _encoded(path: Path, size: int) -> bytes:
    picture = image.on_white(image.read(path))
    shown = fit_within(picture.height, picture.width, size)
    return image.encode(image.Picture(image.resize(picture.pixels, *shown)), "jpeg")
