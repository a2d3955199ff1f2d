"""The pages of the books: what they say, what they do, and to whom."""

from __future__ import annotations

import re
from datetime import date
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from retailhub.accounting.models import Account, JournalEntry, Period
from retailhub.accounting.services.by_hand import reverse_by_hand
from retailhub.accounting.services.closing import close_period
from retailhub.accounting.services.posting import NotReversible, post_entries
from retailhub.core.access import Role
from tests.factories.accounting import new_entry, posted
from tests.factories.core import person
from tests.factories.inventory import LocationFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> Client:
    """An accountant's browser."""
    return client_of(Role.ACCOUNTANT)


def client_of(role: str, locations: list[str] | None = None) -> Client:
    client = Client()
    client.force_login(person(role, locations=locations), backend="django.contrib.auth.backends.ModelBackend")
    return client


def words(answer: Any) -> str:
    """Answer what a page says, without its marks."""
    assert answer.status_code == 200, answer.status_code
    main = answer.content.decode().partition('class="rh-page"')[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


def test_the_trial_balance_leads_to_accounts_entries_and_documents(ann: Client) -> None:
    posted("a", "100.00", date=date(2026, 10, 31))
    entry = posted("b", "20.00", document="transfer:TR-7", reference="receipt:GR-2#1", party="supplier:ACME")

    november = ann.get("/books/?period=2026-11")
    account = ann.get("/books/accounts/2100/?period=2026-11")
    shown = ann.get(f"/books/entries/{entry.number}/")

    assert "1200 Inventory Asset €100.00 €20.00 €0.00 €120.00" in words(november)
    assert 'href="/books/accounts/2100/?period=2026-11"' in november.content.decode()
    assert "€120.00" in words(ann.get("/books/"))
    assert f"{entry.number} Goods received 2026-11-12 TR-7 receipt:GR-2#1 supplier:ACME €20.00" in words(account)
    assert f'href="/books/entries/{entry.number}/"' in account.content.decode()
    assert 'href="/transfers/TR-7/"' in shown.content.decode()
    assert "1200 Inventory €20.00" in words(shown)


def test_an_account_says_what_is_open_and_since_when(ann: Client) -> None:
    posted("a", "100.00", reference="receipt:GR-1#1", party="supplier:ACME", date=date(2020, 1, 2))
    posted("b", "20.00", reference="receipt:GR-2#1")

    text = words(ann.get("/books/accounts/2100/"))

    assert "90+ days -€100.00" in text
    assert "receipt:GR-1#1 supplier:ACME 2020-01-02" in text
    assert (
        "receipt:GR-2#1" not in words(ann.get("/books/accounts/2100/?reference=receipt:GR-1%231")).partition("Lines")[2]
    )
    assert "Open items" not in words(ann.get("/books/accounts/1200/"))


def test_lines_of_an_account_come_in_pages(ann: Client) -> None:
    post_entries(entries=[new_entry(f"{n:03}") for n in range(150)], actor="test")

    first = ann.get("/books/accounts/1200/")
    older = re.search(r'href="(\?before=[^"]+)"', first.content.decode())
    assert older
    second = ann.get(f"/books/accounts/1200/{unescape(older[1])}")

    numbers = [re.findall(r"/books/entries/(JE-\d+)/", page.content.decode()) for page in (first, second)]
    assert [len(n) for n in numbers] == [100, 50]
    assert len({*numbers[0], *numbers[1]}) == 150
    assert "?before=" not in second.content.decode()


@pytest.mark.parametrize("before", ["x", "2026-02-30.1.1", "2026-11-12.999999999999999999999.1", "2026-11-12.1", "%00"])
def test_an_odd_place_in_the_address_is_the_beginning(ann: Client, before: str) -> None:
    posted()

    assert ann.get(f"/books/accounts/1200/?before={before}").status_code in {200, 400}


@pytest.mark.parametrize("address", ["/books/", "/books/accounts/1200/", "/books/proofs/", "/books/post/"])
def test_a_period_that_is_none_is_refused_in_words(ann: Client, address: str) -> None:
    answer = ann.get(f"{address}?period=soon")

    assert answer.status_code == 400
    assert "A period is a month" in answer.content.decode()


def test_what_is_not_there_is_not_found(ann: Client) -> None:
    for address in (
        "accounts/99/",
        "entries/JE-0/",
        "entries/JE-0/reverse/",
        "periods/2026/close/",
        "periods/x/reopen/",
    ):
        assert ann.get(f"/books/{address}").status_code == 404, address
    assert ann.post("/books/periods/2026-13/close/").status_code == 404


def test_pages_read_as_many_statements_for_many_entries_as_for_few(ann: Client) -> None:
    for address in (
        "/books/?period=2026-11",
        "/books/accounts/2100/",
        reverse("admin:accounting_journalentry_changelist"),
    ):
        posted(f"{address} one", reference=address)
        ann.get(address)
        counts = []
        for number in range(2):
            with CaptureQueriesContext(connection) as sent:
                assert ann.get(address).status_code == 200
            counts.append(len(sent))
            post_entries(
                entries=[new_entry(f"{address} {number} {n}", reference=f"{address} {n}") for n in range(30)], actor="x"
            )
        assert counts[0] == counts[1] <= 12, address


# --- posting by hand -------------------------------------------------------------------------------------------------
KEY = f"manual:{'a' * 32}"


def filled(**given: Any) -> dict[str, Any]:
    return {
        "key": KEY, "once": "", "date": "2026-11-20", "text": "Old receipts cleared", "document": "",
        "account_1": "2100", "debit_1": "12.50", "reference_1": "receipt:GR-1#1", "party_1": "supplier:ACME",
        "account_3": "5100", "credit_3": "12.50", **given,
    }  # fmt: skip


def test_an_entry_by_hand(ann: Client) -> None:
    assert "Post by hand" in words(ann.get("/books/post/"))

    answer = ann.post("/books/post/", filled())

    entry = JournalEntry.objects.get()
    assert answer["Location"] == f"/books/entries/{entry.number}/"
    assert (entry.kind, entry.key, entry.text, str(entry.date)) == ("manual", KEY, "Old receipts cleared", "2026-11-20")
    assert entry.actor.startswith("user:person-")
    assert [
        (line.account.role, str(line.amount), line.reference, line.party) for line in entry.lines.order_by("line")
    ] == [
        ("grni", "12.5000", "receipt:GR-1#1", "supplier:ACME"),
        ("price_variance", "-12.5000", "", ""),
    ]
    ann.post("/books/post/", filled())
    assert JournalEntry.objects.count() == 1


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ({"credit_3": "12.49"}, 409, "debit and credit differ by 0.01"),
        ({"credit_1": "12.50"}, 422, "either a debit or a credit"),
        ({"debit_1": ""}, 422, "either a debit or a credit"),
        ({"account_3": ""}, 422, "Choose an account"),
        ({"account_3": "99"}, 422, "not one of the available choices"),
        ({"debit_1": "12.505"}, 422, "no more than 2 decimal places"),
        ({"debit_1": "-1"}, 422, "greater than or equal to 0"),
        ({"debit_1": "NaN"}, 422, "Enter a number"),
        ({"date": ""}, 422, "required"),
        ({"text": ""}, 422, "required"),
        ({"key": "x"}, 422, "open it anew"),
        ({"date": "2026-10-20"}, 409, "the books are closed through 2026-10-31"),
        (dict.fromkeys(("account_1", "debit_1", "account_3", "credit_3"), ""), 422, "at least two lines"),
    ],
)
def test_a_wrong_entry_comes_back_as_it_was_typed(ann: Client, given: dict[str, str], status: int, said: str) -> None:
    close_period(start=date(2026, 10, 1), today=date(2026, 11, 1), actor="test")

    answer = ann.post("/books/post/", filled(**given))

    assert answer.status_code == status
    text = answer.content.decode()
    assert said in unescape(text)
    assert "receipt:GR-1#1" in text
    assert not JournalEntry.objects.exists()


