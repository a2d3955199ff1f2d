"""What the accounts of the stock must stand at, told by the stock and never by the journal."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from retailhub.accounting.registry import Proof

from retailhub.core.money import exponent
from retailhub.core.sql import rows


def prove_inventory() -> Iterator[Proof]:
    """What is booked of all pools, less what of it is on the road."""
    ((value,),) = rows("SELECT coalesce(sum(booked_value - booked_transit), 0) FROM inventory_costpool")
    yield Proof(account_role="inventory", reference="", expected=value)


def prove_in_transit() -> Iterator[Proof]:
    """What is booked of goods on the road between our own places."""
    ((value,),) = rows("SELECT coalesce(sum(booked_transit), 0) FROM inventory_costpool")
    yield Proof(account_role="in_transit", reference="", expected=value)


# Movement by movement, rounded as the stock summary rounds them.
_WITHOUT_ORDER = """
SELECT m.document, -sum(round(m.value, %s) * CASE WHEN f.code = '@supplier' THEN 1 ELSE -1 END)
FROM inventory_stockmovement m JOIN inventory_costpool p ON p.item_id = m.item_id AND m.id <= p.booked_movement
JOIN inventory_location f ON f.id = m.from_location_id JOIN inventory_location t ON t.id = m.to_location_id
WHERE NOT m.self_posted AND '@supplier' IN (f.code, t.code)
  AND (f.owned AND f.kind <> 'counterparty' OR t.owned AND t.kind <> 'counterparty')
GROUP BY 1 HAVING sum(round(m.value, %s) * CASE WHEN f.code = '@supplier' THEN 1 ELSE -1 END) <> 0 ORDER BY 1
"""


def prove_received_without_order() -> Iterator[Proof]:
    """What is owed for goods that came without a purchase order, by the paper they came with."""
    places = exponent(settings.HOME_CURRENCY)
    for document, amount in rows(_WITHOUT_ORDER, [places, places]):
        yield Proof(account_role="grni", reference=document, expected=amount)
