"""Build the page as a folder of files that paints in the browser, without a server: `make site`.

What it needs of ONNX Runtime is fetched from npm, in one version that is checked; everything else is impasto's own.
"""

import argparse
import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from impasto.colour import LUMA
from impasto.engine.architecture import ENCODER_HALO
from impasto.engine.backend import embedded, graph
from impasto.engine.strokes import (
    FULL,
    HALO,
    LEAST_CONTRAST,
    LONG,
    OF_LONG,
    OF_SHORT,
    SHORT,
    SMALL,
    USUAL_DEVIATION,
)
from impasto.gallery import named_styles, photos, shown, styles_file
from impasto.service.offer import Offer
from impasto.service.request import FORMATS
from impasto.web.site import HEADERS
from impasto.web.styles import method_json, style_json, thumbnail
from impasto.weights import save_arrays

PAGE = Path(__file__).parent.parent / "src" / "impasto" / "web" / "page"

RUNTIME = "onnxruntime-web@1.30.0"
INTEGRITY = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
RUNTIME_FILES = (
    "ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm",
    "ort.webgpu.min.mjs", "ort-wasm-simd-threaded.asyncify.mjs", "ort-wasm-simd-threaded.asyncify.wasm",
)  # fmt: skip

# What the browser can do of the method's options, in the page's order; the rest needs PyTorch, or other weights.
OPTIONS = ("strength", "detail", "stroke", "style_scale", "size", "colour", "style_blend")

# Of pictures, in megapixels: what is taken, and what is painted with 1 GB or so of memory.
TAKEN, PAINTED = 60, 16
# Of what lies in `page/browser`, the page begins with these.
FIRST = (".js", ".json", "-small.jpg")

LIMITS = {"upload_mb": 200, "megapixels": TAKEN, "result_megapixels": PAINTED, "styles_each": 6}

# A page of files has no headers until `offline.js` gives it some; these can stand in the page itself, but for the last.
POLICY = HEADERS["Content-Security-Policy"].replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'")
IN_PAGE = POLICY.replace("; frame-ancestors 'none'", "")


def build(folder: Path) -> None:
    """Write the page there. Raises FileExistsError if there is something else, and CalledProcessError without npm."""
    if folder.exists() and not (folder / "offline.js").is_file():
        raise FileExistsError(f"{folder} is there already, and is not a page that was built")
    with tempfile.TemporaryDirectory(dir=_made(folder.absolute().parent)) as place:
        site = Path(place) / "site"
        browser = site / "page" / "browser"
        shutil.copytree(PAGE, site / "page")
        (site / "page" / "server.js").unlink()
        (site / "page" / "backend.js").write_text("export { browser as backend } from './browser/backend.js'\n")
        _write_index(site)
        _fetch_runtime(_made(browser / "runtime"))
        _write_assets(_made(browser / "assets"))
        _write_pictures(site)
        (browser / "offline.js").unlink()
        _write_offline(site)
        if folder.exists():
            shutil.rmtree(folder)
        site.rename(folder)


def _write_index(site: Path) -> None:
    text = (site / "page" / "index.html").read_text().replace("page/server.js", "page/browser/backend.js")
    head = f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{IN_PAGE}">'
    (site / "index.html").write_text(text.replace('<meta charset="utf-8">', head))
    (site / "page" / "index.html").unlink()


def _fetch_runtime(folder: Path) -> None:
    packed = subprocess.run(
        ["npm", "pack", RUNTIME, "--silent"], cwd=folder, check=True, stdout=subprocess.PIPE, text=True
    )
    archive = folder / packed.stdout.split()[-1]
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != INTEGRITY:
        raise ValueError(f"{RUNTIME} is not what it was: its sha512 is {digest}")
    with tarfile.open(archive) as tar:
        for name in RUNTIME_FILES:
            member = tar.extractfile(f"package/dist/{name}")
            assert member is not None
            (folder / name).write_bytes(member.read())
    archive.unlink()


def _write_assets(folder: Path) -> None:
    config, conditioning = embedded()
    for name in ("encode", "paint", "strokes"):
        shutil.copy(graph(name), folder / f"{name}.onnx")
    shutil.copy(styles_file(), folder / "styles.safetensors")
    halves = {name: array.astype(np.float16) for name, array in conditioning.weights.items()}
    save_arrays(folder / "conditioning.safetensors", halves, {})
    networks = {
        "modulated": config.modulated, "grounded": config.grounded, "gain": config.gain, "halo": config.halo,
        "encoderHalo": ENCODER_HALO,
        "strokes": {"short": SHORT, "long": LONG, "full": FULL, "halo": HALO, "ofLong": OF_LONG,
                    "ofShort": OF_SHORT, "small": SMALL, "usualDeviation": USUAL_DEVIATION,
                    "leastContrast": LEAST_CONTRAST, "luma": LUMA},
    }  # fmt: skip
    _write_json(folder / "networks.json", networks)
    offer = Offer()
    method = method_json(offer.default, offer)
    options = {name: method["options"][name] for name in OPTIONS}
    method |= {"options": options, "refined_by": [], "looks_in": ""}
    told = {"default": offer.default, "methods": [method], "options": options, "formats": FORMATS, "limits": LIMITS}
    _write_json(folder / "offer.json", told)


def _write_pictures(site: Path) -> None:
    offer = Offer()
    folder = _made(site / "page" / "browser" / "pictures")
    for name, file in {**offer.styles, **photos()}.items():
        (folder / f"{name}-small.jpg").write_bytes(thumbnail(shown(name, file)))
        if name not in named_styles():
            shutil.copy(file, folder / f"{name}.jpg")

    def addresses(name: str) -> dict[str, str]:
        at = f"page/browser/pictures/{name}"
        return {"thumbnail": f"{at}-small.jpg"} | ({} if name in named_styles() else {"picture": f"{at}.jpg"})

    styles = [style_json(name, file) | addresses(name) for name, file in offer.styles.items()]
    told = {"styles": styles, "photos": [{"name": name, **addresses(name)} for name in photos()]}
    _write_json(site / "page" / "browser" / "assets" / "styles.json", told)


def _write_offline(site: Path) -> None:
    digest = hashlib.sha256()
    paths = sorted(path for path in site.rglob("*") if path.is_file())
    for path in paths:
        digest.update(path.read_bytes())
    headers = {
        name: POLICY if name == "Content-Security-Policy" else HEADERS[name]
        for name in ("Content-Security-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Embedder-Policy")
    }
    # Of the runtime, what a browser uses is kept once it has used it.
    names = [name for path in paths if "/runtime/" not in (name := path.relative_to(site).as_posix())]
    later = [name for name in names if name.startswith("page/browser/") and not name.endswith(FIRST)]
    values = {
        "VERSION": f"impasto {digest.hexdigest()[:16]}", "HEADERS": headers, "LATER": later,
        "FILES": ["./", *(name for name in names if name not in later)],
    }  # fmt: skip
    said = "".join(f"const {name} = {json.dumps(value)}\n" for name, value in values.items())
    (site / "offline.js").write_text(said + (PAGE / "browser" / "offline.js").read_text())


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False))


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("build/site"))
    chosen = parser.parse_args().folder
    try:
        build(chosen)
    except FileNotFoundError as error:
        sys.exit(f"{error.filename} was not found; ONNX Runtime comes by npm")
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        sys.exit(str(error))
    print(chosen)