def test_an_entry_by_hand_is_taken_back_by_hand_and_no_other(ann: Client) -> None:
    ann.post("/books/post/", filled())
    entry, receipt = JournalEntry.objects.get(), posted("receipt:GR-1")
    assert "Reverse" in words(ann.get(f"/books/entries/{entry.number}/"))
    assert "Reverse" not in words(ann.get(f"/books/entries/{receipt.number}/"))

    answer = ann.post(f"/books/entries/{entry.number}/reverse/", {"date": "2026-11-21", "text": "mistaken"})
    refusal = ann.post(f"/books/entries/{receipt.number}/reverse/", {"date": "2026-11-21"})

    assert answer["Location"] == f"/books/entries/{entry.number}/"
    reversal = JournalEntry.objects.get(reverses=entry)
    assert (reversal.text, str(reversal.date)) == ("mistaken", "2026-11-21")
    assert reversal.number in words(ann.get(f"/books/entries/{entry.number}/"))
    assert refusal.status_code == 409
    assert "was posted by receipt:GR-1" in refusal.content.decode()
    with pytest.raises(NotReversible):
        reverse_by_hand(number=reversal.number, date=date(2026, 11, 22), actor="x")
    assert JournalEntry.objects.count() == 3


# --- periods ---------------------------------------------------------------------------------------------------------
def test_months_are_closed_and_opened_by_dialogs_that_post(ann: Client) -> None:
    posted("a", date=date(2026, 9, 1))
    posted("b", date=date(2026, 10, 1))
    listed = reverse("admin:accounting_period_changelist")
    assert "/books/periods/2026-09/close/" in ann.get(listed).content.decode()
    assert "/books/periods/2026-10/close/" not in ann.get(listed).content.decode()

    assert ann.get("/books/periods/2026-09/close/").status_code == 200
    assert not Period.objects.filter(state="closed").exists()
    assert ann.post("/books/periods/2026-10/close/").status_code == 409
    assert ann.post("/books/periods/2026-09/close/")["Location"] == listed
    assert Period.objects.get(state="closed").code == "2026-09"
    assert "/books/periods/2026-09/reopen/" in ann.get(listed).content.decode()
    assert ann.post("/books/periods/2026-09/reopen/", {"reason": ""}).status_code == 422
    assert ann.post("/books/periods/2026-09/reopen/", {"reason": "late invoice"}).status_code == 302
    assert not Period.objects.filter(state="closed").exists()
    page = ann.get(reverse("admin:accounting_period_change", args=[Period.objects.get(start=date(2026, 9, 1)).pk]))
    assert "late invoice" in page.content.decode()


