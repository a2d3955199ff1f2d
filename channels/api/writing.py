"""From channels to JSON. Credentials are never written."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from channels.models import Account, Listing
from channels.queries import SyncState
from retailhub.core.api.amounts import written

Json = dict[str, Any]


def channel(account: Account) -> Json:
    """Write a channel. Its pool's entries with their places must have been read with it."""
    sales = account.channel
    return {
        "code": sales.code,
        "name": sales.name,
        "kind": account.kind,
        "currency": sales.currency,
        "prices_include_tax": sales.prices_include_tax,
        "locations": [entry.location.code for entry in sales.pool.entries.all()],
        "is_active": sales.is_active,
        "state": account.state,
        "state_reason": account.state_reason,
        "buffer": account.buffer,
        "share_percent": account.share_percent,
        "base_url": account.base_url,
    }


def listing(row: Listing, currency: str) -> Json:
    """Write a listing. Its item must have been read with it."""
    return {
        "seller_sku": row.seller_sku,
        "sku": row.item.sku if row.item else None,
        "channel_code": row.channel_code,
        "state": row.state,
        "title": row.title,
        "price": written(row.price, currency),
        "buffer": row.buffer,
        "share_percent": row.share_percent,
        "max_listed": row.max_listed,
        "end_when": row.end_when,
        "fixed_quantity": row.fixed_quantity,
        "pack": row.pack,
        "error": row.error,
    }


def sync(account: Account, state: SyncState) -> Json:
    return {"channel": account.channel.code, **asdict(state)}
