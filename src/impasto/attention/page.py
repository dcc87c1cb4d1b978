"""Attention as a page of its own: point at the content and see where every layer looks in the style."""

import json
from string import Template

from impasto import figures, image, tensors
from impasto.attention.draw import draw
from impasto.attention.look import Attention
from impasto.attention.page_head import head


def page(found: Attention, title: str = "Attention") -> str:
    """HTML that needs no server and no network: pictures and maps are inside it."""
    content, style = (image.to_pil(tensors.to_picture(pixels)) for pixels in (found.content, found.style))
    looks = [
        {"layer": look.layer, "stride": look.stride, "map": look.correspondence.permute(1, 2, 0).tolist()}
        for look in found.looks
    ]
    figure = ""
    if found.places:
        figure = f'<img class="figure" alt="weights of the chosen places" src="{figures.data_url(draw(found))}">'
    panels = "".join(
        f'<figure><div class="frame"><img alt="style" src="{figures.data_url(style)}"><i></i></div>'
        f"<figcaption>{look.layer}</figcaption></figure>"
        for look in found.looks
    )
    return _PAGE.substitute(
        head=head(title, mark=" display: none;"),
        content=figures.data_url(content),
        panels=panels,
        figure=figure,
        looks=json.dumps(looks, separators=(",", ":")),
    )


_PAGE = Template("""$head
<p>Point at the content, or move with the arrow keys: the dots in the style are where each layer's attention is
  highest.</p>
<main>
  <figure><div class="frame" id="content" tabindex="0" role="application" aria-label="content">
    <img alt="content" src="$content"><i></i></div><figcaption>content</figcaption></figure>
  $panels
</main>
$figure
<script>
  const looks = $looks;
  const content = document.getElementById("content");
  const frames = [...document.querySelectorAll("main .frame")].filter((frame) => frame !== content);
  let place = [0.5, 0.5];

  function dot(frame, x, y) {
    const mark = frame.querySelector("i");
    mark.style.cssText = `display:block;left:$${100 * x}%;top:$${100 * y}%`;
  }

  function show() {
    const picture = content.querySelector("img");
    dot(content, ...place);
    looks.forEach((look, number) => {
      const rows = look.map.length, columns = look.map[0].length;
      const row = Math.min(rows - 1, Math.floor(place[1] * picture.naturalHeight / look.stride));
      const column = Math.min(columns - 1, Math.floor(place[0] * picture.naturalWidth / look.stride));
      const [down, across] = look.map[row][column];
      const style = frames[number].querySelector("img");
      // The last position of an odd side reaches beyond the picture.
      dot(frames[number], clamped((across + 0.5) * look.stride / style.naturalWidth),
        clamped((down + 0.5) * look.stride / style.naturalHeight));
    });
  }

  function clamped(value) { return Math.min(1, Math.max(0, value)); }

  function point(event) {
    const box = content.getBoundingClientRect();
    place = [clamped((event.clientX - box.left) / box.width), clamped((event.clientY - box.top) / box.height)];
    show();
  }

  content.addEventListener("pointermove", point);
  content.addEventListener("pointerdown", point);
  content.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!move) return;
    event.preventDefault();
    place = [clamped(place[0] + move[0] / 50), clamped(place[1] + move[1] / 50)];
    show();
  });
  window.addEventListener("load", show);
</script>
</html>
""")
