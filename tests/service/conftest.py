"""A service that does not paint."""

from fake_service import go, offer, serve

__all__ = ["go", "offer", "serve"]
