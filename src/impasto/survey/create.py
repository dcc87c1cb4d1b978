"""Making a survey: which result belongs to which content and style, told by the names of their files; and pictures made
ready for a page, questions, and the links to hand out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from impasto import image
from impasto.data.folders import list_pictures
from impasto.errors import DataError, OptionError
from impasto.files import in_unicode
from impasto.sizes import fit_within
from impasto.survey import store
from impasto.survey.questions import make_questions

MOST_PLACES = 10_000
LONGEST_TEXT = 2000


@dataclass(frozen=True)
class Pair:
    """A content and a style, and what each method made of them. results: {method: file}."""

    name: str
    content: Path
    style: Path
    results: Mapping[str, Path]


def match(content: Path, style: Path, results: Mapping[str, Path]) -> tuple[list[Pair], list[Path]]:
    """The pairs that every method has a result for, by name, and the results that belong to none. {method: folder}.

    A result is called like its content and its style (a.png of a.jpg and a.jpg), or CONTENT-STYLE, as `impasto
    stylize` calls what it writes into a folder (tree-waves.jpg of tree.jpg and waves.png).
    Raises DataError: a folder is missing or empty, names leave it open what belongs together, or no pair is left.
    """
    contents, styles = _by_name(content), _by_name(style)
    matched: dict[str, dict[tuple[str, str], Path]] = {}
    strangers: list[Path] = []
    for method, folder in results.items():
        of_method = matched.setdefault(method, {})
        for name, path in _by_name(folder).items():
            fits = _fits(name, contents, styles)
            if len(fits) > 1:
                raise DataError(f"{path}: may be of {' or of '.join(f'{c} and {s}' for c, s in fits)}; rename it")
            if not fits:
                strangers.append(path)
            elif fits[0] in of_method:
                raise DataError(f"{path} and {of_method[fits[0]]} are of the same content and style")
            else:
                of_method[fits[0]] = path
    common = set.intersection(*(set(of_method) for of_method in matched.values()))
    if not common:
        folders = ", ".join(map(str, results.values()))
        raise DataError(
            f"no result has the name of a content and a style, or CONTENT-STYLE: looked in {folders} for"
            f" what is in {content} and {style}"
        )
    pairs = [
        Pair(
            name=in_unicode(c if c == s else f"{c}-{s}"),
            content=contents[c],
            style=styles[s],
            results={method: matched[method][c, s] for method in matched},
        )
        for c, s in sorted(common)
    ]
    incomplete = [path for of_method in matched.values() for key, path in of_method.items() if key not in common]
    return pairs, strangers + incomplete


def spread(pairs: Sequence[Pair], count: int) -> list[Pair]:
    """`count` of the pairs, or all if there are fewer, spread evenly over their order."""
    if count >= len(pairs):
        return list(pairs)
    return [pairs[index * len(pairs) // count] for index in range(count)]


def _by_name(folder: Path) -> dict[str, Path]:
    named: dict[str, Path] = {}
    for path in list_pictures([folder]):
        if (other := named.setdefault(path.stem, path)) is not path:
            raise DataError(f"{other} and {path} have the same name, so that nothing can be told apart by it")
    return named


def _fits(name: str, contents: Mapping[str, Path], styles: Mapping[str, Path]) -> list[tuple[str, str]]:
    splits = [(name[:i], name[i + 1 :]) for i, sign in enumerate(name) if sign == "-"]
    return [(c, s) for c, s in [(name, name), *splits] if c in contents and s in styles]


def create_survey(
    path: Path,
    pairs: Sequence[Pair],
    settings: store.SurveySettings,
    *,
    size: int,
    report: Callable[[int, int], None],
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
