"""A report as a page of its own: the finding, every picture with its ratings, and the methods' scores."""

import base64
import io
from collections.abc import Sequence
from html import escape
from string import Template

from PIL import Image

from impasto.survey import findings
from impasto.survey.ratings import SCALE, Summary
from impasto.survey.report import Preferred, Rated, Report
from impasto.survey.store import Pictures, Store

_SIDE = 480


def page(report: Report, store: Store) -> str:
    """HTML that needs no server and no network: its pictures are inside it, made smaller."""
    pictures = store.pictures()
    sections = [_rated(rated, number, report, pictures) for number, rated in enumerate(report.rated)]
    sections += [_preferred(preferred, report) for preferred in report.preferred]
    people = f"{report.invited} with a link, {report.started} began, {report.finished} finished"
    return _PAGE.substitute(
        title=escape(report.settings.title),
        people=escape(people),
        sections="".join(sections),
        protocol=escape(
            f"Intervals: {100 * report.bootstrap.level:g} %, bootstrap over people, {report.bootstrap.resamples:,}"
            f" resamples, seed {report.bootstrap.seed}."
        ),
    )


def _rated(rated: Rated, number: int, report: Report, pictures: Sequence[Pictures]) -> str:
    heading = f"<h2>{escape(rated.method)}</h2>" if len(report.rated) > 1 else ""
    sentence = f'<p class="finding">{escape(findings.finding(rated))}</p>'
    if rated.overall is None:
        return f"<section>{heading}{sentence}</section>"
    cards = "".join(
        _card(summary, shown, number) for summary, shown in zip(rated.pictures, pictures, strict=True) if summary
    )
    return (
        f'<section>{heading}{sentence}<p class="quiet">{escape(findings.spread(rated, report))}</p>'
        f'<div class="all">{_histogram(rated.overall)}</div><div class="cards">{cards}</div></section>'
    )


def _card(summary: Summary, pictures: Pictures, method: int) -> str:
    interval = "" if summary.interval is None else f" ({findings.between(summary.interval)})"
    answers = f"{summary.answers} answer{'' if summary.answers == 1 else 's'}"
    return (
        f'<article><div class="pictures"><div>{_picture(pictures.content, "content")}'
        f"{_picture(pictures.style, 'style')}</div>{_picture(pictures.results[method], 'result')}</div>"
        f'<p><b>{summary.mean:.1f}</b> <span class="quiet">{escape(pictures.name)}, {answers}{interval}</span></p>'
        f"{_histogram(summary)}</article>"
    )


def _histogram(summary: Summary) -> str:
    """Bars without a scale, as the numbers stand on them for whoever cannot see their heights."""
    most = max(summary.histogram)
    bars = "".join(
        f'<rect x="{10 * i + 1}" y="{40 - 38 * count / most:.2f}" width="8" height="{38 * count / most:.2f}" rx="1">'
        f"<title>{i + 1}: {count}</title></rect>"
        f'<text x="{10 * i + 5}" y="48">{i + 1}</text>'
        for i, count in enumerate(summary.histogram)
    )
    said = ", ".join(f"{count} times {i + 1}" for i, count in enumerate(summary.histogram) if count)
    return (
        f'<svg viewBox="0 0 {10 * SCALE} 50" preserveAspectRatio="xMinYMid" role="img" aria-label="{said}">{bars}</svg>'
    )


def _preferred(preferred: Preferred, report: Report) -> str:
    names = [escape(method) for method in report.settings.methods]
    by_score = sorted(range(len(names)), key=lambda i: -preferred.scores[i])
    rows = "".join(
        f"<tr><th>{names[i]}</th><td>{preferred.scores[i]:+.2f}</td><td>{_ends(preferred, i)}</td>"
        + "".join(f"<td>{'' if i == j else preferred.wins[i][j]}</td>" for j in by_score)
        + "</tr>"
        for i in by_score
    )
    over = "".join(f"<th>over {names[j]}</th>" for j in by_score)
    return (
        f'<section><h2>{findings.KIND_NAMES[preferred.kind]}</h2><p class="quiet">'
        f'{escape(findings.agreement(preferred))}.</p><div class="wide"><table><tr><th>method</th>'
        f"<th>Bradley–Terry score</th><th>interval</th>{over}</tr>{rows}</table></div></section>"
    )


def _ends(preferred: Preferred, method: int) -> str:
    interval = preferred.intervals[method]
    return "" if interval is None else f"{interval[0]:+.2f} to {interval[1]:+.2f}"


def _picture(data: bytes, what: str) -> str:
    with Image.open(io.BytesIO(data)) as picture:
        picture.thumbnail((_SIDE, _SIDE))
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=88)
    return f'<img alt="{what}" src="data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}">'


_PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
  :root { color-scheme: light dark; --paper: #f7f7f6; --card: #fff; --ink: #222; --quiet: #6a6a68; --bar: #8a9ba8;
    font: 1rem/1.5 system-ui, sans-serif; }
  @media (prefers-color-scheme: dark) {
    :root { --paper: #161616; --card: #202020; --ink: #ececea; --quiet: #9d9d9a; --bar: #6f8391; }
  }
  body { margin: 0 auto; max-width: 76rem; padding: 2.5rem 1rem 4rem; background: var(--paper); color: var(--ink); }
  h1 { margin: 0; font-size: 1.6rem; font-weight: 600; }
  h2 { margin: 0 0 .5rem; font-size: 1.15rem; font-weight: 600; overflow-wrap: anywhere; }
  section { margin-top: 2.5rem; }
  .quiet { color: var(--quiet); font-size: .9rem; overflow-wrap: anywhere; }
  .finding { margin: 0 0 .25rem; max-width: 46rem; font-size: 1.35rem; line-height: 1.4; }
  .all { max-width: 26rem; margin: 1.5rem 0; }
  .cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); gap: 1.25rem; }
  article { padding: .9rem; border-radius: .75rem; background: var(--card); }
  article p { margin: .5rem 0 0; }
  article b { font-size: 1.5rem; font-weight: 600; }
  article svg { max-height: 6rem; }
  article text { font-size: 6px; }
  .pictures { display: grid; grid-template-columns: 1fr 3fr; gap: .5rem; align-items: start; }
  .pictures div { display: grid; gap: .5rem; }
  img { display: block; width: 100%; height: auto; border-radius: .3rem; }
  svg { display: block; width: 100%; }
  rect { fill: var(--bar); }
  text { fill: var(--quiet); font-size: 4px; text-anchor: middle; }
  .wide { overflow-x: auto; }
  table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
  th, td { padding: .4rem .9rem .4rem 0; text-align: left; white-space: nowrap; border-bottom: 1px solid #8883; }
  th { font-weight: 500; }
</style>
<h1>$title</h1>
<p class="quiet">$people</p>
$sections
<section><p class="quiet">$protocol</p></section>
</html>
""")
