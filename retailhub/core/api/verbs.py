"""Verbs that are promised but not built yet."""

from __future__ import annotations

from retailhub.core.errors import DomainError


class NotAvailableYet(DomainError):
    """This release cannot do this yet; nothing was changed."""

    code = "not_available_yet"
