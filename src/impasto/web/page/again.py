"""Using the settings of a painting again, which carries them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import gradio as gr

from impasto.errors import OptionError, PictureError
from impasto.methods import DEFAULT, every_field
from impasto.options import Options
from impasto.record import Record, read_record
from impasto.service import Offer
from impasto.web.page.desk import Desk
from impasto.web.page.events import QUIET
from impasto.web.page.uploads import DROP, file_drop
from impasto.web.page.words import REFUSALS, refusal, said

if TYPE_CHECKING:
    from impasto.web.page.paint import Parts


class Form:
    """Built where gradio is building now."""

    def __init__(self) -> None:
        with gr.Accordion("Settings of an earlier painting", open=False, elem_id="again"):
            self.painting = file_drop(
                "single", label="A painting by impasto, which carries its settings", elem_id="earlier", height=DROP
            )  # fmt: skip


def wire(form: Form, parts: "Parts", desk: Desk) -> None:
    """Have the form fill the controls."""

    def filled(values: Mapping[Any, Any]) -> dict[Any, Any]:
        try:
            record = read_record(desk.shelf.read(values[form.painting][-1]))
            options, left_out = settings(record, desk.offer)
        except REFUSALS as error:
            return {parts.note: refusal(error)}
        wanted = [str(name) for name in record.get("style") or [] if isinstance(name, str)]
        names = [name for name in wanted if name in desk.offer.styles]
        left_out += [f"the style {name}" for name in wanted if name not in names]
        values = {**values, parts.styles.gallery: names, parts.styles.own: []}
        text = "The settings are taken over"
        text += f", but not {', '.join(left_out)}, which this server does not have." if left_out else "."
        return {
            **parts.controls.filled(options), **parts.styles.arranged(values, values[parts.photo]),
            parts.styles.gallery: names, parts.styles.own: None,
            parts.style_box: gr.update(visible=options.takes_styles), parts.note: said(text, "good"),
        }  # fmt: skip

    outputs = {
        parts.note, parts.style_box, parts.styles.gallery, parts.styles.own, *parts.styles.outputs, *parts.controls.all,
    }  # fmt: skip
    form.painting.upload(filled, {form.painting, parts.photo, *parts.styles.inputs}, outputs, **QUIET)


def settings(record: Record, offer: Offer) -> tuple[Options, list[str]]:
    """The options of a record, and the names of those that this server does not offer. Raises PictureError."""
    stored = record.get("options")
    if not isinstance(stored, dict):
        raise PictureError("its record of how it was made holds no options")
    method = stored.get("method", DEFAULT)
    defaults = {name: item.default for name, item in offer.options(method).items()} if method in offer.methods else {}
    known = every_field()
    left_out = []
    given: dict[str, Any] = {}
    for name, value in stored.items():
        if not isinstance(name, str) or name not in defaults:
            usual = [item.default for item in known.get(name, {}).values()]
            if name == "method":
                given[name] = value
            elif usual and value not in usual:
                left_out.append(f"{name} {value}"[:80])
        elif value != defaults[name]:
            given[name] = value
    try:
        return offer.chosen(given), left_out
    except (OptionError, TypeError) as error:
        raise PictureError(f"its settings cannot be used here: {error}") from error
