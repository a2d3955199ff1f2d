"""Exports: judged by beancount and hledger themselves, and found wanting when the books do not agree."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from retailhub.accounting.exporting.content import account_names
from retailhub.accounting.models import Account
from retailhub.accounting.services.closing import close_period
from retailhub.accounting.services.exporting import export_journal
from retailhub.accounting.services.posting import post_entries, reverse_entry
from retailhub.core.errors import Invalid
from tests.factories.accounting import new_entry, posted

pytestmark = pytest.mark.django_db

ODD = [
    'He said "no\\" and left', "a; b ;c", "กาแฟ ร้อน น้ำ", "冰 咖啡", "[2026-13-45] [=3]", "date:tomorrow, date2: x",
    "* ! (x) | y", "=1+1", "^link #tag @ 3", "\u2028 next", "100% {1} 2 @@ 3 EUR", "2026-11-12 open Assets:X",
    "'", "`", "~ 0 EUR",
    "x" * 2_000, "\\", '"', "account Assets:Y", "-", "comment", "end comment", "é\u0301", "🎉",
]  # fmt: skip


def judge(name: str) -> str:
    """Answer the program that judges; a test that needs it is skipped where it is missing."""
    beside = Path(sys.executable).parent / name
    named = os.environ.get(name.replace("-", "_").upper())
    found = named or shutil.which(name) or (str(beside) if beside.exists() else None)
    if found is None:
        pytest.skip(f"{name} is not installed; {name.replace('-', '_').upper()} names one")
    return found


def text_of(form: str, period: str = "") -> str:
    return "".join(export_journal(form=form, period=period).pieces)


def complaints(form: str, text: str, folder: Path) -> str:
    """Answer what the judge says against a file; nothing when it is content."""
    file = folder / f"journal.{form}"
    file.write_text(text, encoding="utf-8")
    if form == "beancount":
        command = [judge("bean-check"), "--no-cache", str(file)]
    else:
        command = [judge("hledger"), "check", "--strict", "-f", str(file)]
    env = {**os.environ, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=False)
    return done.stdout + done.stderr if done.returncode or done.stderr else ""


@pytest.fixture
def books(proved: dict[str, str]) -> dict[str, str]:
    """Receipts of two months, one reversed, one in dollars, one late for a closed month; all proved."""
    posted("receipt:GR-1", "120.00", reference="receipt:GR-1#1", party="supplier:ACME", date=date(2026, 10, 5))
    posted("receipt:GR-2", "80.10", reference="receipt:GR-2#1", location="lyon", memo="80 lamps")
    posted(
        "receipt:GR-3", "9.99", reference="receipt:GR-3#1", original_amount=Decimal("-11.1234"), original_currency="USD"
    )
    reverse_entry(key="receipt:GR-3", date=date(2026, 11, 14), actor="test")
    close_period(start=date(2026, 10, 1), today=date(2026, 11, 1), actor="test")
    posted("receipt:GR-4", "5.00", reference="receipt:GR-4#1", date=date(2026, 10, 30), or_first_open=True)
    proved.update({"receipt:GR-1#1": "120.00", "receipt:GR-2#1": "80.10", "receipt:GR-4#1": "5.00"})
    return proved


@pytest.mark.parametrize("form", ["beancount", "hledger"])
@pytest.mark.parametrize("period", ["", "2026-10", "2026-11", "2026", "2020"])
def test_the_judge_accepts_the_books(books: dict[str, str], form: str, period: str, tmp_path: Path) -> None:
    assert complaints(form, text_of(form, period), tmp_path) == ""


@pytest.mark.parametrize("form", ["beancount", "hledger"])
@pytest.mark.parametrize("period", ["", "2026-11"])
def test_the_judge_finds_a_cent_between_books_and_documents(
    books: dict[str, str], form: str, period: str, tmp_path: Path
) -> None:
    books["receipt:GR-2#1"] = "80.11"

    said = complaints(form, text_of(form, period), tmp_path).lower()

    assert "2100-goods-received-not-invoiced" in said
    assert "balance" in said


@pytest.mark.parametrize("form", ["beancount", "hledger"])
def test_the_judge_finds_a_cent_between_debit_and_credit(books: dict[str, str], form: str, tmp_path: Path) -> None:
    text = text_of(form)
    assert "  80.10 EUR" in text

    assert "balance" in complaints(form, text.replace("  80.10 EUR", "  80.12 EUR", 1), tmp_path).lower()


@pytest.mark.parametrize("form", ["beancount", "hledger"])
def test_odd_texts_pass_through(form: str, tmp_path: Path) -> None:
    for number, text in enumerate(ODD):
        posted(f"odd:{number}", text=text, memo=text, party=text[:100], reference=text[:100], document=text[:70])
    for number, name in enumerate(['Rent; "flat" \\ 2', "Rent  flat 2", "ค่าเช่า", "家賃", "(x) [y] *", "-"]):
        Account.objects.create(number=f"61{number}0", name=name, kind="expense")
    Account.objects.filter(role="bank").update(name="Bank\n2020-01-01 open Assets:X")
    for account in Account.objects.filter(role=None):
        posted(f"own:{account.number}", debit=account.number)

    text = text_of(form)

    assert complaints(form, text, tmp_path) == ""
    assert "กาแฟ ร้อน น้ำ" in text
    assert "\n2020-01-01 open" not in text


@pytest.mark.parametrize("form", ["beancount", "hledger"])
@pytest.mark.parametrize(("currency", "amount"), [("JPY", "1200"), ("TND", "1.234"), ("EUR", "0.01")])
def test_each_home_currency_has_its_own_places(
    currency: str, amount: str, form: str, settings: Any, proved: dict[str, str], tmp_path: Path
) -> None:
    settings.HOME_CURRENCY = currency
    posted("receipt:GR-1", amount, reference="r#1")
    proved["r#1"] = amount

    text = text_of(form)

    assert f"{amount} {currency}\n" in text
    assert complaints(form, text, tmp_path) == ""


@pytest.mark.parametrize("form", ["beancount", "hledger"])
def test_books_without_entries_are_books(form: str, proved: dict[str, str], tmp_path: Path) -> None:
    assert complaints(form, text_of(form), tmp_path) == ""


def test_a_period_begins_with_what_stood_before(books: dict[str, str]) -> None:
    november = text_of("beancount", "2026-11")

    assert '2026-11-01 * "Opening balances"\n  Assets:1200-Inventory  120.00 EUR\n' in november
    assert "receipt:GR-4" in november
    assert 'number: "JE' in november
    assert "GR-1" not in november
    assert "2026-11-15 balance Assets:1200-Inventory  205.10 ~ 0 EUR" in november
    october = text_of("beancount", "2026-10")
    assert "receipt:GR-1" in october
    assert "GR-2" not in october
    assert " balance " not in october  # what the documents prove today says nothing of the end of October


def test_each_entry_is_linked_to_its_document(books: dict[str, str]) -> None:
    text = text_of("beancount")

    assert "^receipt-GR-2" in text
    assert '    reference: "receipt:GR-2#1"\n' in text
    assert "    original: -11.1234 USD\n" in text
    assert "  document_date: 2026-10-30\n" in text


def test_names_of_accounts_are_made_of_number_and_name_and_never_equal() -> None:
    accounts = [
        Account(pk=1, number="1200", name="Inventory", kind="asset"),
        Account(pk=2, number="6100.1", name="Rent", kind="expense"),
        Account(pk=3, number="6100-1", name="Rent", kind="expense"),
        Account(pk=4, number="4000", name="Ventes été / 店", kind="income"),
    ]

    assert account_names(accounts) == {
        1: "Assets:1200-Inventory",
        2: "Expenses:6100-1-Rent",
        3: "Expenses:6100-1-Rent-2",
        4: "Income:4000-Ventes-été-店",
    }


def test_the_table_has_a_row_per_line_and_no_formula(books: dict[str, str]) -> None:
    posted("odd", "1.00", text="=HYPERLINK(1)", memo="+1", party="@x", reference="-1")

    rows = list(csv.DictReader(io.StringIO(text_of("csv").removeprefix("\ufeff"))))

    assert len(rows) == 12
    by_key = {(row["key"], row["line"]): row for row in rows}
    first = by_key["receipt:GR-1", "1"]
    assert (first["account"], first["account_name"], first["debit"], first["credit"], first["currency"]) == (
        "1200", "Inventory", "120.00", "", "EUR",
    )  # fmt: skip
    assert by_key["receipt:GR-1", "2"]["credit"] == "120.00"
    assert by_key["receipt:GR-3", "2"]["original_amount"] == "-11.1234"
    assert by_key["receipt:GR-3:reversed", "1"]["reverses"] == by_key["receipt:GR-3", "1"]["entry"]
    odd = by_key["odd", "2"]
    assert [odd[name][0] for name in ("text", "memo", "party", "reference")] == ["'"] * 4
    debit, credit = (sum(Decimal(row[side] or 0) for row in rows) for side in ("debit", "credit"))
    assert debit == credit


def test_an_export_reads_as_many_statements_for_many_entries_as_for_few() -> None:
    counts = []
    for count in (1, 100):
        post_entries(entries=[new_entry(f"{count}:{n}") for n in range(count)], actor="test")
        with CaptureQueriesContext(connection) as sent:
            text_of("beancount")
        counts.append(len(sent))

    assert counts[0] == counts[1] <= 8


def test_another_form_or_period_is_refused_before_anything_is_written() -> None:
    with pytest.raises(Invalid) as refusal:
        export_journal(form="pdf", period="2026-13")

    assert [error.extra["parameter"] for error in refusal.value.errors] == ["format", "period"]


def test_the_command_writes_a_file_or_to_the_screen(books: dict[str, str], tmp_path: Path, capsys: Any) -> None:
    call_command("export_journal", format="hledger", output=str(tmp_path / "x.journal"))
    call_command("export_journal", form="csv", period="2026-11")

    assert (tmp_path / "x.journal").read_text() == text_of("hledger")
    assert "receipt:GR-2" in capsys.readouterr().out
    with pytest.raises(CommandError, match="a month such as"):
        call_command("export_journal", period="soon")
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("export_journal", output=str(tmp_path / "no" / "x"))
