"""What the official rules of EN 16931 say of an invoice's file, remembered by what the file is."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache

from purchasing.einvoices.carrying import as_plain
from purchasing.einvoices.findings import Finding, Severity
from purchasing.einvoices.reading import read_invoice
from purchasing.einvoices.rules import rule_findings
from purchasing.models import SupplierInvoice
from retailhub.core.errors import DomainError

_KEPT = 30 * 24 * 3600


def rules_of(invoice: SupplierInvoice) -> list[dict[str, Any]]:
    """Answer what the rules complain about; a note says so where they are not installed or cannot be asked."""
    key = f"invoice-rules:{invoice.file_hash}"
    known: list[dict[str, Any]] | None = cache.get(key) if invoice.file_hash else None
    if known is not None:
        return known
    try:
        with invoice.file.open("rb") as file:
            stream: Any = file
            found = rule_findings(read_invoice(stream, invoice.file.name or "invoice"))
    except (DomainError, OSError):
        found = (Finding(code="rules_not_applied", severity=Severity.NOTE, detail="The file cannot be read any more."),)
    plain = [as_plain(finding) for finding in found]
    if invoice.file_hash and not any(finding["code"] == "rules_not_applied" for finding in plain):
        cache.set(key, plain, _KEPT)
    return plain
