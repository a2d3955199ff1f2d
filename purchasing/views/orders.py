"""The page of a purchase order: what became of it, its story, and the next step."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from purchasing.models import (
    OPEN,
    ORDER_MOVES,
    BuyingEvent,
    OrderStatus,
    Proposal,
    PurchaseOrder,
    PurchaseOrderLine,
    PurchaseRevision,
    Sending,
)
from purchasing.services.amending import AMENDABLE
from purchasing.services.approving import approval_of
from purchasing.services.printing import order_paper
from purchasing.services.progress import progress_of
from purchasing.transports.registry import way_to
from retailhub.core.money import round_cost, round_total
from retailhub.core.pages import NotAllowed, ShellPage, or_404

WAITING = {OrderStatus.DRAFT, OrderStatus.SUBMITTED, OrderStatus.APPROVED}


class OneOrder(ShellPage):
    """A page about the order that its address names."""

    scope = "purchasing:read"

    @cached_property
    def order(self) -> PurchaseOrder:
        rows = PurchaseOrder.objects.for_principal(self.principal, self.scope).select_related("supplier", "ship_to")
        return or_404(rows.filter(number=self.kwargs["number"]).first())

    @cached_property
    def lines(self) -> list[PurchaseOrderLine]:
        return list(self.order.lines.select_related("item").prefetch_related("special_orders").order_by("line"))

    def order_url(self) -> str:
        return reverse("purchasing:order", args=[self.order.number])

    def may(self, scope: str) -> bool:
        return self.principal.may(scope, location=self.order.ship_to.code)


class OrderPage(OneOrder):
    """What was ordered and what became of it, its revisions and its story, and the next step."""

    template_name = "purchasing/order.html"

    def get_title(self) -> str:
        return self.order.number

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        order, costs = self.order, self.principal.sees_costs
        charges = list(order.charges.order_by("code")) if costs else []
        revisions = list(PurchaseRevision.objects.filter(order=order).order_by("-number"))
        papers = list(Sending.objects.filter(document=order.reference)[:20])
        today, is_open = timezone.localdate(), order.status in OPEN
        lines = [_line(line, order.currency, today, is_open=is_open) for line in self.lines]
        return self.render(
            order=order,
            sees_costs=costs,
            lines=lines,
            charges=charges,
            tax=_tax(self.lines, charges, order.currency) if costs else None,
            progress=progress_of(self.lines),
            is_late=any(entry["late"] for entry in lines),
            revisions=[_revision(row, costs) for row in revisions],
            proposals=[self._proposal(row) for row in order.proposals.filter(state=Proposal.State.OPEN)],
            timeline=list(BuyingEvent.objects.filter(document=order.reference).order_by("-pk")[:200]),
            papers=papers,
            no_address=bool(order.revision) and not papers and not way_to(order.supplier)[1],
            **self._steps(),
        )

    def _steps(self) -> dict[str, Any]:
        order = self.order
        writes, approves = self.may("purchasing:write"), self.may("purchasing:approve")
        status, moves = order.status, ORDER_MOVES.get(order.status, set())
        is_free = status == OrderStatus.DRAFT and approval_of(order).is_free
        return {
            "may_edit": writes and status in WAITING,
            "may_send": writes and (status == OrderStatus.APPROVED or (status == OrderStatus.DRAFT and is_free)),
            "send_approves": is_free,
            "may_submit": writes and status == OrderStatus.DRAFT and not is_free,
            "may_approve": approves and status == OrderStatus.SUBMITTED,
            "may_send_back": approves and status == OrderStatus.SUBMITTED,
            "may_acknowledge": writes and status == OrderStatus.ISSUED,
            "may_amend": writes and status in AMENDABLE,
            "may_hold": writes and OrderStatus.ON_HOLD in moves,
            "may_release": writes and status == OrderStatus.ON_HOLD,
            "may_close": writes and OrderStatus.CLOSED_SHORT in moves and any(x.received for x in self.lines),
            "may_cancel": writes
            and OrderStatus.CANCELLED in moves
            and not any(x.received or x.rejected for x in self.lines),
            "may_resend": writes and order.revision > 0,
        }

    def _proposal(self, row: Proposal) -> dict[str, Any]:
        scope = "purchasing:approve" if row.by == Proposal.By.BUYER else "purchasing:write"
        by_number = {line.line: line for line in self.lines}
        told = []
        for change in row.changes.get("lines", ()):
            line = by_number.get(change.get("line"))
            if line is None:
                continue
            before = {
                "quantity": line.quantity - line.cancelled,
                "expected_on": line.expected_on,
                "price": line.price.normalize() + 0,
                "unit_cost": round_cost(line.net_amount(1)).normalize() + 0,
            }
            told += [
                {"line": line.line, "what": WORDS[name], "before": stood, "after": change[name]}
                for name, stood in before.items()
                if name in change and (self.principal.sees_costs or name not in _MONEY)
            ]
        return {"row": row, "changes": told, "may_decide": self.may(scope), "rejected": row.changes.get("rejected")}


WORDS: dict[str, Any] = {
    "quantity": gettext_lazy("quantity"),
    "expected_on": gettext_lazy("day"),
    "price": gettext_lazy("price"),
    "unit_cost": gettext_lazy("price"),
    "cancelled": gettext_lazy("cancelled"),
    "note": gettext_lazy("note"),
    "discount_percent": gettext_lazy("discount"),
    "net_total": gettext_lazy("total"),
}
_MONEY = {"price", "unit_cost", "net_total", "discount_percent", "amount", "tax_rate", "charges"}


def _line(line: PurchaseOrderLine, currency: str, today: date, *, is_open: bool) -> dict[str, Any]:
    due = line.confirmed_on or line.expected_on
    return {
        "line": line,
        "wanted": line.quantity - line.cancelled,
        "due": due,
        "late": is_open and bool(line.open_quantity) and due is not None and due < today,
        "net": round_total(line.net_amount(line.quantity - line.cancelled), currency),
        "links": [link for link in line.special_orders.all() if link.state == "open"],
    }


def _tax(lines: list[PurchaseOrderLine], charges: list[Any], currency: str) -> Any:
    goods = [(line.net_amount(line.quantity - line.cancelled), line.tax_rate) for line in lines]
    return sum(
        (round_total(net * rate, currency) for net, rate in [*goods, *((c.amount, c.tax_rate) for c in charges)]),
        Decimal(0),
    )


def _revision(row: PurchaseRevision, costs: bool) -> dict[str, Any]:
    told = []
    for pointer, before, after in row.changes:
        parts = str(pointer).strip("/").split("/")
        if not costs and set(parts) & _MONEY:
            continue
        where = _("Line %s") % (int(parts[1]) + 1) if parts[0] == "lines" and len(parts) > 1 else ""
        name = parts[-1] if not parts[-1].isdecimal() else ""
        if isinstance(after, dict):
            before, after = (
                "",
                f"{after.get('quantity', '')} \N{MULTIPLICATION SIGN} {after.get('sku', after.get('code', ''))}",
            )
        elif isinstance(before, dict):
            before, after = f"{before.get('sku', before.get('code', ''))}", ""
        told.append({"where": where, "what": WORDS.get(name, name), "before": before, "after": after})
    return {"row": row, "changes": told}


class Paper(OneOrder):
    """The order's paper as a PDF."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        order = self.order
        if not self.principal.sees_costs:
            raise NotAllowed("costs:read")
        kind = "cancellation" if order.status == OrderStatus.CANCELLED and order.revision else "order"
        if kind == "order" and order.revision > 1:
            kind = "revision"
        return HttpResponse(
            order_paper(order, kind=kind),
            content_type="application/pdf",
            headers={"Content-Disposition": f'inline; filename="{order.number}.pdf"'},
        )
