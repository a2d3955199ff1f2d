"""From suppliers, price lists and proposals to JSON. What goods cost is written for who may see costs."""

from __future__ import annotations

from typing import Any

from purchasing.models import PriceBreak, Supplier, SupplierItem
from purchasing.services.reordering import Need, SupplierNeeds
from retailhub.core.access import Principal
from retailhub.core.api.amounts import written, written_cost
from retailhub.core.money import round_total

Json = dict[str, Any]
_PLAIN = (
    *("code", "name", "status", "currency", "language", "payment_days", "discount_days", "lead_time_days"),
    *("bills_on_shipment", "is_expense", "over_units", "close_short_days", "order_email", "address", "note"),
    *("created_at", "updated_at"),
)
_PERCENTAGES = ("discount_percent", "tax_rate", "over_percent", "close_short_percent")


def supplier(row: Supplier, principal: Principal) -> Json:
    """Write a supplier. Contacts and identifiers were read with him."""
    document: Json = {name: getattr(row, name) for name in _PLAIN}
    document |= {name: written_cost(getattr(row, name)) for name in _PERCENTAGES}
    document["contacts"] = [
        {"name": x.name, "role": x.role, "email": x.email, "phone": x.phone} for x in row.contacts.all()
    ]
    document["identifiers"] = [{"kind": x.kind, "value": x.value} for x in row.identifiers.all()]
    if principal.sees_costs:
        document["minimum_order"] = written(row.minimum_order, row.currency)
    return document


def entry(row: SupplierItem, principal: Principal) -> Json:
    """Write an entry of a price list. Its item and prices were read with it."""
    document: Json = {
        "sku": row.item.sku,
        "supplier_sku": row.supplier_sku,
        "name": row.name,
        "pack": pack(row),
        "minimum_quantity": row.minimum_quantity,
        "multiple": row.multiple,
        "lead_time_days": row.lead_time_days,
        "over_percent": written_cost(row.over_percent),
        "over_units": row.over_units,
        "is_preferred": row.is_preferred,
        "is_active": row.is_active,
    }
    if principal.sees_costs:
        document |= {
            "last_price": written_cost(row.last_price),
            "last_price_on": row.last_price_on,
            "prices": [_price(price) for price in row.prices.all()],
        }
    return document


def pack(row: SupplierItem) -> Json:
    return {"code": row.pack_code, "numerator": row.pack_numerator, "denominator": row.pack_denominator}


def _price(price: PriceBreak) -> Json:
    return {
        "price": written_cost(price.price),
        "source": price.source,
        "minimum_quantity": price.minimum_quantity,
        "discount_percent": written_cost(price.discount_percent),
        "valid_from": price.valid_from,
        "valid_until": price.valid_until,
    }


_FIGURES = (
    *("sku", "name", "available", "incoming", "later", "drafted", "waiting", "is_intermittent", "lead_days", "point"),
    *("point_given", "safety", "need"),
)


def need(row: Need) -> Json:
    document: Json = {name: getattr(row, name) for name in _FIGURES}
    return document | {"per_day": round(row.per_day, 4), "why": row.why()}


def skipped(row: Need) -> Json:
    return need(row) | {"missing": row.skipped}


def group(needs: SupplierNeeds, principal: Principal) -> Json:
    """Write what is proposed to be ordered from one supplier."""
    currency = needs.supplier.currency
    document: Json = {
        "supplier": needs.supplier.code,
        "currency": currency,
        "lines": [_proposed(row, currency, principal) for row in needs.needs],
    }
    if principal.sees_costs:
        document |= {
            "total": written(round_total(needs.total, currency), currency),
            "minimum_order": written(needs.supplier.minimum_order, currency),
            "below_minimum": written(round_total(needs.below_minimum, currency), currency),
        }
    return document


def _proposed(row: Need, currency: str, principal: Principal) -> Json:
    sold = row.supplier_item
    document = need(row) | {"quantity": row.suggested}
    if sold is not None:
        document |= {
            "supplier_sku": sold.supplier_sku,
            "pack": pack(sold),
            "minimum_quantity": sold.minimum_quantity,
            "multiple": sold.multiple,
        }
    if principal.sees_costs and row.amount is not None:
        document |= {
            "price": written_cost(row.price),
            "price_source": row.price_source,
            "amount": written(round_total(row.amount, currency), currency),
        }
    return document
