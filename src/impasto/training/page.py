"""A run as one page: how far it is, its curves and previews, what went wrong. Opens as a file, without a server."""

import base64
import html
import io
import json
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template

from PIL import Image

from impasto.figures import Curve
from impasto.files import replace_file
from impasto.training import chart
from impasto.training.figures import in_panels, previews_of, read_curves, spread
from impasto.training.runs import Run, best_of, last_of, read_run, settings_of

FILE = "index.html"
MOST_PREVIEWS = 12
"""Previews inside the page at most, evenly spread over the run, the latest among them; the others are linked."""
THUMBNAIL = (640, 1280)
"""Largest width and height of a preview inside the page."""
RELOAD_SECONDS = 30

logger = logging.getLogger(__name__)


def write_page(folder: Path, *, columns: Sequence[str] = (), going_on: bool = True) -> None:
    """Write `index.html` into a run's folder, atomically, from what else lies there.

    columns: what the columns of the previews show. going_on: whether the page loads itself anew.

    Never raises: a page that cannot be written is a line in the log, and the training goes on.
    """
    try:
        replace_file(folder / FILE, _page(folder, columns, going_on=going_on))
    except Exception as error:  # noqa: BLE001 (whatever it is, hours of training are worth more)
        logger.warning("%s could not be written (%s: %s)", folder / FILE, type(error).__name__, error)


def _page(folder: Path, columns: Sequence[str], *, going_on: bool) -> str:
    run = read_run(folder)
    curves = read_curves(folder / "tensorboard") if (folder / "tensorboard").is_dir() else {}
    previews = previews_of(folder)
    # What is logged and shown is ahead of what is saved.
    known = [run.step or 0, *(int(max(curve)) for curve in curves.values() if curve), *(int(p.stem) for p in previews)]
    step = max(known)
    going_on = going_on and step != run.steps
    return _PAGE.substitute(
        title=html.escape(f"{folder.resolve().name} · {run.recipe}"),
        reload=f'<meta http-equiv="refresh" content="{RELOAD_SECONDS}">' if going_on else "",
        progress=_progress(run, step, going_on=going_on),
        health=_health(run),
        previews=_previews(previews, columns),
        curves=_curves(curves),
        numbers=_numbers(curves),
        settings=_table(
            ("setting", "value"), [(name, json.dumps(value)) for name, value in settings_of(run.config).items()]
        ),
    )


def _progress(run: Run, step: int, *, going_on: bool) -> str:
    if step == run.steps:
        state = "finished"
    elif run.health and run.health.stopped is not None:
        state = "stopped"
    else:
        state = "going on" if going_on else "stopped; --resume goes on"
    of = f" of {run.steps:,}" if run.steps else ""
    bar = f'<progress max="{run.steps}" value="{step}" aria-label="progress"></progress>' if run.steps else ""
    # The reader's clock may be in another zone than the machine's.
    now = time.strftime("%Y-%m-%d %H:%M:%S %z")
    return f"<p><strong>Step {step:,}{of}</strong>, {state}. Written {now}.</p>{bar}"


def _health(run: Run) -> str:
    parts = []
    if run.problem:
        parts.append(f'<p class="bad" role="alert">Damaged: {html.escape(run.problem)}</p>')
    if run.health is None:
        return "".join(parts)
    if run.health.stopped is not None:
        parts.append(f'<p class="bad" role="alert">Stopped: {html.escape(run.health.stopped)}</p>')
    for step, name, message in run.health.warnings:
        parts.append(f'<p class="warning">Step {step:,}: {html.escape(name)}: {html.escape(message)}</p>')
    rows = [(name, f"{value:.4g}") for name, value in run.health.values.items()]
    if rows:
        parts.append(f"<details><summary>What is watched</summary>{_table(('measure', 'value'), rows)}</details>")
    return f"<section><h2>Health</h2>{''.join(parts) or '<p>Nothing to complain of.</p>'}</section>"


def _previews(previews: Sequence[Path], columns: Sequence[str]) -> str:
    if not previews:
        return "<p>There is no preview yet.</p>"
    chosen = [previews[place] for place in spread(len(previews), MOST_PREVIEWS)]
    heads = "".join(f"<span>{html.escape(column)}</span>" for column in columns)
    figures = "".join(_figure(path, heads) for path in chosen)
    links = " ".join(f'<a href="previews/{path.name}">{int(path.stem):,}</a>' for path in previews)
    return (
        '<div id="slider" hidden><label for="place">Step <output id="step"></output></label>'
        f'<input id="place" type="range" min="0" max="{len(chosen) - 1}" value="{len(chosen) - 1}"></div>'
        '<div id="previews" tabindex="0" role="group" aria-label="previews in the order of their steps">'
        f"{figures}</div>"
        f"<details><summary>All {len(previews)} previews, at full size</summary><p>{links}</p></details>"
    )


def _figure(path: Path, heads: str) -> str:
    step = f"{int(path.stem):,}"
    said = f"what the networks made of held-out pictures after step {step}"
    with Image.open(path) as file:
        picture = file.convert("RGB")
    picture.thumbnail(THUMBNAIL, Image.Resampling.LANCZOS)
    return (
        f'<figure data-step="{step}" style="width:{picture.width}px"><figcaption><a href="previews/{path.name}">step'
        f' {step}, at full size</a></figcaption><div class="columns">{heads}</div>'
        f'<img src="{_jpeg(picture)}" alt="{said}" width="{picture.width}" height="{picture.height}"></figure>'
    )


