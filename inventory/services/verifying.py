"""Proof that the stock books agree: levels, movements, reservations and values tell one story."""

from __future__ import annotations

from django.conf import settings

from retailhub.core.money import exponent
from retailhub.core.sql import rows
from retailhub.core.verifying import Breach

_BUCKETS = ("sellable", "damaged", "on_hold")

_LEVELS = """
WITH moved AS (
    SELECT item_id, location_id, sum(sellable) AS sellable, sum(damaged) AS damaged, sum(on_hold) AS on_hold FROM (
        SELECT item_id, to_location_id AS location_id,
               quantity * (to_bucket = 'sellable')::int AS sellable, quantity * (to_bucket = 'damaged')::int AS damaged,
               quantity * (to_bucket = 'on_hold')::int AS on_hold FROM inventory_stockmovement
        UNION ALL
        SELECT item_id, from_location_id,
               -quantity * (from_bucket = 'sellable')::int, -quantity * (from_bucket = 'damaged')::int,
               -quantity * (from_bucket = 'on_hold')::int FROM inventory_stockmovement
    ) both_ends GROUP BY item_id, location_id
),
held AS (
    SELECT item_id, location_id, sum(quantity - consumed - released) AS reserved FROM inventory_reservation
    WHERE quantity > consumed + released GROUP BY item_id, location_id
)
SELECT i.sku, w.code,
       coalesce(m.sellable, 0), coalesce(l.sellable, 0), coalesce(m.damaged, 0), coalesce(l.damaged, 0),
       coalesce(m.on_hold, 0), coalesce(l.on_hold, 0), coalesce(h.reserved, 0), coalesce(l.reserved, 0)
FROM inventory_stocklevel l
FULL JOIN (SELECT m.* FROM moved m JOIN inventory_location w ON w.id = m.location_id AND w.kind <> 'counterparty') m
     USING (item_id, location_id)
FULL JOIN held h USING (item_id, location_id)
JOIN inventory_item i ON i.id = item_id JOIN inventory_location w ON w.id = location_id
WHERE (coalesce(m.sellable, 0), coalesce(m.damaged, 0), coalesce(m.on_hold, 0), coalesce(h.reserved, 0))
   <> (coalesce(l.sellable, 0), coalesce(l.damaged, 0), coalesce(l.on_hold, 0), coalesce(l.reserved, 0))
ORDER BY 1, 2
"""

# What all places hold is what the outside ends gave: per item the two sums are equal and opposite.
_DOUBLE_ENTRY = """
WITH outside AS (
    SELECT m.item_id, sum(CASE WHEN f.kind = 'counterparty' THEN m.quantity ELSE 0 END
                        - CASE WHEN t.kind = 'counterparty' THEN m.quantity ELSE 0 END) AS given
    FROM inventory_stockmovement m
    JOIN inventory_location f ON f.id = m.from_location_id JOIN inventory_location t ON t.id = m.to_location_id
    GROUP BY m.item_id
),
held AS (SELECT item_id, sum(sellable + damaged + on_hold) AS held FROM inventory_stocklevel GROUP BY item_id)
SELECT i.sku, coalesce(o.given, 0), coalesce(h.held, 0)
FROM outside o FULL JOIN held h USING (item_id) JOIN inventory_item i ON i.id = item_id
WHERE coalesce(o.given, 0) <> coalesce(h.held, 0) ORDER BY 1
"""

_POOLS = """
WITH flows AS (
    SELECT m.item_id,
           sum(m.quantity * (t.ours::int - f.ours::int)) AS quantity,
           sum(m.value * (t.ours::int - f.ours::int)) AS value
    FROM inventory_stockmovement m
    JOIN (SELECT id, owned AND kind <> 'counterparty' AS ours FROM inventory_location) f ON f.id = m.from_location_id
    JOIN (SELECT id, owned AND kind <> 'counterparty' AS ours FROM inventory_location) t ON t.id = m.to_location_id
    GROUP BY m.item_id
)
SELECT i.sku, coalesce(f.quantity, 0), coalesce(p.quantity, 0), coalesce(f.value, 0) + coalesce(a.value, 0),
       coalesce(p.value, 0)
FROM flows f FULL JOIN inventory_costpool p USING (item_id)
LEFT JOIN (SELECT item_id, sum(to_stock) AS value FROM inventory_valueadjustment GROUP BY item_id) a USING (item_id)
JOIN inventory_item i ON i.id = item_id
WHERE coalesce(f.quantity, 0) <> coalesce(p.quantity, 0)
   OR coalesce(f.value, 0) + coalesce(a.value, 0) <> coalesce(p.value, 0)
ORDER BY 1
"""

# Where layers are kept they are the pool once more; where they are not, none is open.
_LAYERS = """
SELECT i.sku, CASE p.method WHEN 'fifo' THEN p.quantity ELSE 0 END, coalesce(l.quantity, 0)::bigint,
       CASE p.method WHEN 'fifo' THEN p.value ELSE 0 END, coalesce(l.value, 0)
FROM inventory_costpool p JOIN inventory_item i ON i.id = p.item_id
LEFT JOIN (SELECT item_id, sum(quantity) AS quantity, sum(value) AS value FROM inventory_costlayer
           WHERE folded_after IS NULL GROUP BY item_id) l ON l.item_id = p.item_id
WHERE (CASE p.method WHEN 'fifo' THEN p.quantity ELSE 0 END, CASE p.method WHEN 'fifo' THEN p.value ELSE 0 END)
   <> (coalesce(l.quantity, 0), coalesce(l.value, 0))
ORDER BY 1
"""

