"""The pages of the documentation that the program itself says: docs/generated, written whenever the docs are built."""

import importlib.util
import re
from collections.abc import Iterator, Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

from impasto.cli.main import app
from impasto.cli.serve import ServedModels, _offer
from impasto.gallery import named_styles, photos
from impasto.service.service import Service
from impasto.web.app import create_app

DOCS = Path(__file__).parent
GENERATED = DOCS / "generated"


def main() -> None:
    """Write all of them."""
    GENERATED.mkdir(exist_ok=True)
    pages = {"commands": commands(), "http": http(), "styles": styles(), "pictures": pictures()}
    for name, text in pages.items():
        file = GENERATED / f"{name}.md"
        # A page that has not changed is not built again.
        if not file.is_file() or file.read_text("utf-8") != text:
            file.write_text(text, "utf-8")


def commands() -> str:
    """Every command with every option, as `--help-all` has them."""
    text = app.generate_docs(output_format="markdown")
    text = re.sub(r"## Table of Contents\n.*?\n(?=\*\*Commands)", "", text, flags=re.DOTALL)
    text = re.sub(r"^impasto ([\w ]+) \1 ", r"impasto \1 ", text, flags=re.MULTILINE)
    text = re.sub(r"\\\[(choices: [^]]*)\]", r"*[\1]*", text)
    return text.replace("# impasto\n", "# Commands and options\n", 1).replace("```console", "```text")


def http() -> str:
    """Every request that the service answers, from its OpenAPI description."""
    schema = create_app(Service(_offer(ServedModels()), devices=["cpu"])).openapi()
    parts = [
        "# HTTP API",
        "A server describes itself at `/v1/openapi.json`, with the styles, methods and limits that it has; this page is"
        " that of a server without options. [Serve](../how-to/serving.md) tells how to use it. Every error is"
        " `application/problem+json` (RFC 9457) with `type`, `title`, `status` and `detail`.",
    ]
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            parts += [f"## {method.upper()} {path}", f"{operation['summary']}.", *_operation(operation)]
    parts.append("## What a job says of itself")
    parts.append(_table(schema["components"]["schemas"]["Snapshot"]))
    return "\n\n".join(parts) + "\n"


def _operation(operation: Mapping[str, Any]) -> Iterator[str]:
    description = operation.get("description", "").strip()
    if description:
        yield description
    if parameters := operation.get("parameters"):
        rows = {parameter["name"]: parameter["schema"] | parameter for parameter in parameters}
        yield _table({"properties": rows, "required": [row["name"] for row in parameters if row["required"]]})
    for kind, body in operation.get("requestBody", {}).get("content", {}).items():
        yield f"The body is `{kind}`:" if "properties" in body["schema"] else f"The body is `{kind}`."
        if "properties" in body["schema"]:
            yield _table(body["schema"])
    answers = [f"- **{status}**: {answer['description']}" for status, answer in sorted(operation["responses"].items())]
    yield "\n".join(answers)


def _table(schema: Mapping[str, Any]) -> str:
    lines = ["| field | what | values |", "|---|---|---|"]
    for name, field in schema["properties"].items():
        needed = " (required)" if name in schema.get("required", ()) else ""
        lines.append(f"| `{name}`{needed} | {field.get('description', '')} | {_values(field)} |")
    return "\n".join(lines)


def _values(field: Mapping[str, Any]) -> str:
    """What may be given, in words."""
    if "anyOf" in field:
        said = " or ".join(dict.fromkeys(_values(one) for one in field["anyOf"]))
    elif "enum" in field:
        said = ", ".join(f"`{value}`" for value in field["enum"])
    elif "$ref" in field:
        said = "one of its words" if field["$ref"].endswith("Status") else field["$ref"].rpartition("/")[2].lower()
    elif field.get("format") == "binary":
        said = "a file"
    elif field.get("type") == "array":
        said = f"several of: {_values(field['items'])}"
    else:
        least, most = field.get("minimum"), field.get("maximum")
        said = {"null": "nothing"}.get(str(field.get("type", "")), str(field.get("type", "")))
        if least is not None:
            said += f" from {least:.10g}" + (f" to {most:.10g}" if most is not None else "")
    return said + (f"; default `{field['default']}`" if field.get("default") not in (None, "") else "")


def styles() -> str:
    """The gallery: a row for each style by name, with a photograph that was painted in it."""
    lines = ["| name | painting | artist | year | photo and painting |", "|---|---|---|---|---|"]
    for photo, style in zip(cycle(photos()), named_styles().values(), strict=False):
        before, after = f"../pictures/gallery/{photo}.jpg", f"../pictures/gallery/{photo}-{style.name}.jpg"
        pair = f"![the photo {photo}]({before}) ![the same in the style {style.name}]({after})"
        lines.append(f"| `{style.name}` | {style.title} | {style.artist} | {style.year} | {pair} |")
    return "\n".join(lines) + "\n"


def pictures() -> str:
    """Which command made which picture."""
    path = DOCS.parent / "tools" / "docs_pictures.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    parts = [
        "# Where the pictures come from",
        "`make docs-pictures` makes the pictures of these pages again; with `ARGS='--data FOLDER'` those, too, that"
        " show photographs and paintings which do not come with impasto, and with `ARGS='--data FOLDER NAME'` one."
        " Trainings are only repeated by name: they take hours. `{out}` is a new folder, `{own}` that of impasto's own"
        " pictures. The [weights](../how-to/weights.md) that come with impasto have cards beside them, which name their"
        " commands.",
        "\n".join(["| picture | command |", "|---|---|", *map(_made, tool.PICTURES)]),
    ]
    return "\n\n".join(parts) + "\n"


def _made(made: Any) -> str:
    names = ", ".join(f"`{name}`" for name in made.files)
    return f"| {names} | `{made.command.replace('{pictures}', 'docs/pictures')}` |"


if __name__ == "__main__":
    main()
