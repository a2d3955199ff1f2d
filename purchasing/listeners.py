"""What buying does when others speak."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from purchasing.services.special_orders import flag_given_up


def look_after_special_orders(payloads: Sequence[dict[str, Any]]) -> None:
    """A customer's order was cancelled, whole or in part: goods on their way for him need a decision."""
    if payloads:
        flag_given_up()
