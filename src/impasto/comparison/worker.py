"""One method's share of a comparison, in a process of its own, so that its memory is nobody else's.

Reads a job as JSON from stdin and writes a line of JSON to stdout for every pair.
"""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from impasto import api, image
from impasto.comparison.memory import held_bytes, peak_bytes, reset_peak
from impasto.errors import ImpastoError, OptionError, WeightsError
from impasto.methods import StylizeOptions, Stylizer
from impasto.options import Options

WARM_UP_SIDE = 32


def main(source: TextIO, out: TextIO) -> int:
    """Paint the pairs of the job in `source` and tell `out` of each. One that fails does not stop the others."""
    job = json.load(source)
    options = StylizeOptions(**job["options"])
    weights = Path(job["weights"]) if job["weights"] else None
    idle = held_bytes()
    try:
        stylizer = api.load(options.method, device=job["device"], weights=weights)
        _warm_up(stylizer, options, job["pairs"][0])
    except (OptionError, WeightsError) as error:
        _tell(out, {"error": str(error), "fatal": True})
        return 1
    for pair in job["pairs"]:
        try:
            _tell(out, {"pair": pair["number"], "before_bytes": idle, **_painted(stylizer, options, pair)})
        except ImpastoError as error:
            _tell(out, {"pair": pair["number"], "error": str(error)})
    return 0


def _painted(stylizer: Stylizer, options: Options, pair: dict[str, Any]) -> dict[str, Any]:
    content, styles, names = _read(options, pair)
    reset_peak()
    painting = api.paint(content, styles, options, stylizer=stylizer, names=names)
    peak = peak_bytes()
    image.write(painting.picture, Path(pair["target"]), overwrite=True, record=painting.record)
    return {"seconds": painting.seconds, "peak_bytes": peak}


def _warm_up(stylizer: Stylizer, options: Options, pair: dict[str, Any]) -> None:
    """Paint a tiny picture first: loading networks is no part of painting, and happens once for any number."""
    content, styles, names = _read(options, pair)
    api.paint(content, styles, replace(options, size=WARM_UP_SIDE), stylizer=stylizer, names=names)


def _read(options: Options, pair: dict[str, Any]) -> tuple[image.Picture, list[image.Picture], api.Names]:
    content = image.read(Path(pair["content"]))
    if not options.takes_styles:
        return content, [], api.Names(content=pair["names"][0])
    style = image.read(Path(pair["style"]))
    return content, [style], api.Names(content=pair["names"][0], styles=[pair["names"][1]])


def _tell(out: TextIO, line: dict[str, Any]) -> None:
    out.write(json.dumps(line) + "\n")
    out.flush()


def own_stdout() -> TextIO:
    """Standard output for the lines alone: what a library prints goes to standard error from now on."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return out


if __name__ == "__main__":
    sys.exit(main(sys.stdin, own_stdout()))
