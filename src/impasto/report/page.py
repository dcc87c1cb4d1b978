"""Pages: HTML from the templates beside this file, which needs no server and no network, with all text escaped."""

import re
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from impasto.report.tables import columns_of


def render(template: str, **values: Any) -> Markup:
    """A template's text. Every value is text, and no HTML, unless it comes from here itself."""
    return Markup(_environment().get_template(template).render(values))  # noqa: S704  (escaped by Jinja)


@cache
def _environment() -> Environment:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=PackageLoader(__package__),
    )
    environment.filters |= {"breakable": _breakable, "columns": columns_of}
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    return environment


def _breakable(name: str) -> Markup:
    """A method and its settings, which may go on in a new line before each of these."""
    return Markup(re.sub(r"([:+])", r"<wbr>\1", str(escape(name))))  # noqa: S704  (escaped before)
