"""The HTTP door: webhooks come in, probes are answered."""

from .door import Door, Limits
from .server import HttpServer, listen

__all__ = ["Door", "HttpServer", "Limits", "listen"]
