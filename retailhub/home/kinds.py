"""What each kind of attention row is called, and how loud it is."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

KINDS: dict[str, tuple[StrOrPromise, str]] = {
    "oversold": (_("Oversold"), "bad"),
    "short": (_("Short"), "warn"),
    "unmapped": (_("Unmapped"), "warn"),
    "discrepancy": (_("Differs"), "warn"),
    "listing_refused": (_("Refused"), "warn"),
    "refused": (_("Refused"), "warn"),
    "dead_letter": (_("Failed event"), "bad"),
    "quarantined": (_("Quarantined"), "bad"),
    "needs_auth": (_("Sign in again"), "bad"),
    "stalled": (_("Stalled"), "bad"),
    "channel_stalled": (_("Stalled"), "bad"),
    "late": (_("Late"), "bad"),
    "held": (_("Held"), "info"),
    "job_failed": (_("Job failed"), "bad"),
    "unsure": (_("Unsure"), "warn"),
    "paper_unsent": (_("Not sent"), "bad"),
    "purchase_approval": (_("To approve"), "info"),
    "purchase_unconfirmed": (_("Not confirmed"), "warn"),
    "purchase_late": (_("Late"), "bad"),
    "proposal_buyer": (_("To approve"), "info"),
    "proposal_supplier": (_("Supplier answered"), "warn"),
    "delivery_over": (_("Not ordered"), "warn"),
    "delivery_wrong": (_("Wrong goods"), "warn"),
    "delivery_damaged": (_("Came damaged"), "warn"),
    "delivery_parked": (_("Parked"), "warn"),
    "special_order_given_up": (_("Not wanted"), "warn"),
    "invoice_held": (_("Invoice held"), "warn"),
    "low_stock": (_("Low stock"), "warn"),
}


def label_of(kind: str) -> StrOrPromise:
    known = KINDS.get(kind)
    return known[0] if known else kind.replace("_", " ").capitalize()


def tone_of(kind: str) -> str:
    known = KINDS.get(kind)
    return known[1] if known else "warn"
