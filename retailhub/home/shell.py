"""The admin shell: name, menu and colours."""

from __future__ import annotations

from typing import Any

UNFOLD: dict[str, Any] = {"SITE_TITLE": "retailhub", "SITE_HEADER": "retailhub"}