def _jpeg(picture: Image.Image) -> str:
    """A data URL. Not PNG, which takes ten times as many bytes for painted pictures, and they are all in one page."""
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


def _curves(curves: Mapping[str, Curve]) -> str:
    panels = in_panels(curves)
    # One label has one colour in all panels.
    labels = dict.fromkeys(label for panel in panels.values() for label in panel)
    colours = {label: number for number, label in enumerate(labels)}
    drawn = "".join(chart.draw(title, panel, colours) for title, panel in panels.items())
    return drawn or "<p>Nothing has been logged yet.</p>"


def _numbers(curves: Mapping[str, Curve]) -> str:
    best = best_of(curves)
    rows = [
        (name, f"{value:.4g}", "{1:.4g} at step {0:,}".format(*best[name]) if name in best else "")
        for name, value in last_of(curves).items()
    ]
    return _table(("value", "last", "best"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    return f'<div class="wide"><table>{line(head, "th")}{"".join(line(row, "td") for row in rows)}</table></div>'


_PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
$reload
<title>$title</title>
<style>
  :root { color-scheme: light dark; --text: #1c1c1e; --back: #fff; --card: #f5f5f7; --line: #d2d2d7; --faint: #6a6a70;
    --c0: #0b62c4; --c1: #c2410c; --c2: #157a3c; --c3: #8a2be2; --c4: #b0126f; --c5: #7a5c00; }
  @media (prefers-color-scheme: dark) {
    :root { --text: #f2f2f5; --back: #141416; --card: #212124; --line: #3b3b40; --faint: #a5a5ad;
      --c0: #6cb0ff; --c1: #ff9d5c; --c2: #63d08b; --c3: #c49bff; --c4: #ff7fc3; --c5: #e5c454; }
  }
  body { font: 1rem/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); margin: 1.5rem auto;
    max-width: 80rem; padding: 0 1rem; overflow-wrap: anywhere; }
  h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
  p { margin: .4rem 0; } a { color: var(--c0); } progress { width: 100%; height: .75rem; }
  .bad, .warning { border-left: .3rem solid var(--c1); background: var(--card); padding: .5rem .75rem; }
  .bad { border-color: #d70015; }
  .charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); gap: 1rem; }
  .chart { background: var(--card); border-radius: .5rem; padding: .75rem; margin: 0; min-width: 0; }
  .chart svg { display: block; width: 100%; height: auto; }
  .chart text { font: 12px system-ui, sans-serif; fill: var(--faint); }
  .chart .grid { stroke: var(--line); stroke-width: 1; }
  .legend { display: flex; flex-wrap: wrap; gap: .1rem 1rem; font-size: .85rem; list-style: none; margin: .25rem 0 0;
    padding: 0; }
  .legend i { display: inline-block; width: 1.2rem; height: .2rem; margin-right: .4rem; vertical-align: middle; }
  #previews { display: flex; gap: 1rem; overflow-x: auto; scroll-snap-type: x mandatory; }
  #previews.one { display: block; }
  #previews figure { margin: 0; flex: 0 0 auto; max-width: 100%; scroll-snap-align: start; }
  #previews img { display: block; max-width: 100%; height: auto; }
  #slider { max-width: 40rem; }
  @media (min-width: 64rem) {
    main { display: grid; grid-template-columns: minmax(20rem, max-content) minmax(0, 1fr); gap: 0 2.5rem; }
    #previews { max-width: 45rem; }
  }
  #slider input { width: 100%; height: 2rem; margin: 0; }
  .columns { display: flex; font-size: .85rem; color: var(--faint); } .columns span { flex: 1 1 0; }
  .wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; }
  th, td { text-align: left; padding: .2rem 1rem .2rem 0; border-bottom: 1px solid var(--line); }
  td:nth-child(n+2) { font-variant-numeric: tabular-nums; }
  summary { cursor: pointer; padding: .4rem 0; }
</style>
<h1>$title</h1>
$progress
$health
<main>
<section><h2>Previews</h2>$previews</section>
<section><h2>Curves</h2><div class="charts">$curves</div><h2>Values</h2>$numbers</section>
</main>
<section><h2>Settings</h2><details><summary>All of them</summary>$settings</details></section>
<script>
  // Without it the previews are a strip that can be scrolled; with it they take turns at one place.
  const place = document.getElementById("place");
  if (place) {
    const figures = [...document.querySelectorAll("#previews figure")];
    const key = "impasto preview " + location.pathname;
    let kept = null;
    try { kept = sessionStorage.getItem(key); } catch { }
    // Whoever looks at the latest one keeps looking at the latest one when the page loads itself anew.
    const found = figures.findIndex((figure) => figure.dataset.step === kept);
    if (found >= 0) place.value = found;
    const show = () => {
      figures.forEach((figure, number) => { figure.hidden = number !== Number(place.value); });
      const step = figures[place.value].dataset.step;
      document.getElementById("step").value = step;
      place.setAttribute("aria-valuetext", "step " + step);
    };
    place.addEventListener("input", () => {
      show();
      const latest = Number(place.value) === figures.length - 1;
      try { sessionStorage.setItem(key, latest ? "" : figures[place.value].dataset.step); } catch { }
    });
    document.getElementById("slider").hidden = false;
    document.getElementById("previews").className = "one";
    show();
  }
</script>
</html>
""")
