"""Where a document's page is. Ledger rows name documents by value (order:1042); apps above say where they are shown."""

from __future__ import annotations

from urllib.parse import quote

from django.urls import NoReverseMatch, reverse

# {kind of document: name of the URL that takes its number}
_PAGES: dict[str, str] = {}


def show_at(**pages: str) -> None:
    """Say at start which page shows which kind of document: `show_at(order="orders:order")`."""
    _PAGES.update(pages)


def address_of(document: str) -> str:
    """Answer the page's address, or nothing when no page shows such a document."""
    kind, _, number = document.partition(":")
    name = _PAGES.get(kind)
    if not name or not number:
        return ""
    try:
        return reverse(name, args=[number])
    except NoReverseMatch:
        return ""


def admin_search(label: str, number: str) -> str:
    """Answer the address of a record list narrowed to one number."""
    app, _, model = label.partition(".")
    return f"{reverse(f'admin:{app}_{model}_changelist')}?q={quote(number)}"
