"""What can be wrong with an invoice: every check of the match, on figures that were read before.

Nothing here reads or writes. Prices are net; values are compared in the order's currency, what is at risk is in the
invoice's. A difference is of money of the whole line, so that percent, floor and cap speak of what is at risk: up to
the floor nothing holds; above the cap everything does; between them more than the percentage. Billing less than
expected never holds; what is left stays open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from purchasing.models import HoldCode, MatchPolicy
from retailhub.core.money import round_total

ZERO = Decimal(0)
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Breach:
    """A check that fails: what was expected, what is billed, what is at risk, and what of the line that blocks."""

    code: str
    expected: str
    invoiced: str
    at_risk: Decimal
    units: int = 0
    whole: bool = False
    is_warning: bool = False
    evidence: dict[str, Any] = field(default_factory=dict)


class Policies:
    """Tolerances by precedence: the supplier's item, the supplier, the house. The first row there is decides whole."""

    def __init__(self, rows: Iterable[MatchPolicy]) -> None:
        self._rows = {(row.supplier_id, row.item_id, row.code): row for row in rows}

    def get(self, code: str, supplier_id: int | None, item_id: int | None = None) -> MatchPolicy | None:
        """Answer the row that decides, or nothing where the check is switched off."""
        for key in ((supplier_id, item_id, code), (supplier_id, None, code), (None, None, code)):
            row = self._rows.get(key)
            if row is not None:
                return None if row.action == MatchPolicy.Action.OFF else row
        return None


def exceeds(policy: MatchPolicy, difference: Decimal, base: Decimal) -> bool:
    """Whether a difference holds: evaluated against floor, then cap, then percent; empty limits are not asked."""
    if difference <= (policy.floor or ZERO):
        return False
    if policy.cap is not None and difference > policy.cap:
        return True
    if policy.percent is None:
        return policy.cap is None
    return difference > policy.percent * base / 100


def told(policy: MatchPolicy) -> dict[str, Any]:
    """Answer the tolerance as it is kept with a hold."""
    limits = {"percent": policy.percent, "floor": policy.floor, "cap": policy.cap}
    answer: dict[str, Any] = {name: f"{value.normalize():f}" for name, value in limits.items() if value is not None}
    if policy.units is not None:
        answer["units"] = policy.units
    answer["of"] = "item" if policy.item_id else "supplier" if policy.supplier_id else "house"
    return answer


@dataclass(slots=True)
class OrderedLine:
    """A line of an order as the match sees it, with what earlier invoices take of it."""

    pk: int
    line: int
    order_id: int
    item_id: int
    ordered: int
    received: int
    invoiced: int
    price: Decimal
    tax_rate: Decimal
    order_number: str
    revision: int
    supplier_id: int
    currency: str
    issued_on: date | None
    payment_days: int
    created_by: str
    rate: Decimal
    """Home currency for one unit of the order's."""
    granted: int = 0
    """Units that other invoices may be paid and were not posted with."""
    pending: int = 0
    """Units that earlier invoices bill and that are not posted."""
    billed: Decimal = ZERO
    """Net of what earlier invoices bill, posted or not, less credits; in the order's currency."""

    def worth(self, units: int) -> Decimal:
        return round_total(self.price * units, self.currency)


@dataclass(slots=True)
class BilledLine:
    """A line of an invoice less what was credited of it before it was posted."""

    pk: int
    invoice_id: int
    line: int
    order_line_id: int | None
    item_id: int | None
    units: int
    net: Decimal
    tax_rate: Decimal
    decision: str
    posted_units: int
    posted_net: Decimal
    stated_net: Decimal
    currency: str
    rate: Decimal
    """Home currency for one unit of the invoice's."""

    def in_currency_of(self, ordered: OrderedLine, amount: Decimal) -> Decimal:
        """Answer an amount of the invoice in the order's currency."""
        if self.currency == ordered.currency:
            return amount
        return round_total(amount * self.rate / ordered.rate, ordered.currency)

    def in_own_currency(self, ordered: OrderedLine, amount: Decimal) -> Decimal:
        """Answer an amount of the order in the invoice's currency."""
        if self.currency == ordered.currency:
            return amount
        return round_total(amount * ordered.rate / self.rate, self.currency)


