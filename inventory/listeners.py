"""What the stock ledger does when places speak."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from inventory.services.serving import serve_within_reach
from retailhub.core.bells import ring_on_commit

PAGE = 500


def serve_who_waits(payloads: Sequence[dict[str, Any]]) -> None:
    """Places came within reach: who waits for what lies free there gets it. What is more than a page is left to a
    task."""
    if serve_within_reach(most=PAGE, actor="system") == PAGE:
        ring_on_commit("inventory.tasks.serve_who_waits")
