"""Invoices that need a person: raised with the money at risk, and settled when nothing holds them any more."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.utils import timezone

from purchasing.models import Hold, HoldCode, InvoiceStatus, SupplierInvoice
from retailhub.core.models import Attention
from retailhub.core.services.attending import raise_attention, settle_attention

KIND = "invoice_held"


def flag_invoices(invoice_ids: Sequence[int]) -> None:
    """Have one open attention row per invoice that is held, with what is at risk; settle those that are not any more.

    The caller holds the invoices.
    """
    invoices = SupplierInvoice.objects.filter(pk__in=invoice_ids).select_related("supplier").defer("read")
    holds: dict[int, list[Hold]] = {}
    for hold in Hold.objects.filter(invoice__in=invoice_ids, released_at=None, is_warning=False).order_by("pk"):
        holds.setdefault(hold.invoice_id, []).append(hold)
    raised, settled = [], []
    for invoice in invoices:
        mine = holds.get(invoice.pk)
        if not mine or invoice.status == InvoiceStatus.REJECTED:
            settled.append(invoice.reference)
            continue
        reasons = [f"{HoldCode(h.code).label}: {h.invoiced}, expected {h.expected}" for h in mine[:3]]
        raised.append(
            Attention(
                kind=KIND,
                subject=f"{invoice.number} · {invoice.supplier.name if invoice.supplier else ''}"[:200],
                reason="; ".join(reasons) + (f"; and {len(mine) - 3} more" if len(mine) > 3 else ""),
                document=invoice.reference,
                scope="invoices:write",
                at_risk=max(sum((h.amount_at_risk for h in mine), Decimal(0)), Decimal(0)),
                currency=invoice.currency,
                step_label="Decide",
                step_url=f"/buying/invoices/{invoice.pk}/",
                raised_at=timezone.now(),
            )
        )
    raise_attention(raised)
    settle_attention(kind=KIND, documents=settled, by="system")