# --- records ---------------------------------------------------------------------------------------------------------
def test_accounts_are_renamed_and_added_but_keep_their_meaning(ann: Client) -> None:
    bank = Account.objects.get(role="bank")
    change, add = reverse("admin:accounting_account_change", args=[bank.pk]), reverse("admin:accounting_account_add")

    assert ann.post(change, {"number": "1001", "name": "House bank", "kind": "expense", "role": ""}).status_code == 302
    bank.refresh_from_db()
    assert (bank.number, bank.name, bank.kind, bank.role) == ("1001", "House bank", "asset", "bank")
    assert ann.post(add, {"number": "6100", "name": "Rent", "kind": "expense", "role": "cogs"}).status_code == 302
    assert Account.objects.get(number="6100").role is None
    for number in ("cash", "1001", ""):
        assert ann.post(add, {"number": number, "name": "x", "kind": "asset"}).status_code == 200
    assert Account.objects.filter(name="x").count() == 0


def test_the_journal_is_found_by_number_document_period_and_account(ann: Client) -> None:
    first = posted("receipt:GR-1", date=date(2026, 10, 1))
    second = posted("receipt:GR-2", debit="grni", credit="payable")
    listed = reverse("admin:accounting_journalentry_changelist")

    def found(**query: str) -> set[str]:
        return set(re.findall(r"/books/entries/(JE-\d+)/", ann.get(listed, query).content.decode()))

    assert found() == {first.number, second.number}
    assert found(q=first.number) == {first.number}
    assert found(q="receipt:GR-2") == {second.number}
    assert found(period="2026-10") == {first.number}
    assert found(account="2000") == {second.number}
    page = ann.get(reverse("admin:accounting_journalentry_change", args=[first.pk])).content.decode()
    assert "2100 Goods received, not invoiced" in page
    assert ann.post(reverse("admin:accounting_journalentry_change", args=[first.pk]), {"text": "x"}).status_code == 403


def test_proofs_say_where_books_and_documents_differ(ann: Client, proved: dict[str, str]) -> None:
    posted("receipt:GR-1", "120.00", reference="receipt:GR-1#1")
    proved["receipt:GR-1#1"] = "120.00"
    assert "2100 Goods received, not invoiced 1 -€120.00 -€120.00 agrees" in words(ann.get("/books/proofs/"))

    proved["receipt:GR-1#1"] = "119.00"

    text = words(ann.get("/books/proofs/"))
    assert "2100 Goods received, not invoiced 1 -€119.00 -€120.00 differs" in text
    assert "receipt:GR-1#1" in text.partition("Where they differ")[2]


def test_who_keeps_books_at_one_place_keeps_none_for_the_house() -> None:
    LocationFactory.create(code="lyon")
    entry = posted(location="lyon")
    local = client_of(Role.ACCOUNTANT, locations=["lyon"])

    for address in ("/books/", "/books/accounts/1200/", f"/books/entries/{entry.number}/", "/books/post/"):
        assert local.get(address).status_code == 403, address
    assert local.post("/books/post/", filled()).status_code == 403
    assert local.post("/books/periods/2026-10/close/").status_code == 403
    assert entry.number not in local.get(reverse("admin:accounting_journalentry_changelist")).content.decode()
    bank = Account.objects.get(role="bank")
    assert local.post(reverse("admin:accounting_account_change", args=[bank.pk]), {"number": "1"}).status_code == 403
    assert JournalEntry.objects.count() == 1
