"""`impasto serve`: the web page and the HTTP API."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from impasto.cli.flags import flags, given
from impasto.cli.terminal import Screen
from impasto.errors import ImpastoError, OptionError, from_extra
from impasto.service.limits import Limits
from impasto.serving.hosts import Hosts, is_loopback, named
from impasto.serving.patience import Patience

if TYPE_CHECKING:
    from impasto.service import Offer, Service

    LimitsFlags = Any
    PatienceFlags = Any
else:
    LimitsFlags, PatienceFlags = flags(Limits, "Limits"), flags(Patience, "Patience")

_NO_LIMITS, _NO_PATIENCE = LimitsFlags(), PatienceFlags()


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where the server can be reached, and from where."""

    host: Annotated[str, Parameter(help="address to listen at; 0.0.0.0 and :: are all of this machine's")] = "127.0.0.1"
    port: Annotated[int, Parameter(help="port to listen at; 0 is any that is free")] = 8000
    proxy: Annotated[
        str, Parameter(help="address of a reverse proxy, which lets others in and whose X-Forwarded-For is believed")
    ] = ""
    allow_host: Annotated[
        tuple[str, ...],
        Parameter(
            metavar="NAME",
            consume_multiple=True,
            show_default=False,
            help="the only names, but for localhost, by which the server may be called; any where others are let in",
        ),
    ] = ()
    keys: Annotated[Path | None, Parameter(help="file of API keys, which `impasto keys` writes")] = None
    insecure: Annotated[bool, Parameter(help="let others in without keys", show_default=False)] = False


@dataclass(frozen=True, kw_only=True)
class Goods:
    """What there is to choose from, and what paints."""

    styles: Annotated[
        Path | None, Parameter(help="folder of paintings to choose from; impasto's own pictures if not given")
    ] = None
    weights: Annotated[
        tuple[str, ...],
        Parameter(
            metavar="NAME=FILE",
            consume_multiple=True,
            help="weights of vgg19, or of a method whose weights are its style; what has none is not offered, but for"
            " nla-cyclegan, which comes with Monet",
        ),
    ] = ()
    device: Annotated[
        tuple[str, ...], Parameter(consume_multiple=True, help="auto, cpu, cuda, cuda:1, mps; a process for each")
    ] = ("auto",)


def serve(
    *,
    address: Annotated[Address, Parameter(name="*")] = Address(),
    goods: Annotated[Goods, Parameter(name="*")] = Goods(),
    limits: Annotated[LimitsFlags, Parameter(name="*")] = _NO_LIMITS,
    patience: Annotated[PatienceFlags, Parameter(name="*")] = _NO_PATIENCE,
) -> int:
    """Serve the web page and the HTTP API until Ctrl-C or SIGTERM; what is being painted then is finished."""
    hosts = _checked(address)
    _check_temporary_folder()
    chosen, patient = Limits(**given(limits)), Patience(**given(patience))
    with from_extra("web", "serving"):
        import python_multipart  # noqa: F401  (which starlette asks for only when a form arrives)

        from impasto.serving.server import listen
        from impasto.web.app import create_app
        from impasto.web.page.mount import add_page
        from impasto.web.server import make_server
    from impasto.web.keys import Keys

    keys = None if address.keys is None else Keys(address.keys)
    with listen(address.host, address.port) as sock, _started(_offer(goods), chosen, goods.device) as service:
        app = create_app(service, patient, keys=keys, hosts=hosts)
        add_page(app, service)
        host = f"[{address.host}]" if ":" in address.host else address.host
        screen = Screen()
        screen.result(f"http://{host}:{sock.getsockname()[1]}")
        screen.note("the page is there, the HTTP API at /v1; Ctrl-C stops")
        make_server(app, service, proxy=address.proxy).run(sockets=[sock])
    return 0


@contextmanager
def _started(offer: "Offer", limits: Limits, devices: tuple[str, ...]) -> "Iterator[Service]":
    from impasto.service import Service

    with Service(offer, limits, devices=devices) as service:
        service.wait_until_ready()
        yield service


def _checked(address: Address) -> Hosts:
    """Names by which requests may call the server."""
    if not 0 <= address.port <= 65535:
        raise OptionError(f"--port is {address.port}, but must be from 0 to 65535")
    is_open = bool(address.proxy) or not is_loopback(address.host)
    if is_open and address.keys is None and not address.insecure:
        door = f"--proxy {address.proxy}" if address.proxy else f"--host {address.host}"
        raise OptionError(f"{door} lets others in: give --keys FILE (`impasto keys add` makes one), or --insecure")
    names = named(address.allow_host, "--allow-host")
    return None if is_open and not names else names


def _check_temporary_folder() -> None:
    # gradio asks where it is, and puts an empty folder there.
    try:
        tempfile.gettempdir()
    except FileNotFoundError as error:
        raise ImpastoError(
            "there is no folder for temporary files, which the web page needs (in a container: --tmpfs /tmp)"
        ) from error


def _offer(goods: Goods) -> "Offer":
    from impasto.gallery import own_styles
    from impasto.methods import shipped
    from impasto.service import Offer, styles_in

    weights = shipped()
    for word in goods.weights:
        name, equals, path = word.partition("=")
        if not equals:
            raise OptionError(f"--weights is '{word}', but must be NAME=FILE")
        weights[name] = Path(path).resolve()
    return Offer(styles=own_styles() if goods.styles is None else styles_in(goods.styles), weights=weights)
