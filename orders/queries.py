"""Reads of the order book that span tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from customers.services.finding import IdentityKey
from orders.models import Order
from retailhub.core.sql import prepared_rows, rows


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """What order intake needs to know of a sales channel."""

    id: int
    code: str
    currency: str
    prices_include_tax: bool
    pool_id: int
    location_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """What order intake needs of an item: units and SKUs of what one of it is made of (itself, or a kit's parts)."""

    id: int
    sku: str
    parts: dict[int, int]
    part_skus: dict[int, str]


@dataclass(frozen=True, slots=True)
class Intake:
    """Everything that a batch of new orders refers to, read in one statement."""

    channels: dict[str, ChannelFacts]
    items: dict[str, ItemFacts]
    existing: dict[tuple[str, str], tuple[int, str]]
    identities: dict[IdentityKey, int]
    places: dict[str, int]
    location_codes: dict[int, str]
    order_ids: list[int]
    customer_ids: list[int]


_INTAKE = """
SELECT
  (SELECT json_agg(json_build_array(c.id, c.code, c.currency, c.prices_include_tax, c.pool_id,
      (SELECT json_agg(json_build_array(e.location_id, l.code) ORDER BY e.position, e.id)
       FROM inventory_stockpoollocation e JOIN inventory_location l ON l.id = e.location_id
       WHERE e.pool_id = c.pool_id AND l.is_active)))
   FROM orders_saleschannel c WHERE c.code = ANY(%(channels)s::varchar[]))::text,
  (SELECT json_agg(json_build_array(i.sku_key, i.id, i.sku,
      CASE WHEN i.kind = 'kit' THEN (SELECT json_agg(json_build_array(k.component_id, k.quantity, p.sku)
                                                    ORDER BY k.component_id)
                                     FROM inventory_kitcomponent k JOIN inventory_item p ON p.id = k.component_id
                                     WHERE k.kit_id = i.id) END))
   FROM inventory_item i WHERE i.sku_key = ANY(%(skus)s::varchar[]))::text,
  (SELECT json_agg(json_build_array(n.code, n.reference, o.id, o.fingerprint))
   FROM unnest(%(order_channels)s::varchar[], %(references)s::varchar[]) AS n(code, reference)
   CROSS JOIN LATERAL (
      SELECT o.id, o.fingerprint FROM orders_order o
      WHERE o.channel_id = (SELECT c.id FROM orders_saleschannel c WHERE c.code = n.code)
        AND o.external_reference = n.reference OFFSET 0) o)::text,
  (SELECT json_agg(json_build_array(i.kind, i.channel, i.value, i.customer_id))
   FROM unnest(%(kinds)s::varchar[], %(scopes)s::varchar[], %(values)s::varchar[]) AS k(kind, channel, value)
   CROSS JOIN LATERAL (
      SELECT * FROM customers_identity i
      WHERE i.kind = k.kind AND i.channel = k.channel AND i.value = k.value OFFSET 0) i)::text,
  (SELECT json_agg(json_build_array(l.code, l.id)) FROM inventory_location l
   WHERE l.code = ANY(%(places)s::varchar[]) AND l.kind NOT IN ('counterparty', 'transit'))::text,
  array(SELECT nextval('orders_order_id_seq') FROM generate_series(1, %(orders)s::int)),
  array(SELECT nextval('customers_customer_id_seq') FROM generate_series(1, %(people)s::int))
"""


def read_intake(
    *,
    channels: Iterable[str],
    sku_keys: Iterable[str],
    references: Sequence[tuple[str, str]],
    identities: Sequence[IdentityKey],
    places: Iterable[str],
    people: int,
) -> Intake:
    """Answer what a batch of new orders refers to, and fresh ids for it: one statement whatever its size."""
    ((channel_rows, item_rows, order_rows, identity_rows, place_rows, order_ids, customer_ids),) = prepared_rows(
        _INTAKE,
        {
            "channels": sorted(set(channels)),
            "skus": sorted(set(sku_keys)),
            "order_channels": [code for code, _ in references],
            "references": [reference for _, reference in references],
            "kinds": [key[0] for key in identities],
            "scopes": [key[1] for key in identities],
            "values": [key[2] for key in identities],
            "places": sorted(set(places)),
            "orders": len(references),
            "people": people,
        },
    )
    found = {}
    codes: dict[int, str] = {}
    for pk, code, currency, includes, pool_id, locations in _json(channel_rows):
        codes.update(dict(locations or []))
        found[code] = ChannelFacts(pk, code, currency, includes, pool_id, tuple(x for x, _ in locations or []))
    named = dict(_json(place_rows))
    codes.update({pk: code for code, pk in named.items()})
    return Intake(
        channels=found,
        items={key: _item(pk, sku, parts) for key, pk, sku, parts in _json(item_rows)},
        existing={(code, reference): (pk, mark) for code, reference, pk, mark in _json(order_rows)},
        identities={(kind, scope, value): pk for kind, scope, value, pk in _json(identity_rows)},
        places=named,
        location_codes=codes,
        order_ids=order_ids,
        customer_ids=customer_ids,
    )


def _item(pk: int, sku: str, parts: list[tuple[int, int, str]] | None) -> ItemFacts:
    if not parts:
        return ItemFacts(pk, sku, {pk: 1}, {})
    return ItemFacts(
        pk, sku, {part: units for part, units, _ in parts}, {part: part_sku for part, _, part_sku in parts}
    )


def _json(text: str | None) -> list[Any]:
    return orjson.loads(text) if text else []


@dataclass(slots=True)
class LineStock:
    """How an order line stands with the ledger, in the line's own units (kits in whole kits)."""

    reserved: int = 0
    short: int = 0
    allocations: list[dict[str, Any]] = field(default_factory=list)


def stock_of_lines(orders: Sequence[Order]) -> dict[int, dict[int, LineStock]]:
    """Answer {order id: {line: how it stands}} from reservations and waiting demand: three statements for any number.

    A line's short units are what is neither cancelled, shipped nor reserved.
    """
    documents = {order.reference: order.pk for order in orders}
    lines: dict[int, dict[int, LineStock]] = {order.pk: {} for order in orders}
    open_units: dict[tuple[int, int], int] = {}
    kits: dict[tuple[int, int], dict[int, int]] = {}
    for order_id, line, left, component_id, per_unit in rows(
        """SELECT l.order_id, l.line, l.quantity - l.cancelled - l.shipped, p.item_id, p.quantity
           FROM orders_orderline l LEFT JOIN orders_orderlinepart p ON p.order_id = l.order_id AND p.line = l.line
           WHERE l.order_id = ANY(%s)""",
        [[order.pk for order in orders]],
    ):
        lines[order_id].setdefault(line, LineStock())
        open_units[(order_id, line)] = left
        if component_id:
            kits.setdefault((order_id, line), {})[component_id] = per_unit
    held: dict[tuple[int, int], dict[int, int]] = {}
    for document, line, item_id, sku, code, units in rows(
        """SELECT r.document, r.line, r.item_id, i.sku, l.code, r.quantity - r.consumed - r.released
           FROM inventory_reservation r JOIN inventory_item i ON i.id = r.item_id
           JOIN inventory_location l ON l.id = r.location_id
           WHERE r.document = ANY(%s) AND r.quantity > r.consumed + r.released ORDER BY r.id""",
        [list(documents)],
    ):
        key = (documents[document], line)
        if line not in lines[key[0]]:
            continue
        parts = held.setdefault(key, {})
        parts[item_id] = parts.get(item_id, 0) + units
        entry: dict[str, Any] = {"location": code, "quantity": units}
        if key in kits:
            entry["sku"] = sku
        lines[key[0]][line].allocations.append(entry)
    for (order_id, line), left in open_units.items():
        stock = lines[order_id][line]
        parts = held.get((order_id, line), {})
        per_kit = kits.get((order_id, line))
        whole = (
            min(parts.get(item_id, 0) // per_unit for item_id, per_unit in per_kit.items())
            if per_kit
            else sum(parts.values())
        )
        stock.reserved = min(whole, left)
        stock.short = left - stock.reserved
    return lines
