"""Attention of a photo to itself as a page: point at a place and see what of the photo it looks at."""

import html
from string import Template

from torch import Tensor

from impasto import figures, image
from impasto.attention.draw_within import atlas, draw_within
from impasto.attention.within import Within, grid_of


def page_within(found: Within, weights: Tensor, title: str = "Attention") -> str:
    """HTML that needs no server and no network. weights: (K, h, w) of all `points` of the photo."""
    across, down = grid_of(found.content)
    return _PAGE.substitute(
        title=html.escape(title),
        content=figures.data_url(image.to_pil(image.Picture(found.content))),
        painted=figures.data_url(image.to_pil(image.Picture(found.painted))),
        atlas=figures.data_url(atlas(weights, across)),
        across=across,
        down=down,
        figure=figures.data_url(draw_within(found, overall=True)),
    )


_PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
  body { margin: 2rem auto; max-width: 110rem; padding: 0 1rem; }
  main { display: flex; flex-wrap: wrap; gap: 1rem; }
  figure { flex: 1 1 18rem; margin: 0; min-width: 0; }
  .frame { position: relative; line-height: 0; isolation: isolate; }
  .frame img { width: 100%; height: auto; }
  .frame b { position: absolute; inset: 0; mix-blend-mode: multiply; pointer-events: none; image-rendering: pixelated;
    background: url("$atlas") 0 0 / ${across}00% ${down}00%; }
  .frame i { position: absolute; width: 1rem; height: 1rem; margin: -.5rem 0 0 -.5rem; border: .15rem solid #fff;
    border-radius: 50%; background: #e61e1e; box-shadow: 0 0 0 1px #0008; pointer-events: none; }
  #content { cursor: crosshair; touch-action: none; }
  .figure { max-width: 100%; margin-top: 1.5rem; }
</style>
<h1>$title</h1>
<p>Point at the photo, or move with the arrow keys: beside it, what the place looks at stays bright. Each map has
  a scale of its own, from its lowest to its highest weight.</p>
<main>
  <figure><div class="frame" id="content" tabindex="0" role="application" aria-label="photo">
    <img alt="photo" src="$content"><i></i></div><figcaption>photo</figcaption></figure>
  <figure><div class="frame"><img alt="attention" src="$content"><b id="map"></b></div>
    <figcaption>attention</figcaption></figure>
  <figure><div class="frame"><img alt="painted" src="$painted"></div><figcaption>painted</figcaption></figure>
</main>
<img class="figure" alt="attention of chosen places" src="$figure">
<script>
  const across = $across, down = $down;
  const content = document.getElementById("content"), map = document.getElementById("map");
  let column = Math.floor(across / 2), row = Math.floor(down / 2);

  function show() {
    const share = (index, count) => count > 1 ? 100 * index / (count - 1) : 0;
    map.style.backgroundPosition = `$${share(column, across)}% $${share(row, down)}%`;
    content.querySelector("i").style.cssText =
      `left:$${100 * (column + 0.5) / across}%;top:$${100 * (row + 0.5) / down}%`;
  }

  function kept(value, count) { return Math.min(count - 1, Math.max(0, Math.floor(value))); }

  function point(event) {
    const box = content.getBoundingClientRect();
    column = kept((event.clientX - box.left) / box.width * across, across);
    row = kept((event.clientY - box.top) / box.height * down, down);
    show();
  }

  content.addEventListener("pointermove", point);
  content.addEventListener("pointerdown", point);
  content.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!move) return;
    event.preventDefault();
    column = kept(column + move[0], across);
    row = kept(row + move[1], down);
    show();
  });
  show();
</script>
</html>
""")
