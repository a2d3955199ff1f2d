"""The journal at the API: entries with their lines, filters, files, and who may see them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from retailhub.accounting.services.posting import post_entries, reverse_entry
from tests.factories.accounting import new_entry, posted
from tests.factories.core import program
from tests.factories.inventory import LocationFactory

pytestmark = pytest.mark.django_db


def keys(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [entry["key"] for entry in answer.json()["results"]]


def test_an_entry_is_shown_with_its_lines() -> None:
    entry = posted(
        "receipt:GR-1", reference="receipt:GR-1#1", party="supplier:ACME", original_amount=Decimal("-130.5"),
        original_currency="USD",
    )  # fmt: skip
    reversal = reverse_entry(key="receipt:GR-1", date=date(2026, 11, 13), actor="ann")

    back, shown = program("accounting:read").read("/journal/").json()["results"]

    assert (back["number"], back["reverses"], back["lines"][0]["amount"]) == (reversal.number, entry.number, "-120.00")
    assert shown["date"] == shown["document_date"] == "2026-11-12"
    assert (shown["document"], shown["currency"], shown["reverses"]) == ("receipt:GR-1", "EUR", None)
    debit, credit = shown["lines"]
    assert (debit["account"], debit["role"], debit["amount"], debit["original_amount"]) == (
        "1200", "inventory", "120.00", None,
    )  # fmt: skip
    assert credit == {
        "line": 2, "account": "2100", "account_name": "Goods received, not invoiced", "role": "grni",
        "amount": "-120.00", "location": "", "party": "supplier:ACME", "reference": "receipt:GR-1#1", "memo": "",
        "original_amount": "-130.50", "original_currency": "USD",
    }  # fmt: skip


def test_filters() -> None:
    posted("a", document="receipt:GR-1", date=date(2026, 10, 31))
    posted("b", document="receipt:GR-2", date=date(2026, 11, 1), debit="grni", credit="payable")
    client = program("accounting:read")

    def found(**query: str) -> list[str]:
        return keys(client.read("/journal/", **query))

    assert found() == ["b", "a"]
    assert found(period="2026-10") == ["a"]
    assert found(period="2026") == ["b", "a"]
    assert found(document="receipt:GR-2") == ["b"]
    assert found(account="payable") == found(account="2000") == ["b"]
    assert found(account="2100", period="2026-10") == ["a"]
    assert found(account="nothing") == found(account="99") == []
    for period in ("soon", "2026-13"):
        refusal = client.read("/journal/", period=period)
        assert refusal.status_code == 400
        assert refusal.json()["errors"][0]["parameter"] == "period"


def test_a_page_reads_as_many_statements_for_many_entries_as_for_few() -> None:
    client = program("accounting:read")
    client.read("/journal/")
    counts = []
    for count in (1, 30):
        post_entries(entries=[new_entry(f"{count}:{n}") for n in range(count)], actor="test")
        with CaptureQueriesContext(connection) as sent:
            client.read("/journal/")
        counts.append(len(sent))

    assert counts[0] == counts[1] <= 6


@pytest.mark.parametrize(
    ("form", "content_type", "name", "piece"),
    [
        ("beancount", "text/plain; charset=utf-8", "journal-2026-11.beancount", "open Assets:1200-Inventory EUR"),
        ("hledger", "text/plain; charset=utf-8", "journal-2026-11.journal", "account Assets:1200-Inventory"),
        ("csv", "text/csv; charset=utf-8", "journal-2026-11.csv", "receipt:GR-1"),
    ],
)
def test_the_journal_comes_as_a_file(form: str, content_type: str, name: str, piece: str) -> None:
    posted("receipt:GR-1")

    answer = program("accounting:read").read("/journal/export/", format=form, period="2026-11")

    assert answer.status_code == 200
    assert answer["Content-Type"] == content_type
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
    assert answer.streaming
    assert piece in b"".join(answer.streaming_content).decode()


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({}, "format"),
        ({"format": "pdf"}, "format"),
        ({"format": "csv", "period": "x"}, "period"),
        ({"format": "csv", "account": "1"}, "account"),
    ],
)
def test_an_odd_export_is_refused_in_words(query: dict[str, str], parameter: str) -> None:
    refusal = program("accounting:read").read("/journal/export/", **query)

    assert refusal.status_code == 400
    assert refusal.json()["errors"][0]["parameter"] == parameter


def test_a_right_at_some_places_opens_no_part_of_the_books() -> None:
    LocationFactory.create(code="lyon")
    posted("receipt:GR-1", location="lyon")
    local = program("accounting:read", locations=["lyon"])

    assert keys(local.read("/journal/")) == []
    assert local.read("/journal/export/", format="csv").status_code == 403
    for client in (program("stock:read", "costs:read"), program("accounting:write")):
        assert client.read("/journal/").status_code == 403
        assert client.read("/journal/export/", format="csv").status_code == 403
