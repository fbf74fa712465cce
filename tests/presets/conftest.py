"""What tests of presets and own commands share: a machine and a server."""

from __future__ import annotations

from tests.chat.conftest import home as home
from tests.surface.conftest import connected as connected
from tests.surface.conftest import machine as machine
from tests.surface.conftest import server as server