# What has no movement that the journal does not know yet is booked at its rounded value, and its units on the road at
# their share of it.
_BOOKED = """
SELECT i.sku, round(p.value, %(places)s), p.booked_value,
       CASE WHEN p.quantity = 0 THEN 0 ELSE round(p.value * coalesce(r.units, 0) / p.quantity, %(places)s) END,
       p.booked_transit
FROM inventory_costpool p JOIN inventory_item i ON i.id = p.item_id
LEFT JOIN (SELECT l.item_id, sum(l.on_hand) AS units FROM inventory_stocklevel l
           JOIN inventory_location t ON t.id = l.location_id WHERE t.kind = 'transit' AND t.owned
           GROUP BY l.item_id) r ON r.item_id = p.item_id
WHERE NOT p.revalued AND NOT EXISTS (
    SELECT 1 FROM inventory_stockmovement m WHERE m.item_id = p.item_id AND m.id > p.booked_movement
) AND (p.booked_value <> round(p.value, %(places)s) OR p.booked_transit
       <> CASE WHEN p.quantity = 0 THEN 0 ELSE round(p.value * coalesce(r.units, 0) / p.quantity, %(places)s) END)
ORDER BY 1
"""

# Demand that waits while goods it may have lie free: somebody was not served. What is linked to a purchase line may
# have only what that line brings.
_UNSERVED = """
SELECT d.document, i.sku, w.code, d.quantity, l.available
FROM inventory_waitingdemand d JOIN inventory_item i ON i.id = d.item_id
LEFT JOIN inventory_stockpoollocation e ON e.pool_id = d.pool_id AND d.location_id IS NULL
JOIN inventory_location w ON w.id = coalesce(d.location_id, e.location_id) AND w.is_active
JOIN inventory_stocklevel l ON l.item_id = d.item_id AND l.location_id = w.id AND l.available > 0
WHERE d.quantity > 0 AND d.supply = '' ORDER BY 1, 2, 3
"""


def items_with_wrong_levels() -> set[int]:
    """Answer the items of which some level is not what movements and reservations say; `verify` names the places.

    Whatever is computed from such a level is wrong too, and no breach of its own.
    """
    skus = sorted({row[0] for row in rows(_LEVELS)})
    return {pk for (pk,) in rows("SELECT id FROM inventory_item WHERE sku = ANY(%s)", [skus])} if skus else set()


def verify() -> list[Breach]:
    """Answer every place where the stock books disagree: nothing, when all is well.

    Levels against movements and reservations, the double entry, cost pools against valued movements and adjustments,
    layers against pools, what is booked of them, and demand that waits although goods it may have lie free. Each check
    reads one state of the database.
    """
    breaches: list[Breach] = []
    wrong_levels: set[str] = set()
    for sku, code, *figures in rows(_LEVELS):
        for index, name in enumerate((*_BUCKETS, "reserved")):
            expected, found = figures[2 * index], figures[2 * index + 1]
            if expected != found:
                wrong_levels.add(sku)
                breaches.append(Breach(check=f"level {name}", subject=sku, place=code, expected=expected, found=found))
    for sku, given, held in rows(_DOUBLE_ENTRY):
        # A level that is wrong was named above, with its place.
        if sku not in wrong_levels:
            breaches.append(Breach(check="double entry", subject=sku, expected=given, found=held))
    for sku, quantity, pool_quantity, value, pool_value in rows(_POOLS):
        if quantity != pool_quantity:
            breaches.append(Breach(check="cost pool quantity", subject=sku, expected=quantity, found=pool_quantity))
        if value != pool_value:
            breaches.append(Breach(check="cost pool value", subject=sku, expected=value, found=pool_value))
    for sku, quantity, layer_quantity, value, layer_value in rows(_LAYERS):
        if quantity != layer_quantity:
            breaches.append(Breach(check="cost layer quantity", subject=sku, expected=quantity, found=layer_quantity))
        if value != layer_value:
            breaches.append(Breach(check="cost layer value", subject=sku, expected=value, found=layer_value))
    places = exponent(settings.HOME_CURRENCY)
    for sku, value, booked, on_road, booked_transit in rows(_BOOKED, {"places": places}):
        if value != booked:
            breaches.append(Breach(check="booked value", subject=sku, expected=value, found=booked))
        if on_road != booked_transit:
            breaches.append(Breach(check="booked in transit", subject=sku, expected=on_road, found=booked_transit))
    for document, sku, code, waiting, free in rows(_UNSERVED):
        if sku not in wrong_levels:
            breaches.append(
                Breach(
                    check="waiting demand",
                    subject=f"{document} {sku}",
                    place=code,
                    expected=f"served of {free} free",
                    found=f"{waiting} waiting",
                )
            )
    return breaches
