"""A machine and a server for every test of structured answers."""

from tests.providers.conftest import _no_ambient_settings
from tests.surface.conftest import connected, machine, server

__all__ = ["_no_ambient_settings", "connected", "machine", "server"]
