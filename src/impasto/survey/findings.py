"""A report in words: the sentence in which paper 004 reports its survey, and what its other numbers mean."""

from impasto.survey.ratings import SCALE, Interval, Summary
from impasto.survey.report import Preferred, Rated, Report

KIND_NAMES = {"ab": "Side by side", "rank": "In order"}


def finding(rated: Rated) -> str:
    """The sentence of paper 004, of one method."""
    if rated.overall is None:
        return "Nobody has rated a picture yet."
    people = _count(rated.people, "person", "people")
    pictures = sum(picture is not None for picture in rated.pictures)
    per_picture = f", {rated.lowest:.1f} to {rated.highest:.1f} per picture" if pictures > 1 else ""
    asked = f"{people} rated {_count(pictures, 'picture', 'pictures')} on a {SCALE}-point scale"
    return f"{asked}: {rated.overall.mean:.1f} on average{per_picture}."


def spread(rated: Rated, report: Report) -> str:
    """How sure the mean is, how far single answers lie apart, and whether people agree."""
    if rated.overall is None:
        return ""
    parts = [f"mean {rated.overall.mean:.2f}"]
    if rated.overall.interval is not None:
        parts.append(f"{_percent(report)} interval {between(rated.overall.interval)}")
    if rated.overall.deviation is not None:
        parts.append(f"standard deviation of single answers {rated.overall.deviation:.2f}")
    parts += [f"Krippendorff's α {number(rated.alpha)}", f"Kendall's W {number(rated.w)}"]
    return ", ".join(parts)


def agreement(preferred: Preferred) -> str:
    """How many compared, and whether they agree."""
    name = "Krippendorff's α" if preferred.kind == "ab" else "mean of Kendall's W"
    text = f"{_count(preferred.answers, 'answer', 'answers')}, {name} {number(preferred.agreement)}"
    return text if preferred.determined or not preferred.answers else f"{text}; {UNDETERMINED}"


UNDETERMINED = (
    "half a win each way was added to every two methods that met, because some method was always preferred, or never"
)


def counted(summary: Summary) -> str:
    """How often each rating was given: '2 times 7, 1 times 9'."""
    return ", ".join(f"{count} times {rating}" for rating, count in enumerate(summary.histogram, 1) if count)


def between(interval: Interval) -> str:
    """The two ends."""
    return f"{interval[0]:.2f} to {interval[1]:.2f}"


def number(value: float | None) -> str:
    """A number, or a dash where there is none."""
    return "–" if value is None else f"{value:.2f}"


def _percent(report: Report) -> str:
    return f"{100 * report.bootstrap.level:g} %"


def _count(many: int, one: str, more: str) -> str:
    return f"{many} {one if many == 1 else more}"
