"""The whole page, and how it gets onto the server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from importlib.resources import files
from typing import Any

import gradio as gr
from fastapi import FastAPI
from gradio.utils import get_upload_folder

from impasto.service import Service
from impasto.web.access import Access, Rates
from impasto.web.page.compare import compare_tab
from impasto.web.page.desk import Desk
from impasto.web.page.events import QUIET
from impasto.web.page.explore import explore_tab
from impasto.web.page.gate import UPLOAD, Gate
from impasto.web.page.paint import paint_tab
from impasto.web.page.shelf import Shelf
from impasto.web.page.sign_in import SIGN_OUT
from impasto.web.page.styles import thumbnails_css
from impasto.web.page.words import REFUSALS

HEAD = '<meta name="description" content="Turns pictures into paintings.">'
FONTS: tuple[str, ...] = ("system-ui", "sans-serif")
MONOSPACE: tuple[str, ...] = ("ui-monospace", "monospace")


def add_page(app: FastAPI, service: Service) -> None:
    """Put the page at `/` of an app that `create_app` made on this service."""
    # Without an event loop, gradio begins one that nobody closes.
    asyncio.run(_add_page(app, service))


async def _add_page(app: FastAPI, service: Service) -> None:
    shelf = Shelf(service, get_upload_folder())
    access: Access = app.state.access
    rates: Rates = app.state.rates
    desk = Desk(service, shelf, access, rates)
    blocks = build(desk, signs_out=access.wants_keys)
    inner = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    folder = files("impasto.web.page")
    gr.mount_gradio_app(
        inner, blocks, path="/", footer_links=[], run_history=False, ssr_mode=False, pwa=False, mcp_server=False,
        enable_monitoring=False, max_file_size=int(service.limits.upload_mb * 1_000_000), theme=theme(),
        css=(folder / "page.css").read_text() + thumbnails_css(list(service.offer.styles)),
        head=f"{HEAD}<script>{(folder / 'page.js').read_text()}</script>",
    )  # fmt: skip
    # Of an app that it has not launched itself, gradio checks no path. The gate lets only the shelf's pass; this is
    # the second lock.
    blocks.has_launched = True
    app.state.upload_paths.add(UPLOAD)
    app.router.routes.append(Gate(inner, service, shelf, access, tuple(blocks.fns)))
    _live_and_end_with(app, inner)


def build(desk: Desk, *, signs_out: bool) -> Any:
    """The page on its own."""
    with gr.Blocks(title="impasto", analytics_enabled=False, fill_width=True) as blocks:
        out = f'<form method="post" action="{SIGN_OUT}"><button>Sign out</button></form>' if signs_out else ""
        gr.HTML(
            f"<header><h1>impasto</h1><p>Turns pictures into paintings.</p>{out}</header>", apply_default_css=False,
            elem_id="top",
        )  # fmt: skip
        with gr.Tab("Paint", elem_id="tab-paint"):
            paint_tab(desk)
        with gr.Tab("Compare", elem_id="tab-compare"):
            compare_tab(desk)
        with gr.Tab("Explore", elem_id="tab-explore"):
            explore_tab(desk)

        async def left(request: gr.Request) -> None:
            with contextlib.suppress(*REFUSALS):
                desk.cancel(request)

        blocks.unload(left)
    blocks.queue(api_open=False, default_concurrency_limit=None, max_size=desk.service.limits.queue * 8)
    for handler in blocks.fns.values():
        handler.api_visibility = QUIET["api_visibility"]
    return blocks


def theme() -> Any:
    """Warm and quiet; fonts of the machine's own, as any other would be fetched from somebody."""
    base = gr.themes.Base(
        primary_hue=gr.themes.colors.orange, neutral_hue=gr.themes.colors.stone, font=FONTS, font_mono=MONOSPACE,
        radius_size=gr.themes.sizes.radius_md,
    )  # fmt: skip
    return base.set(
        body_background_fill="#faf8f4", body_background_fill_dark="#191613",
        body_text_color="#2b2622", body_text_color_dark="#ece6de",
        body_text_color_subdued="#6a615a", body_text_color_subdued_dark="#b0a69b",
        block_background_fill="#ffffff", block_background_fill_dark="#231f1b",
        block_border_color="#e2dbd1", block_border_color_dark="#3a342e",
        block_info_text_color="#6a615a", block_info_text_color_dark="#b0a69b",
        block_label_background_fill="#ffffff", block_label_background_fill_dark="#231f1b",
        block_label_text_color="#4a423b", block_label_text_color_dark="#d8cfc4",
        block_title_text_color="#2b2622", block_title_text_color_dark="#ece6de",
        block_shadow="none", block_shadow_dark="none",
        border_color_primary="#cfc6bb", border_color_primary_dark="#4a423b",
        input_background_fill="#fdfcfa", input_background_fill_dark="#1d1916",
        input_border_color="#94897e", input_border_color_dark="#7d7267",
        color_accent="#8f4527", color_accent_soft="#f6e9e1", color_accent_soft_dark="#3b271d",
        slider_color="#8f4527", slider_color_dark="#e3a079",
        checkbox_label_background_fill="#f4efe8", checkbox_label_background_fill_dark="#2c2722",
        checkbox_label_background_fill_hover="#ece4d9", checkbox_label_background_fill_hover_dark="#38312b",
        checkbox_label_border_color="#e2dbd1", checkbox_label_border_color_dark="#3a342e",
        checkbox_border_color="#85796d", checkbox_border_color_dark="#9a8f84",
        input_border_width="1px", input_border_width_dark="1px",
        checkbox_background_color_selected="#8f4527", checkbox_background_color_selected_dark="#c87a50",
        checkbox_border_color_selected="#8f4527", checkbox_border_color_selected_dark="#c87a50",
        button_primary_background_fill="#8f4527", button_primary_background_fill_hover="#7a3a20",
        button_primary_background_fill_dark="#e3a079", button_primary_background_fill_hover_dark="#edb08c",
        button_primary_border_color="#8f4527", button_primary_border_color_dark="#e3a079",
        button_primary_text_color="#ffffff", button_primary_text_color_dark="#23140b",
        button_secondary_background_fill="#ece4d9", button_secondary_background_fill_hover="#e2d7c8",
        button_secondary_background_fill_dark="#38312b", button_secondary_background_fill_hover_dark="#453c34",
        link_text_color="#8f4527", link_text_color_dark="#e3a079",
    )  # fmt: skip


def _live_and_end_with(app: FastAPI, inner: FastAPI) -> None:
    """gradio begins and ends with the server."""
    outer = app.router.lifespan_context

    @contextlib.asynccontextmanager
    async def lifespan(one: Any) -> AsyncIterator[Any]:
        async with outer(one) as state, inner.router.lifespan_context(inner):
            mounted: Any = inner.router.routes[-1]
            loop, ending = asyncio.get_running_loop(), mounted.app.stop_event

            def hang_up() -> None:
                # Every open page keeps a connection, which the server would wait for.
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(ending.set)

            app.state.hang_up = hang_up
            yield state

    app.router.lifespan_context = lifespan