def check_line(
    line: BilledLine,
    ordered: OrderedLine | None,
    *,
    supplier_id: int,
    is_expense: bool,
    policies: Policies,
) -> list[Breach]:
    """Answer everything that is wrong with a line of an invoice."""
    if ordered is None:
        policy = policies.get(HoldCode.NOPO, supplier_id)
        if is_expense or policy is None:
            return []
        detail = Breach(HoldCode.NOPO, "a purchase order", "none", line.net, units=line.units, whole=True)
        return [_as(policy, detail)]
    found: list[Breach] = []
    if ordered.supplier_id != supplier_id and (policy := policies.get(HoldCode.SUPP, supplier_id)):
        found.append(_as(policy, Breach(HoldCode.SUPP, f"supplier of {ordered.order_number}", "another", line.net,
                                        units=line.units, whole=True)))  # fmt: skip
    if ordered.currency != line.currency and (policy := policies.get(HoldCode.CUR, supplier_id)):
        found.append(_as(policy, Breach(HoldCode.CUR, ordered.currency, line.currency, line.net, units=line.units,
                                        whole=True)))  # fmt: skip
    found += _values(line, ordered, supplier_id, policies)
    return [*found, *_quantities(line, ordered, supplier_id, policies)]


def check_prepayment(
    line: BilledLine,
    ordered: OrderedLine | None,
    *,
    supplier_id: int,
    is_expense: bool,
    policies: Policies,
) -> list[Breach]:
    """Answer what is wrong with a line of a prepayment: nothing has to be here, no more is asked than is ordered."""
    found = [
        breach
        for breach in check_line(line, ordered, supplier_id=supplier_id, is_expense=is_expense, policies=policies)
        if breach.code in (HoldCode.NOPO, HoldCode.SUPP, HoldCode.CUR)
    ]
    policy = policies.get(HoldCode.EXT, supplier_id, line.item_id)
    if ordered is None or policy is None:
        return found
    agreed, net = ordered.worth(ordered.ordered), line.in_currency_of(ordered, line.net)
    if exceeds(policy, net - agreed, agreed):
        unit = _unit(line, ordered)
        found.append(
            _as(policy, Breach(HoldCode.EXT, f"{agreed:.2f}{unit}", f"{net:.2f}{unit}",
                               line.in_own_currency(ordered, net - agreed), evidence={"tolerance": told(policy)}))
        )  # fmt: skip
    return found


def _quantities(line: BilledLine, ordered: OrderedLine, supplier_id: int, policies: Policies) -> list[Breach]:
    found = []
    asked = line.units - line.posted_units
    each = line.net / line.units if line.units else ZERO
    for code, room in (
        (HoldCode.QREC, ordered.received - ordered.invoiced - ordered.granted),
        (HoldCode.QORD, ordered.ordered - ordered.invoiced - ordered.pending),
    ):
        policy = policies.get(code, supplier_id, line.item_id)
        if policy is None or asked <= max(0, room) + (policy.units or 0):
            continue
        over = asked - max(0, room)
        found.append(
            _as(
                policy,
                Breach(
                    code,
                    expected=str(line.posted_units + max(0, room)),
                    invoiced=str(line.units),
                    at_risk=round(each * over, 2),
                    units=over,
                    evidence={
                        "order": ordered.order_number,
                        "revision": ordered.revision,
                        "line": ordered.line,
                        "ordered": ordered.ordered,
                        "received": ordered.received,
                        "invoiced": ordered.invoiced,
                        "pending": ordered.granted if code == HoldCode.QREC else ordered.pending,
                        "tolerance": told(policy),
                    },
                ),
            )
        )
    return found


def _values(line: BilledLine, ordered: OrderedLine, supplier_id: int, policies: Policies) -> list[Breach]:
    found = []
    evidence = {"order": ordered.order_number, "revision": ordered.revision, "line": ordered.line}
    expected, net, unit = ordered.worth(line.units), line.in_currency_of(ordered, line.net), _unit(line, ordered)
    policy = policies.get(HoldCode.PRICE, supplier_id, line.item_id)
    if policy and exceeds(policy, net - expected, expected):
        found.append(
            _as(
                policy,
                Breach(
                    HoldCode.PRICE,
                    expected=_price(ordered.price) + unit,
                    invoiced=_price(net / line.units if line.units else net) + unit,
                    at_risk=line.in_own_currency(ordered, net - expected),
                    evidence=evidence | {"net": str(expected), "tolerance": told(policy)},
                ),
            )
        )
    agreed = ordered.worth(ordered.ordered)
    policy = policies.get(HoldCode.EXT, supplier_id, line.item_id)
    if policy and exceeds(policy, ordered.billed + net - agreed, agreed):
        found.append(
            _as(
                policy,
                Breach(
                    HoldCode.EXT,
                    expected=f"{agreed:.2f}{unit}",
                    invoiced=f"{ordered.billed + net:.2f}{unit}",
                    at_risk=min(line.net, line.in_own_currency(ordered, ordered.billed + net - agreed)),
                    evidence=evidence | {"earlier": f"{ordered.billed:.2f}", "tolerance": told(policy)},
                ),
            )
        )
    return found


