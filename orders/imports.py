"""What files may bring into the order book: sales channels, and orders with their lines."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from customers.services.finding import Person
from inventory.models import Item, StockPool
from orders.models import Order, SalesChannel
from orders.services.describing import PlacedOrder
from orders.services.placing import NewLine, NewOrder, NewShipping, place_orders
from orders.services.totals import line_amount
from retailhub.core.errors import DomainError
from retailhub.core.imports.fields import Field
from retailhub.core.imports.targets import Desk, Outcome, Row, Target, Verdict
from retailhub.core.money import exponent, round_total

RATE_PLACES = Decimal("0.000001")
ADDS_UP = Decimal("0.01")
"""How far an order's own figures may be from the sum of its lines: a cent."""


class ChannelImport:
    """Sales channels by their code. The currency of a channel that has orders is never changed."""

    label: str = "Sales channels"
    scopes: Sequence[str] = ("channels:write",)
    key: Sequence[str] = ("code",)
    part_fields: Sequence[Field] = ()
    fields: Sequence[Field] = (
        Field(name="code", required=True, length=32),
        Field(name="name", required=True, length=120),
        Field(name="currency", kind="currency", required=True),
        Field(name="prices_include_tax", kind="flag", required=True),
        Field(name="pool", required=True, length=32),
    )
    told: Sequence[str] = ("name", "currency", "prices_include_tax")

    def judge(self, rows: Sequence[Row], desk: Desk) -> list[Verdict]:
        codes = [row.values["code"] for row in rows]
        known = {c.code: c for c in SalesChannel.objects.filter(code__in=codes).select_related("pool")}
        pools = {p.code: p for p in StockPool.objects.filter(code__in=[row.values["pool"] for row in rows])}
        verdicts = []
        for row in rows:
            verdict, channel = Verdict(row), known.get(row.values["code"])
            pool = pools.get(row.values["pool"])
            if pool is None:
                verdict.refuse("pool", "no stock pool has this code")
            elif channel is not None:
                wanted = {name: row.values[name] for name in (*self.told, "pool")}
                have = {name: getattr(channel, name) for name in self.told} | {"pool": channel.pool.code}
                verdict.compare(have, wanted)
                if "currency" in verdict.changes and channel.orders.exists():
                    verdict.refuse("currency", f"there are orders of this channel in {channel.currency}")
            verdict.plan = (channel or SalesChannel(code=row.values["code"]), pool)
            verdicts.append(verdict)
        return verdicts

    def apply(self, verdicts: Sequence[Verdict], desk: Desk) -> None:
        for verdict in verdicts:
            channel, channel.pool = verdict.plan
            for name in self.told:
                setattr(channel, name, verdict.row.values[name])
            channel.save()


class OrderImport:
    """Orders of channels by their reference, taken as facts: what cannot be reserved is short.

    `tax_total` is spread over the lines as effective rates, so that the lines' taxes sum to it to the cent. `subtotal`
    and `total` are the file's own sums; an order whose lines do not add up to them is refused.
    """

    label: str = "Orders"
    scopes: Sequence[str] = ("orders:write",)
    key: Sequence[str] = ("channel", "reference")
    fields: Sequence[Field] = (
        Field(name="channel", required=True, length=32),
        Field(name="reference", required=True, length=120),
        Field(name="placed_at", kind="moment", required=True),
        Field(name="currency", kind="currency", required=True),
        Field(name="customer_number", length=254),
        Field(name="customer_name", length=200),
        Field(name="shipping_method", length=80),
        Field(name="shipping_price", kind="money", least=0),
        Field(name="address_name", length=200),
        Field(name="address_line1", length=200),
        Field(name="address_line2", length=200),
        Field(name="address_city", length=120),
        Field(name="address_region", length=120),
        Field(name="address_postal_code", length=20),
        Field(name="address_country", kind="country"),
        Field(name="tax_total", kind="money", least=0),
        Field(name="subtotal", kind="money"),
        Field(name="total", kind="money"),
    )
    part_fields: Sequence[Field] = (
        Field(name="sku", kind="sku", label="SKU", required=True, length=64),
        Field(name="quantity", kind="whole", required=True, least=1),
        Field(name="unit_price", kind="money", required=True, least=0),
        Field(name="discount", kind="money", least=0),
        Field(name="tax_rate", kind="cost", least=0),
    )

    def judge(self, rows: Sequence[Row], desk: Desk) -> list[Verdict]:
        items = Item.objects.by_sku({part.values["sku"] for row in rows for part in row.parts})
        channels = {c.code: c for c in SalesChannel.objects.filter(code__in={row.values["channel"] for row in rows})}
        booked = {
            (channel, reference): fingerprint
            for channel, reference, fingerprint in Order.objects.filter(
                channel__code__in=channels, external_reference__in=[row.values["reference"] for row in rows]
            ).values_list("channel__code", "external_reference", "fingerprint")
        }
        verdicts = []
        for row in rows:
            verdict = Verdict(row)
            if row.values["channel"] not in channels:
                verdict.refuse("channel", "no channel has this code")
            elif channels[row.values["channel"]].currency != row.values["currency"]:
                verdict.refuse("currency", f"this channel sells in {channels[row.values['channel']].currency}")
            if not row.parts:
                verdict.refuse("reference", "the order has no lines")
            for part in row.parts:
                if part.values["sku"] not in items:
                    verdict.refuse("sku", "no item has this SKU", row=part)
            if verdict.outcome != Outcome.REFUSED:
                self._judge_figures(verdict, booked.get((row.values["channel"], row.values["reference"])))
            verdicts.append(verdict)
        return verdicts

    def _judge_figures(self, verdict: Verdict, fingerprint: str | None) -> None:
        row = verdict.row
        exact = sum(
            (p.values["quantity"] * p.values["unit_price"] - p.get("discount", Decimal(0)) for p in row.parts),
            Decimal(0),
        )
        subtotal = row.get("subtotal", exact)
        if abs(exact - subtotal) > ADDS_UP:
            verdict.refuse("subtotal", f"the lines come to {exact.normalize():f}")
        total = subtotal + row.get("tax_total", Decimal(0)) + row.get("shipping_price", Decimal(0))
        if row.values.get("total") is not None and abs(total - row.values["total"]) > ADDS_UP:
            verdict.refuse("total", f"its parts come to {total.normalize():f}")
        if verdict.outcome == Outcome.REFUSED:
            return
        verdict.plan = _order(row)
        if fingerprint is not None:
            verdict.outcome = Outcome.SAME
            if fingerprint != verdict.plan.fingerprint():
                verdict.refuse("reference", f"another order {row.values['reference']} of this channel is in the book")

    def apply(self, verdicts: Sequence[Verdict], desk: Desk) -> None:
        if not verdicts:
            return
        answers = place_orders(batch=[verdict.plan for verdict in verdicts], actor=desk.actor)
        for verdict, answer in zip(verdicts, answers, strict=True):
            if isinstance(answer, PlacedOrder):
                self._tally(verdict.row, answer, desk)
            else:
                _refuse(verdict, answer)

    def _tally(self, row: Row, placed: PlacedOrder, desk: Desk) -> None:
        channel, tally = row.values["channel"], desk.tally
        tally[f"{channel}: units ordered"] += sum(line.quantity for line in placed.lines)
        tally[f"{channel}: units reserved"] += sum(line.reserved for line in placed.lines)
        tally[f"{channel}: units short"] += sum(line.short for line in placed.lines)
        desk.add(f"{channel}: order totals in the book ({placed.currency})", placed.totals.total)
        if row.values.get("total") is not None:
            desk.add(f"{channel}: order totals in the files ({placed.currency})", row.values["total"])


