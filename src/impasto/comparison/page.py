"""A comparison on paper: one contact sheet, and one page with a slider between the content and what became of it."""

import base64
import html
import io
import re
import statistics
from collections.abc import Sequence
from pathlib import Path
from string import Template

from PIL import Image

from impasto import figures
from impasto.comparison.runner import Cell, Comparison
from impasto.decoding import read_shown
from impasto.files import replace_file

THUMBNAIL = 320  # px of a longer side on the sheet
SHOWN = 1024  # and on the page, whose pictures are compressed
LARGEST_ZOOM = 2  # of a small painting
QUALITY = 90


def write(comparison: Comparison) -> list[Path]:
    """sheet.png and index.html in the comparison's folder."""
    sheet, page = comparison.folder / "sheet.png", comparison.folder / "index.html"
    replace_file(sheet, figures.png(_sheet(comparison)))
    replace_file(page, _page(comparison))
    return [sheet, page]


def _sheet(comparison: Comparison) -> Image.Image:
    """A row for every pair: content, style, and what each method made; grey where it made nothing."""
    names = [entry.name for entry in comparison.entries]
    rows, titles = [], []
    for number, ((content, content_path), (style, style_path)) in enumerate(comparison.pairs):
        made = {
            name: _reduced(read_shown(comparison.folder / cell.file), THUMBNAIL)
            for name in names
            if (cell := comparison.cells.get((number, name)))
        }
        side = max((max(picture.size) for picture in made.values()), default=THUMBNAIL)
        first = _reduced(read_shown(content_path), side)
        grey = Image.new("RGB", first.size, (217, 217, 217))
        row = [first, _reduced(read_shown(style_path), side), *(made.get(name, grey) for name in names)]
        rows.append(row)
        titles.append(f"{Path(content).stem} in {Path(style).stem}")
    return figures.grid(rows, ["content", "style", *names], titles)


def _page(comparison: Comparison) -> str:
    pairs = [_pair(comparison, number) for number in range(len(comparison.pairs))]
    return _PAGE.substitute(
        summary=_table(["method", *_heads(comparison)], _summary(comparison)),
        pairs="\n".join(pairs),
        machine=html.escape(comparison.machine),
        count=len(comparison.pairs),
    )


def _pair(comparison: Comparison, number: int) -> str:
    (content, content_path), (style, style_path) = comparison.pairs[number]
    made = [(entry.name, cell) for entry in comparison.entries if (cell := comparison.cells.get((number, entry.name)))]
    photo, painting = (html.escape(Path(name).stem) for name in (content, style))
    title = f"{photo} in {painting}"
    if not made:
        return f"<section><h2>{title}</h2><p>No method painted this pair.</p></section>"
    size = read_shown(comparison.folder / made[0][1].file).size
    before = _url(read_shown(content_path).resize(size, Image.Resampling.LANCZOS))
    afters = "".join(
        f'<img class="after" alt="{title}, by {html.escape(name)}"'
        f' src="{_url(read_shown(comparison.folder / cell.file))}"'
        f"{'' if index == 0 else ' hidden'}>"
        for index, (name, cell) in enumerate(made)
    )
    choices = "".join(
        f'<label><input type="radio" name="pair{number}" value="{index}"{" checked" if index == 0 else ""}>'
        f"<span>{_breakable(name)}</span></label>"
        for index, (name, _) in enumerate(made)
    )
    rows = [[name, *_values([cell], comparison)] for name, cell in made]
    return _PAIR.substitute(
        number=number,
        title=title,
        photo=photo,
        painting=painting,
        before=before,
        afters=afters,
        choices=choices,
        width=size[0],
        height=size[1],
        zoom=LARGEST_ZOOM,
        style=_url(_reduced(read_shown(style_path), THUMBNAIL)),
        table=_table(["method", *_heads(comparison)], rows),
    )


def _heads(comparison: Comparison) -> list[str]:
    measures = dict.fromkeys(name for cell in comparison.cells.values() for name in cell.measures)
    return ["seconds", "peak memory", *measures]


def _summary(comparison: Comparison) -> list[list[str]]:
    rows = []
    for entry in comparison.entries:
        cells = [cell for (_, name), cell in comparison.cells.items() if name == entry.name]
        if cells:
            rows.append([entry.name, *_values(cells, comparison)])
    return rows


