"""Attention of a photo to itself as a page: point at a place and see what of the photo it looks at."""

from string import Template

from torch import Tensor

from impasto import figures, image, tensors
from impasto.attention.draw_within import atlas, draw_within
from impasto.attention.page_head import head
from impasto.attention.within import Within, grid_of


def page_within(found: Within, weights: Tensor, title: str = "Attention") -> str:
    """HTML that needs no server and no network. weights: (K, h, w) of all `points` of the photo."""
    across, down = grid_of(found.content)
    tiles = figures.data_url(atlas(weights, across))
    return _PAGE.substitute(
        head=head(title, frame=" isolation: isolate;", rules=_map_rule(tiles, across, down)),
        content=figures.data_url(image.to_pil(tensors.to_picture(found.content))),
        painted=figures.data_url(image.to_pil(tensors.to_picture(found.painted))),
        across=across,
        down=down,
        figure=figures.data_url(draw_within(found, overall=True)),
    )


def _map_rule(tiles: str, across: int, down: int) -> str:
    return f"""
  .frame b {{ position: absolute; inset: 0; mix-blend-mode: multiply; pointer-events: none; image-rendering: pixelated;
    background: url("{tiles}") 0 0 / {across}00% {down}00%; }}"""


_PAGE = Template("""$head
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
