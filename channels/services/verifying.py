"""Proof that channels show what they are to show, and that no message or order was lost or doubled on the way."""

from __future__ import annotations

from channels.connectors.base import Capability
from channels.models import Account, InboxMessage, Recount
from channels.queries import figures_of
from channels.services.settings import connector_of
from inventory.services.verifying import items_with_wrong_levels
from retailhub.core.sql import rows
from retailhub.core.verifying import Breach

# Listings that somebody was told of: live ones, and those that were live and must show nothing now.
_TOLD = """
SELECT l.id, l.account_id, c.code, l.seller_sku, l.state = 'live', i.state, i.confirmed_quantity,
       i.confirmed_at IS NOT NULL,
       EXISTS (SELECT 1 FROM core_attention t WHERE t.kind = 'listing_refused' AND t.resolved_at IS NULL
               AND t.document = 'listing:' || l.id)
FROM channels_listing l JOIN channels_account a ON a.id = l.account_id
JOIN orders_saleschannel c ON c.id = a.channel_id LEFT JOIN channels_stockintent i ON i.listing_id = l.id
WHERE l.account_id = ANY(%s) AND l.item_id IS NOT NULL AND (l.state = 'live' OR i.id IS NOT NULL)
  AND (%s::bigint[] IS NULL OR l.id = ANY(%s))
ORDER BY c.code, l.seller_sku
"""

_UNHEARD = """
SELECT EXISTS (SELECT 1 FROM outbox_delivery WHERE state = 'waiting' AND listener = ANY(%s))
"""

_NEWS = [
    "channels.listeners.want_stock_pushed",
    "channels.listeners.look_at_figures_anew",
    "channels.listeners.look_at_figures_of_channels",
]

_MADE_OF = """
SELECT DISTINCT l.id FROM channels_listing l LEFT JOIN inventory_kitcomponent k ON k.kit_id = l.item_id
WHERE l.id = ANY(%s) AND (l.item_id = ANY(%s) OR k.component_id = ANY(%s))
"""

_LINES_TWICE = """
SELECT o.number, l.external_id, count(*) FROM orders_orderline l JOIN orders_order o ON o.id = l.order_id
JOIN channels_account a ON a.channel_id = o.channel_id
WHERE a.kind <> 'desk' AND l.external_id <> '' GROUP BY 1, 2 HAVING count(*) > 1 ORDER BY 1, 2
"""

_APPLIED_TO_NOTHING = """
SELECT c.code, m.external_id FROM channels_inboxmessage m JOIN channels_account a ON a.id = m.account_id
JOIN orders_saleschannel c ON c.id = a.channel_id
WHERE m.state = 'applied' AND m.external_id <> '' AND NOT EXISTS (
    SELECT 1 FROM orders_order o WHERE o.channel_id = a.channel_id AND o.external_reference = m.external_id)
ORDER BY 1, 2
"""


def verify() -> list[Breach]:
    """Answer every listing that is at rest and does not show its figure, and every message or order that went astray.

    What is still on its way (figures due or in flight, events not yet heard) is no breach: ask again after quiet.
    """
    return [*_figures(), *_inbox(), *_orders()]


def _figures() -> list[Breach]:
    live = Account.objects.filter(state=Account.State.LIVE).exclude(kind="desk")
    accounts = [account.pk for account in live if Capability.STOCK in connector_of(account).capabilities]
    found = _out_of_step(accounts, None)
    if found:
        # Stock may have moved between two looks: only what is wrong in both, and has no news under way, is a breach.
        again = _out_of_step(accounts, sorted(found))
        found = {listing_id: breach for listing_id, breach in again.items() if listing_id in found}
    if found and (wrong := items_with_wrong_levels()):
        # The level is named with its place: that a figure computed from it is another one is no news.
        for (listing_id,) in rows(_MADE_OF, [sorted(found), sorted(wrong), sorted(wrong)]):
            found.pop(listing_id)
    return list(found.values())


def _out_of_step(accounts: list[int], only: list[int] | None) -> dict[int, Breach]:
    told = rows(_TOLD, [accounts, only, only])
    figures = figures_of([row[0] for row in told])
    if rows(_UNHEARD, [_NEWS]) == [(True,)]:
        return {}
    # Read after the news: who hears it leaves such a row.
    recounted = set(Recount.objects.values_list("account", flat=True))
    breaches = {}
    for listing_id, account_id, channel, sku, live, state, shown, confirmed, raised in told:
        expected = figures[listing_id].quantity
        if account_id in recounted or state in {"due", "sending", "unsure"} or (state == "refused" and raised):
            continue
        if state is None:
            found: object = "never told"
        elif state == "refused":
            found = "refused, and nobody was told"
        elif not confirmed:
            found = f"{shown}, not confirmed"
        elif shown != expected:
            found = shown
        else:
            continue
        if live or shown:
            breaches[listing_id] = Breach(
                check="channel shows", subject=sku, place=channel, expected=expected, found=found
            )
    return breaches


def _inbox() -> list[Breach]:
    breaches = [
        Breach(check="inbox", subject=f"state {state}", expected="a known state", found=count)
        for state, count in rows(
            "SELECT state, count(*) FROM channels_inboxmessage WHERE state <> ALL(%s) GROUP BY 1",
            [list(InboxMessage.State.values)],
        )
    ]
    return breaches + [
        Breach(check="inbox", subject=f"order {external_id}", place=channel, expected="in the book", found="nothing")
        for channel, external_id in rows(_APPLIED_TO_NOTHING)
    ]


def _orders() -> list[Breach]:
    return [
        Breach(check="order line once", subject=f"{number} line {line}", expected=1, found=count)
        for number, line, count in rows(_LINES_TWICE)
    ]
