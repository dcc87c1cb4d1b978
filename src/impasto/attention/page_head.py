"""How both pages of attention begin and look."""

import html
from string import Template


def head(title: str, *, frame: str = "", rules: str = "", mark: str = "") -> str:
    """The beginning of a page, up to its heading.

    title: plain text. frame, mark: further declarations for pictures and for the dot in them. rules: CSS of the page's
    own.
    """
    return _HEAD.substitute(title=html.escape(title), frame=frame, rules=rules, mark=mark)


_HEAD = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
  body { margin: 2rem auto; max-width: 110rem; padding: 0 1rem; }
  main { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(15rem, 100%), 1fr)); gap: 1rem; }
  figure { margin: 0; min-width: 0; }
  .frame { position: relative; line-height: 0;$frame }
  .frame img { width: 100%; height: auto; }$rules
  .frame i { position: absolute; width: 1rem; height: 1rem; margin: -.5rem 0 0 -.5rem; border: .15rem solid #fff;
    border-radius: 50%; background: #e61e1e; box-shadow: 0 0 0 1px #0008;$mark pointer-events: none; }
  #content { cursor: crosshair; touch-action: none; }
  .figure { max-width: 100%; margin-top: 1.5rem; }
</style>
<h1>$title</h1>""")