def _values(cells: Sequence[Cell], comparison: Comparison) -> list[str]:
    """Median seconds, the highest peak, means of the measures."""
    seconds = statistics.median(cell.seconds for cell in cells)
    peak = max(cells, key=lambda cell: cell.peak_bytes)
    held = "" if peak.before_bytes is None else f" (+{(peak.peak_bytes - peak.before_bytes) / 2**20:.0f})"
    values = [figures.plain(seconds, 3), f"{peak.peak_bytes / 2**20:.0f} MiB{held}"]
    for name in _heads(comparison)[2:]:
        found = [cell.measures[name] for cell in cells if name in cell.measures]
        values.append(f"{statistics.fmean(found):.3f}" if found else "")
    return values


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in heads)
    body = "".join(
        "<tr>"
        + f'<th scope="row">{_breakable(row[0])}</th>'
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _breakable(name: str) -> str:
    """HTML that may go on in a new line between a method's name and its settings."""
    return re.sub(r"([:+])", r"<wbr>\1", html.escape(name))


def _reduced(picture: Image.Image, side: int) -> Image.Image:
    copy = picture.copy()
    copy.thumbnail((side, side), Image.Resampling.LANCZOS)
    return copy


def _url(picture: Image.Image) -> str:
    stream = io.BytesIO()
    _reduced(picture, SHOWN).save(stream, "JPEG", quality=QUALITY, subsampling="4:4:4")
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


_PAIR = Template("""<section aria-labelledby="pair$number">
  <h2 id="pair$number">$title</h2>
  <div class="look">
    <div class="view" style="--at: 50%; --width: $width; --height: $height; --zoom: $zoom">
      <img alt="$photo, the photo" src="$before">$afters
      <input type="range" min="0" max="100" value="50" aria-label="percent of the photo before the painting, $title">
      <i aria-hidden="true"></i>
    </div>
    <div class="side">
      <figure><img alt="$painting, the style" src="$style"><figcaption>style</figcaption></figure>
      <fieldset><legend>painted by</legend>$choices</fieldset>
    </div>
  </div>
  $table
</section>""")

_PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>Comparison of methods</title>
<style>
  :root { --accent: #c2410c; accent-color: var(--accent); color-scheme: light dark;
    font: 1rem/1.5 system-ui, sans-serif; }
  @media (prefers-color-scheme: dark) { :root { --accent: #fb923c; } }
  body { margin: 0 auto; max-width: 76rem; padding: 1rem; }
  h1 { font-size: 1.6rem; margin: .5rem 0; }
  h2 { font-size: 1.2rem; margin: 0 0 .75rem; }
  section { border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent); padding: 1.5rem 0; }
  .look { display: grid; gap: 1rem; grid-template-columns: minmax(0, 1fr) 13rem; align-items: start; }
  /* Never wider than its picture, so that the line stands where the slider says. */
  .view { position: relative; overflow: hidden; border-radius: .5rem; margin: 0 auto;
    aspect-ratio: var(--width) / var(--height);
    width: min(100%, var(--width) * var(--zoom) * 1px, 80vh * var(--width) / var(--height)); }
  .view img { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; }
  .view .after { clip-path: inset(0 0 0 var(--at)); }
  .view input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: ew-resize;
    touch-action: pan-y; }
  .view i { position: absolute; top: 0; bottom: 0; left: var(--at); width: 2px; margin-left: -1px; background: #fff;
    box-shadow: 0 0 0 1px #0006; pointer-events: none; }
  .view i::after { content: "\\2194"; position: absolute; top: 50%; left: 50%; translate: -50% -50%; width: 2.2rem;
    height: 2.2rem; border-radius: 50%; background: #fff; color: #222; font: 1.2rem/2.2rem system-ui;
    text-align: center; box-shadow: 0 1px 4px #0008; }
  .view:focus-within { outline: 3px solid var(--accent); outline-offset: 2px; }
  .side { display: flex; flex-direction: column; gap: 1rem; }
  .side figure { margin: 0; } .side img { width: 100%; border-radius: .5rem; display: block; }
  fieldset { border: 1px solid color-mix(in srgb, currentColor 20%, transparent); border-radius: .5rem; margin: 0;
    min-width: 0; }
  label { display: flex; gap: .5rem; align-items: center; min-height: 2.75rem; padding: .25rem 0; line-height: 1.25;
    box-sizing: border-box; cursor: pointer; overflow-wrap: anywhere; }
  figcaption, .note { opacity: .75; font-size: .9rem; }
  .wide { overflow-x: auto; margin-top: 1rem; }
  table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
  th, td { padding: .3rem .9rem .3rem 0; text-align: right; white-space: nowrap; }
  th:first-child { text-align: left; }
  tbody th { white-space: normal; overflow-wrap: anywhere; min-width: 7.5rem; }
  tbody tr { border-top: 1px solid color-mix(in srgb, currentColor 15%, transparent); }
  @media (max-width: 44rem) {
    .look { grid-template-columns: minmax(0, 1fr); }
    .side { display: grid; grid-template-columns: 7rem minmax(0, 1fr); }
  }
</style>
<h1>Comparison of methods</h1>
<p>Drag across a picture, or move with the arrow keys: on the left of the line is the photo, on the right the
  painting.</p>
$summary
<p class="note">Over all $count pairs: median seconds of painting, without loading; the highest peak of resident memory
  of a process that runs this method alone, and in brackets without what Python and PyTorch hold themselves; means of
  the other numbers. SSIM to the photo: more keeps more of it. Distances in the features of impasto's own encoder, and
  of colours: less is nearer. $machine. Pictures on this page are compressed; the files beside it are not.</p>
$pairs
<script>
  for (const section of document.querySelectorAll("section")) {
    const view = section.querySelector(".view");
    if (!view) continue;
    const slider = view.querySelector("input");
    const afters = [...view.querySelectorAll(".after")];
    slider.addEventListener("input", () => view.style.setProperty("--at", slider.value + "%"));
    for (const choice of section.querySelectorAll("input[type=radio]"))
      choice.addEventListener("change", () => afters.forEach((image, i) => { image.hidden = i != choice.value; }));
  }
</script>
</html>
""")
