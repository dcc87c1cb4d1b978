"""What the page says of a job, and of what it refuses, in HTML."""

from html import escape

from impasto.errors import ImpastoError
from impasto.service import Snapshot, Status
from impasto.service.refusals import RefusedError
from impasto.serving.problem import Problem

REFUSALS = (ImpastoError, Problem)
"""What a handler turns into a sentence."""


def said(text: str, kind: str = "quiet") -> str:
    """kind: quiet, busy, good or bad."""
    return f'<p class="said {kind}">{escape(text)}</p>'


def refusal(error: Exception) -> str:
    """One of REFUSALS, with the time to come again if there is one."""
    after = error.retry_after if isinstance(error, RefusedError) else None
    if isinstance(error, Problem) and "Retry-After" in error.headers:
        after = float(error.headers["Retry-After"])
    text = sentence(str(error))
    return said(text if after is None else f"{text} Try again in {seconds(after)}.", "bad")


def progress(job: Snapshot, doing: str = "Painting") -> str:
    """Where a job is that is not final. doing: what is done once it is its turn."""
    if job.status is Status.QUEUED:
        wait = f"; yours begins in about {seconds(job.wait_seconds or 0)}"
        if not job.position:
            return said(f"Next in line{wait}.", "busy")
        before = "one painting comes" if job.position == 1 else f"{job.position} paintings come"
        return said(f"In the queue: {before} first{wait}.", "busy")
    step = f" step {job.step} of {job.total}" if job.total else ""
    left = f", about {seconds(job.seconds_left)} left" if job.seconds_left else ""
    return said(f"{doing}{step}{left} …", "busy")


def ended(job: Snapshot) -> str:
    """What became of a job that is final."""
    if job.status is Status.DONE:
        return said(f"Painted in {seconds(job.seconds or 0)}.", "good")
    best = " This is the best so far." if job.has_result else ""
    if job.status is Status.CANCELLED:
        return said(f"Cancelled.{best}", "quiet")
    return said(sentence(job.failure.message if job.failure else "it failed") + best, "bad")


def seconds(count: float) -> str:
    """A duration for people."""
    if count < 9.95:
        return f"{max(0.1, count):.1f} s" if count < 3 else f"{count:.0f} s"
    return f"{count:.0f} s" if count < 100 else f"{count / 60:.0f} minutes"


def sentence(text: str) -> str:
    """A message of impasto's, which begins small and ends without a full stop."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
