"""Orders that cannot be served as they are: raised for a person, and settled when the goods have come."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from orders.models import Order
from orders.queries import stock_of_lines
from orders.services.standing import FINISHED
from retailhub.core.models import Attention
from retailhub.core.services.attending import raise_attention, settle_attention

KIND = "short"


def flag_shortages(order_ids: Sequence[int]) -> None:
    """Have one open attention row per order that lacks goods, with the money at risk; settle those that do no more.

    The caller is in a transaction.
    """
    orders = list(
        # Held, so that whoever settles a shortage waits for whoever is just raising it: a row that came after its
        # settlement would stay for ever.
        Order.objects.filter(pk__in=order_ids)
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
        .select_related("channel")
        .prefetch_related("lines__item")
    )
    stock = stock_of_lines(orders)
    raised, settled = [], []
    for order in orders:
        lacking = [line for line in order.lines.all() if stock[order.pk][line.line].short]
        if order.status in FINISHED or not lacking:
            settled.append(order.reference)
            continue
        units = sum(stock[order.pk][line.line].short for line in lacking)
        unmapped = [line.sku for line in lacking if line.item_id is None]
        skus = ", ".join(line.sku for line in lacking[:3]) + (" and more" if len(lacking) > 3 else "")
        raised.append(
            Attention(
                kind=KIND,
                subject=f"{order.number} · {skus}",
                reason=(
                    f"Unknown SKU {', '.join(unmapped)}: map it to an item."
                    if unmapped
                    else f"{units} sold on {order.channel.name} that we do not have."
                ),
                document=order.reference,
                channel=order.channel.code,
                scope="orders:write",
                at_risk=sum((stock[order.pk][x.line].short * x.unit_price for x in lacking), Decimal(0)),
                currency=order.currency,
                step_label="Look at the order",
                step_url=f"/orders/{order.number}/",
                raised_at=order.received_at,
            )
        )
    raise_attention(raised)
    settle_attention(kind=KIND, documents=settled, by="system")
