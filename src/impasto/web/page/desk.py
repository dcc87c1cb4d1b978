"""Where the page hands in what is to be painted, and follows it: one queue, one set of limits for every door."""

import contextlib
import ipaddress
from collections import defaultdict
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import gradio as gr
from starlette.concurrency import run_in_threadpool

from impasto.service import Offer, Request, Service, Snapshot, changes
from impasto.service.refusals import NoSuchJobError, UserBusyError
from impasto.web.access import Access, Rates, Visitor
from impasto.web.page.shelf import Shelf

HEARTBEAT_SECONDS = 2.0
"""Between two looks at how long it will still take."""


@dataclass(frozen=True)
class Guest:
    """Somebody with a page open. user: as the service knows them. at: whose share of the queue they use."""

    user: str
    visit: str
    at: str
    visitor: Visitor


class Desk:
    """One for all visitors; belongs to the event loop."""

    def __init__(self, service: Service, shelf: Shelf, access: Access, rates: Rates) -> None:
        self.service, self.shelf = service, shelf
        self._access, self._rates = access, rates
        # {(user, visit): jobs that are not final}, and the same by address.
        self._visits: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._addresses: dict[str, set[str]] = defaultdict(set)

    @property
    def offer(self) -> Offer:
        return self.service.offer

    def guest(self, request: gr.Request) -> Guest:
        """Raises Problem if a key is wanted and there is none, or not any longer."""
        assert request.request is not None
        visitor = self._access.guest(request.request)
        visit = request.session_hash or ""
        if self._access.wants_keys:
            return Guest(visitor.user, visit, "", visitor)
        # Two people behind one address, or with one computer, take turns like any others.
        return Guest(f"{visitor.user} page {visit}", visit, visitor.user.partition(" ")[2], visitor)

    async def paint(self, wish: Request, request: gr.Request) -> AsyncGenerator[Snapshot, None]:
        """The job, again and again until it is final; a job that nobody follows any more is cancelled.

        Raises what `Service.submit` raises, UserBusyError too for an address that has its share, and Problem 401, 403
        and 429, before the first.
        """
        guest = self.guest(request)
        self._check_share(guest)
        self.service.check_room(guest.user, wish.num_bytes)
        self._rates.spend(guest.visitor)
        job = await run_in_threadpool(self.service.submit, wish, guest.user)
        # From here the upload is the service's, which lets go of it as soon as it can.
        del wish
        mine, place = self._visits[guest.user, guest.visit], self._addresses[guest.at]
        mine.add(job.id)
        place.add(job.id)
        try:
            async for snapshot in changes(self.service, job.id, guest.user, heartbeat=HEARTBEAT_SECONDS):
                yield snapshot or self.service.status(job.id, guest.user)
        finally:
            with contextlib.suppress(NoSuchJobError):
                self.service.cancel(job.id)
            mine.discard(job.id)
            place.discard(job.id)
            if not mine:
                self._visits.pop((guest.user, guest.visit), None)
            if not place:
                self._addresses.pop(guest.at, None)

    def cancel(self, request: gr.Request) -> None:
        """Everything of this visit; what was painted so far stays."""
        guest = self.guest(request)
        for job in list(self._visits.get((guest.user, guest.visit), ())):
            with contextlib.suppress(NoSuchJobError):
                self.service.cancel(job, guest.user)

    def _check_share(self, guest: Guest) -> None:
        """However many pages somebody opens, one address gets no more than half of the queue."""
        limits = self.service.limits
        share = max(limits.per_user, limits.queue // 2)
        jobs = self._addresses.get(guest.at, ())
        if guest.at and not _is_loopback(guest.at) and len(jobs) >= share:
            soon = [self.service.status(job).seconds_left or 1.0 for job in jobs]
            raise UserBusyError(f"your address has {share} unfinished jobs, its share", retry_after=max(1.0, min(soon)))


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
