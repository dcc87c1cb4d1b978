"""`impasto serve`: the web page and the HTTP API."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

import impasto
from impasto.cli.flags import Flags, OfferedModels, check_least, check_port, flag, flags, given
from impasto.cli.terminal import Screen
from impasto.errors import OptionError, from_extra
from impasto.gallery import own_styles
from impasto.methods import shipped
from impasto.service.limits import Limits, check_replica
from impasto.serving.hosts import Hosts, is_loopback, named, url_of
from impasto.serving.http_limits import HttpLimits
from impasto.web.keys import Keys

if TYPE_CHECKING:
    from impasto.service.offer import Offer

logger = logging.getLogger("impasto")

_LIMITS, _HTTP = flags(Limits, "Limits"), flags(HttpLimits, "HTTP")


@dataclass(frozen=True, kw_only=True)
class Address(Flags):
    """Where the server can be reached, and from where."""

    host: str = flag("address to listen at; 0.0.0.0 and :: are all of this machine's", "127.0.0.1")
    port: int = flag("port to listen at; 0 is any that is free", 8000)
    proxy: str = flag(
        "address or network of reverse proxies, which let others in and whose X-Forwarded-For is believed", ""
    )
    allow_host: tuple[str, ...] = flag(
        "the only names, but for localhost, by which the server may be called; any where others are let in",
        (),
        metavar="NAME",
    )
    keys: Path | None = flag("file of API keys, which `impasto keys` writes")
    insecure: bool = flag("let others in without keys", False)
    replica: str = flag("of this server among several behind a proxy, with which ids of jobs begin", "", metavar="NAME")


@dataclass(frozen=True, kw_only=True)
class ServedModels(OfferedModels):
    """What only a server can be given besides."""

    weights: tuple[str, ...] = flag(
        "weights of vgg19, or of a method whose weights are its style; what has none is not offered, but for what comes"
        " with impasto",
        (),
        metavar="NAME=FILE",
    )
    workers: str | None = flag(
        "Ray cluster that paints in the place of this machine, as ray://head:10001", metavar="ADDRESS"
    )
    lanes: int | None = flag(
        "painting processes on it, 1 if not given; each has a core, or a GPU with --device cuda", metavar="N"
    )


def serve(
    *,
    address: Address = Address(),
    models: ServedModels = ServedModels(),
    limits: Any = _LIMITS,
    spool: Annotated[
        Path | None,
        Parameter(
            metavar="FOLDER",
            help="where accepted jobs and their results outlive the server; without it, in memory alone",
        ),
    ] = None,
    http: Any = _HTTP,
    log_level: Annotated[
        Literal["info", "warning", "error"], Parameter(help="what stands in the log, on standard error, at least")
    ] = "info",
) -> None:
    """Serve the web page and the HTTP API until Ctrl-C or SIGTERM; what is being painted then is finished."""
    hosts = _checked(address)
    check_replica(address.replica)
    how = {**_processes(models), "spool": spool, "replica": address.replica, "confine": models.confine}
    bounds, http_limits = Limits(**given(limits)), HttpLimits(**given(http))
    with from_extra("web", "serving"):
        import python_multipart  # noqa: F401  (which starlette asks for only when a form arrives)

        from impasto.serving.server import listen
        from impasto.web.app import create_app, make_server
    from impasto.service.service import Service
    from impasto.service.worker import LOG_FORMAT

    keys = None if address.keys is None else Keys(address.keys)
    if models.workers is not None:
        # Films go to a painting process as files of the machine that both are on.
        bounds = replace(bounds, video_seconds=0.0)
    logging.basicConfig(format=LOG_FORMAT)
    logger.setLevel(log_level.upper())
    offer = _offer(models)
    with listen(address.host, address.port) as sock, Service(offer, bounds, **how) as service:
        service.wait_until_ready()
        app = create_app(service, http_limits, keys=keys, hosts=hosts)
        screen = Screen()
        screen.result(url_of(address.host, sock.getsockname()[1]))
        screen.note("the page is there, the HTTP API at /v1; Ctrl-C stops")
        if lacking := service.offer.lacking_torch:
            screen.note(f"not offered, as they need the extra 'torch': {', '.join(lacking)}")
        if videos := service.videos.problem:
            screen.note(f"no films: {videos}")
        if address.host in ("0.0.0.0", "::"):  # noqa: S104
            screen.note("that is all of this machine's addresses: others call it by its name, or by one of them")
        methods = ", ".join(service.offer.methods)
        logger.info("impasto %s serves %s at port %d", impasto.__version__, methods, sock.getsockname()[1])
        make_server(app, proxy=address.proxy).run(sockets=[sock])
    logger.info("stopped")


def _processes(models: ServedModels) -> dict[str, Any]:
    """What paints, as `Service` is told. Raises OptionError, and ImpastoError if Ray is wanted and missing."""
    if models.workers is None:
        if models.lanes is not None:
            raise OptionError(f"--lanes is {models.lanes}, but nothing says on which cluster: --workers ADDRESS")
        return {"devices": models.device}
    lanes = 1 if models.lanes is None else models.lanes
    check_least(1, lanes=lanes)
    if len(models.device) > 1 or ":" in models.device[0]:
        raise OptionError(f"--device is '{' '.join(models.device)}', but with --workers must be one of auto, cpu, cuda")
    with from_extra("scale", "--workers"):
        import ray  # noqa: F401
    from impasto.service.process import RAY_WORKER

    return {"devices": models.device * lanes, "command": (*RAY_WORKER, models.workers)}


def _checked(address: Address) -> Hosts:
    """Names by which requests may call the server."""
    check_port(address.port)
    is_open = bool(address.proxy) or not is_loopback(address.host)
    if is_open and address.keys is None and not address.insecure:
        door = f"--proxy {address.proxy}" if address.proxy else f"--host {address.host}"
        raise OptionError(f"{door} lets others in: give --keys FILE (`impasto keys add` makes one), or --insecure")
    names = named(address.allow_host, "--allow-host")
    return None if is_open and not names else names


def _offer(models: ServedModels) -> "Offer":
    from impasto.service.offer import Offer, styles_in

    weights = shipped()
    for word in models.weights:
        name, equals, path = word.partition("=")
        if not equals:
            raise OptionError(f"--weights is '{word}', but must be NAME=FILE")
        weights[name] = Path(path).resolve()
    return Offer(styles=own_styles() if models.styles is None else styles_in(models.styles), weights=weights)