def _unit(line: BilledLine, ordered: OrderedLine) -> str:
    """Answer what follows figures that are in another currency than the invoice."""
    return "" if line.currency == ordered.currency else f" {ordered.currency}"


def check_charge(
    code: str, amount: Decimal, expected: Decimal, *, supplier_id: int, policies: Policies
) -> list[Breach]:
    """Answer whether a charge is more than was agreed; one that was not agreed on is expected to be nothing."""
    policy = policies.get(HoldCode.CHG, supplier_id)
    if policy is None or not exceeds(policy, amount - expected, expected):
        return []
    breach = Breach(
        HoldCode.CHG, f"{expected:.2f}", f"{amount:.2f}", amount - expected,
        evidence={"code": code, "tolerance": told(policy)},
    )  # fmt: skip
    return [_as(policy, breach)]


def check_totals(
    *,
    nets: Mapping[Decimal, Decimal],
    lines: int,
    currency: str,
    net_total: Decimal,
    tax_total: Decimal,
    total: Decimal,
    supplier_id: int,
    policies: Policies,
) -> list[Breach]:
    """Answer whether tax and totals follow from the lines; `nets` are the sums by tax rate."""
    found = []
    tax = sum((round_total(net * rate, currency) for rate, net in nets.items()), ZERO)
    policy = policies.get(HoldCode.TAX, supplier_id)
    if policy and abs(tax_total - tax) > max(policy.floor or ZERO, CENT * lines):
        found.append(
            _as(policy, Breach(HoldCode.TAX, f"{tax:.2f}", f"{tax_total:.2f}", max(ZERO, tax_total - tax),
                               evidence={"tolerance": told(policy)}))
        )  # fmt: skip
    own = sum(nets.values(), ZERO)
    policy = policies.get(HoldCode.TOT, supplier_id)
    if policy and (abs(total - own - tax_total) > (policy.floor or ZERO) or abs(net_total - own) > (policy.floor or 0)):
        expected = own + tax_total
        found.append(
            _as(policy, Breach(HoldCode.TOT, f"{expected:.2f}", f"{total:.2f}", max(ZERO, total - expected),
                               whole=total < expected, evidence={"net": f"{own:.2f}", "stated_net": f"{net_total:.2f}",
                                                                 "tolerance": told(policy)}))
        )  # fmt: skip
    return found


def check_dates(
    ordered: Iterable[OrderedLine], *, invoice_date: date, due_date: date | None, supplier_id: int, policies: Policies
) -> list[Breach]:
    """Tell where the invoice is dated before its order, or wants its money sooner than agreed."""
    policy = policies.get(HoldCode.LATE, supplier_id)
    if policy is None:
        return []
    for line in ordered:
        if line.issued_on and invoice_date < line.issued_on:
            return [_as(policy, Breach(HoldCode.LATE, f"from {line.issued_on}", str(invoice_date), ZERO,
                                       evidence={"order": line.order_number}))]  # fmt: skip
        if due_date and (due_date - invoice_date).days < line.payment_days:
            days = (due_date - invoice_date).days
            return [_as(policy, Breach(HoldCode.LATE, f"{line.payment_days} days", f"{days} days", ZERO,
                                       evidence={"order": line.order_number}))]  # fmt: skip
    return []


def _as(policy: MatchPolicy, breach: Breach) -> Breach:
    if policy.action != MatchPolicy.Action.WARN:
        return breach
    return Breach(
        breach.code, breach.expected, breach.invoiced, breach.at_risk, is_warning=True, evidence=breach.evidence
    )


def _price(value: Decimal) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".") if value % CENT else f"{value:.2f}"
