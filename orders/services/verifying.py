"""Proof that the order book agrees with itself and with the stock room."""

from __future__ import annotations

from retailhub.core.sql import rows
from retailhub.core.verifying import Breach

_TWICE = """
SELECT c.code, o.external_reference, count(*) FROM orders_order o JOIN orders_saleschannel c ON c.id = o.channel_id
GROUP BY 1, 2 HAVING count(*) > 1
"""

# Per line and stocked part: what is to come = reserved + waited for; what left = movements to customers.
_LINES = """
WITH parts AS (
    SELECT o.number, 'order:' || o.number AS document, l.line, l.sku, coalesce(k.item_id, l.item_id) AS item_id,
           coalesce(k.quantity, 1) * (l.quantity - l.cancelled - l.shipped) AS open,
           coalesce(k.quantity, 1) * l.shipped AS shipped
    FROM orders_orderline l JOIN orders_order o ON o.id = l.order_id
    LEFT JOIN orders_orderlinepart k ON k.order_id = l.order_id AND k.line = l.line
    WHERE l.item_id IS NOT NULL
),
held AS (
    SELECT document, line, item_id, sum(quantity - consumed - released) AS units FROM inventory_reservation
    WHERE document LIKE 'order:%%' GROUP BY 1, 2, 3
),
waiting AS (
    SELECT document, line, item_id, sum(quantity) AS units FROM inventory_waitingdemand
    WHERE document LIKE 'order:%%' GROUP BY 1, 2, 3
),
gone AS (
    SELECT document, line, item_id, sum(quantity) AS units FROM inventory_stockmovement
    WHERE document LIKE 'order:%%' AND reason = 'sale' GROUP BY 1, 2, 3
)
SELECT p.number, p.line, p.sku, p.open, coalesce(h.units, 0) + coalesce(w.units, 0), p.shipped, coalesce(g.units, 0)
FROM parts p
LEFT JOIN held h USING (document, line, item_id) LEFT JOIN waiting w USING (document, line, item_id)
LEFT JOIN gone g USING (document, line, item_id)
WHERE p.open <> coalesce(h.units, 0) + coalesce(w.units, 0) OR p.shipped <> coalesce(g.units, 0)
ORDER BY 1, 2
"""

# Goods held or waited for by an order's name for what is on no line of it, which nothing would ever give back.
_STRANGERS = """
WITH claims AS (
    SELECT document, line, item_id, quantity - consumed - released AS units FROM inventory_reservation
    WHERE document LIKE 'order:%%' AND quantity > consumed + released
    UNION ALL
    SELECT document, line, item_id, quantity FROM inventory_waitingdemand
    WHERE document LIKE 'order:%%' AND quantity > 0
)
SELECT c.document, c.line, i.sku, sum(c.units) FROM claims c JOIN inventory_item i ON i.id = c.item_id
WHERE NOT EXISTS (
    SELECT 1 FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id AND l.line = c.line
    LEFT JOIN orders_orderlinepart p ON p.order_id = l.order_id AND p.line = l.line
    WHERE o.number = substr(c.document, 7) AND coalesce(p.item_id, l.item_id) = c.item_id
)
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""

_SHIPPED = """
SELECT o.number, l.line, l.shipped, coalesce(sum(s.quantity), 0)
FROM orders_orderline l JOIN orders_order o ON o.id = l.order_id
LEFT JOIN orders_shipmentline s ON s.order_line_id = l.id
GROUP BY o.number, l.line, l.shipped HAVING l.shipped <> coalesce(sum(s.quantity), 0) ORDER BY 1, 2
"""

_EMPTY = "SELECT number FROM orders_order o WHERE NOT EXISTS (SELECT 1 FROM orders_orderline l WHERE l.order_id = o.id)"


def verify() -> list[Breach]:
    """Answer every place where orders disagree with themselves, their parcels or the stock room."""
    breaches = [
        Breach(check="order once", subject=f"{channel} {reference}", expected=1, found=count)
        for channel, reference, count in rows(_TWICE)
    ]
    for number, line, sku, open_units, held, shipped, gone in rows(_LINES, []):
        subject = f"{number} line {line} {sku}"
        if open_units != held:
            breaches.append(Breach(check="order line open", subject=subject, expected=open_units, found=held))
        if shipped != gone:
            breaches.append(Breach(check="order line shipped", subject=subject, expected=shipped, found=gone))
    breaches += [
        Breach(check="order line parcels", subject=f"{number} line {line}", expected=shipped, found=sent)
        for number, line, shipped, sent in rows(_SHIPPED)
    ]
    breaches += [
        Breach(check="promise without order line", subject=f"{document} line {line} {sku}", expected=0, found=units)
        for document, line, sku, units in rows(_STRANGERS, [])
    ]
    breaches += [Breach(check="order lines", subject=number, expected="lines", found=0) for (number,) in rows(_EMPTY)]
    return breaches