def _refuse(verdict: Verdict, refusal: DomainError) -> None:
    for offence in refusal.errors:
        parts = offence.pointer.strip("/").split("/")
        if parts[0] == "lines" and len(parts) > 1 and parts[1].isdecimal():
            verdict.refuse(parts[-1], offence.detail, row=verdict.row.parts[int(parts[1])])
        else:
            verdict.refuse({"external_reference": "reference"}.get(parts[-1], parts[-1]), offence.detail)
    if not refusal.errors:
        verdict.refuse("reference", refusal.detail)


def _order(row: Row) -> NewOrder:
    currency: str = row.values["currency"]
    amounts = [
        line_amount(p.values["quantity"], p.values["unit_price"], p.get("discount", Decimal(0)), currency)
        for p in row.parts
    ]
    tax = row.values.get("tax_total")
    rates = (
        [p.get("tax_rate", Decimal(0)) for p in row.parts] if tax is None else effective_rates(amounts, tax, currency)
    )
    address = {
        name.removeprefix("address_"): value
        for name, value in row.values.items()
        if name.startswith("address_") and value
    }
    number = row.values.get("customer_number")
    return NewOrder(
        channel=row.values["channel"],
        external_reference=row.values["reference"],
        placed_at=row.values["placed_at"],
        currency=currency,
        lines=[
            NewLine(
                sku=part.values["sku"],
                quantity=part.values["quantity"],
                unit_price=part.values["unit_price"],
                discount=part.get("discount", Decimal(0)),
                tax_rate=rate,
            )
            for part, rate in zip(row.parts, rates, strict=True)
        ],
        customer=Person(external_id=number, channel=row.values["channel"], name=row.get("customer_name", ""))
        if number
        else None,
        shipping=NewShipping(
            method=row.get("shipping_method", ""), address=address, price=row.get("shipping_price", Decimal(0))
        ),
    )


def effective_rates(amounts: Sequence[Decimal], tax: Decimal, currency: str) -> list[Decimal]:
    """Answer a tax rate per line such that the lines' taxes, each rounded, sum to the order's tax, rounded.

    All lines get tax / amount; what rounding leaves over, a few cents, is put on the largest line whose cents a rate
    of six places can still reach.
    """
    whole = sum(amounts, Decimal(0))
    if not whole:
        return [Decimal(0)] * len(amounts)
    rate = (tax / whole).quantize(RATE_PLACES)
    rates = [rate] * len(amounts)
    cent = Decimal(1).scaleb(-exponent(currency))
    reachable = [place for place, amount in enumerate(amounts) if 0 < amount * RATE_PLACES < cent]
    missing = round_total(tax, currency) - sum(round_total(amount * rate, currency) for amount in amounts)
    if missing and reachable:
        place = max(reachable, key=lambda index: amounts[index])
        wanted = round_total(amounts[place] * rate, currency) + missing
        rates[place] = max(Decimal(0), (wanted / amounts[place]).quantize(RATE_PLACES))
    return rates


TARGETS: dict[str, Target] = {"channels": ChannelImport(), "orders": OrderImport()}
