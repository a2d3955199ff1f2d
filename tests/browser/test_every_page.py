"""Every page, at a desk and on a phone, light and dark: it answers, says nothing in the console, asks no other host,
fits the screen and can be read."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from inventory.services.costing_methods import change_costing_method
from inventory.services.writing_down import write_down
from retailhub.accounting.models import JournalEntry
from retailhub.core.access import Role
from retailhub.core.models import Attention, Job
from tests.browser.conftest import Visitor
from tests.factories.accounting import posted
from tests.factories.core import key_with, person
from tests.factories.inventory import receive
from tests.pages.conftest import Shop

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NOWHERE = "/no/such/page/"
RECORD_LISTS = (
    "inventory_item", "inventory_stocklevel", "inventory_stockmovement", "inventory_transfer", "inventory_location",
    "orders_order", "channels_listing", "channels_pushlog", "outbox_delivery", "core_user", "core_apikey",
    "inventory_costpool", "inventory_costlayer", "inventory_valueadjustment",
    "accounting_journalentry", "accounting_account", "accounting_period",
)  # fmt: skip


def addresses(shop: Shop) -> list[str]:
    item, order, transfer = shop.mug.sku, shop.order.number, shop.transfer.number
    return [
        "/",
        "/work/",
        "/work/?show=snoozed",
        "/work/?show=mine",
        "/place/",
        "/lists/inventory.item/save/?of=status__exact%3Dactive",
        "/lists/inventory.item/columns/",
        "/admin/inventory/item/?status__exact=active&cols=item,price_shown",
        NOWHERE,
        "/find/?q=mu&go=1",
        "/jobs/",
        "/audit/",
        f"/items/{item}/",
        f"/items/{shop.kit.sku}/",
        f"/items/{item}/-/adjust/",
        f"/items/{item}/-/write-down/",
        f"/items/{item}/-/costing-method/",
        f"/orders/{order}/",
        f"/orders/{shop.short.number}/",
        f"/orders/{order}/ship/",
        f"/transfers/{transfer}/",
        "/transfers/new/?sku=MUG/BLUE",
        "/channels/",
        "/channels/web/",
        "/channels/-/connect/?kind=sandbox",
        "/api-keys/new/",
        "/books/",
        "/books/?period=2026-11",
        "/books/accounts/2100/",
        "/books/post/",
        "/books/proofs/",
        f"/books/entries/{JournalEntry.objects.get(kind='receipt').number}/",
        *(reverse(f"admin:{name}_changelist") for name in RECORD_LISTS),
        reverse("admin:inventory_item_change", args=[shop.mug.pk]),
        reverse("admin:channels_account_change", args=[shop.account.pk]),
        reverse("admin:inventory_item_add"),
    ]


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """The shop with something in every panel."""
    key_with("items:read")
    change_costing_method(items=[shop.mug], method="fifo", actor="ana", note="as our auditor asked")
    receive(shop.mug, shop.lyon, 4, "7.5", document="receipt:GR-1")
    write_down(item=shop.mug, amount=Decimal("12.50"), actor="ana", note="out of fashion")
    posted("receipt:GR-1", "1234567.89", reference="receipt:GR-1#1", party="supplier:ACME")
    Job.objects.create(kind="import", label="Item import", total=100, done=40, failed=2, state=Job.State.DONE)
    Attention.objects.create(
        kind="oversold", subject="Enamel mug, blue", reason="2 sold, 0 here", document="order:1", scope="orders:read",
        at_risk="178.00", currency="EUR", raised_at=timezone.now(), step_label="Transfer", step_url="/transfers/new/",
    )  # fmt: skip
    return shop


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("width", [1360, 390])
def test_pages_are_sound(busy: Shop, visit: Callable[..., Visitor], width: int, mode: str) -> None:
    visitor = visit(person(Role.ADMINISTRATOR), width=width, mode=mode)
    visitor.expected_statuses = {404}
    found: dict[str, Any] = {}

    for address in addresses(busy):
        status, trouble = visitor.go(address), list(visitor.trouble)
        visitor.trouble.clear()
        wrong = {
            "status": status if status != (404 if address == NOWHERE else 200) else None,
            "trouble": trouble,
            "overflow": max(0, visitor.overflow()),
            "pale": visitor.pale_words() if visitor.page.locator(".rh-page").count() else [],
            "main": None if visitor.page.locator("main, [role=main]").count() == 1 else "no single main landmark",
            "title": None if "retailhub" in visitor.page.title() else visitor.page.title(),
        }
        if any(wrong.values()):
            found[address] = {name: value for name, value in wrong.items() if value}

    assert not found


@pytest.mark.parametrize("role", [Role.WAREHOUSE, Role.ACCOUNTANT])
def test_the_menu_leads_nowhere_forbidden(role: str, shop: Shop, visit: Callable[..., Visitor]) -> None:
    visitor = visit(person(role))
    visitor.go("/")
    links = visitor.page.eval_on_selector_all("#nav-sidebar-apps a", "links => links.map(a => a.getAttribute('href'))")

    answers = {link: visitor.go(link) for link in links}

    assert set(answers.values()) == {200}
    assert "/admin/core/user/" not in answers
    for link in links:
        visitor.go(link)
        assert visitor.page.locator("#nav-sidebar-apps a.active").count() == 1, link


def test_the_login_page_is_sound(shop: Shop, visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    user = person(Role.STORE_MANAGER)

    visitor.go("/")
    visitor.page.fill("#id_username", user.username)
    visitor.page.fill("#id_password", "a long password")
    visitor.page.click("button[type=submit]")
    visitor.page.wait_for_url(f"{visitor.base}/")

    assert visitor.page.locator("h2", has_text="Needs you").is_visible()
    assert not visitor.trouble


def test_without_javascript_the_page_says_why_it_is_empty(shop: Shop, visit: Callable[..., Visitor]) -> None:
    for user, address in ((None, "/admin/login/"), (person(Role.BUYER), "/")):
        visitor = visit(user, java_script_enabled=False)
        visitor.page.goto(visitor.base + address)
        assert "needs JavaScript" in visitor.page.inner_text("body")
