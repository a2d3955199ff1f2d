"""Every page: open to who holds its right, closed to others, and nothing of other places."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import NoReverseMatch, reverse

from purchasing.models import Supplier
from retailhub.core.access import Role
from retailhub.core.models import ApiKey, Job
from tests.factories.core import key_with, person
from tests.factories.purchasing import SupplierFactory
from tests.pages.conftest import Browse, Shop

EVERYBODY: set[str] = set(Role.values)
WRITES_STOCK: set[str] = {Role.STORE_MANAGER, Role.WAREHOUSE, Role.ADMINISTRATOR}
SEES_COSTS: set[str] = {Role.STORE_MANAGER, Role.BUYER, Role.ACCOUNTANT, Role.ADMINISTRATOR}
POSTS: set[str] = {Role.ACCOUNTANT, Role.ADMINISTRATOR}
ADMINISTRATORS: set[str] = {Role.ADMINISTRATOR}
KEEPS_BOOKS: set[str] = {Role.ACCOUNTANT, Role.ADMINISTRATOR}


@pytest.fixture(autouse=True)
def siam(shop: Shop) -> Supplier:
    return SupplierFactory.create(code="SIAM")


def pages(shop: Shop) -> dict[str, set[str]]:
    item, order, transfer = shop.mug.sku, shop.order.number, shop.transfer.number
    return {
        "/": EVERYBODY,
        "/work/": EVERYBODY,
        "/find/?q=mug": EVERYBODY,
        "/jobs/": EVERYBODY,
        "/place/": EVERYBODY,
        "/lists/inventory.item/save/": EVERYBODY,
        "/lists/inventory.item/columns/": EVERYBODY,
        f"/items/{item}/": EVERYBODY,
        f"/items/{shop.kit.sku}/": EVERYBODY,
        f"/items/{item}/-/history/": EVERYBODY,
        f"/items/{item}/-/orders/": EVERYBODY,
        f"/items/{item}/-/channels/": EVERYBODY,
        f"/items/{item}/-/costs/": SEES_COSTS,
        f"/items/{item}/-/write-down/": POSTS,
        f"/items/{item}/-/costing-method/": POSTS,
        f"/items/{item}/-/adjust/": WRITES_STOCK,
        f"/items/{item}/-/count/": WRITES_STOCK,
        f"/items/{item}/-/receive/": WRITES_STOCK,
        f"/items/{item}/-/move/": WRITES_STOCK,
        "/transfers/new/": WRITES_STOCK,
        "/transfers/new/row/?code=MUG/BLUE&origin=depot": WRITES_STOCK,
        f"/transfers/{transfer}/": EVERYBODY,
        f"/transfers/{transfer}/ready/": WRITES_STOCK,
        f"/transfers/{transfer}/receive/": WRITES_STOCK,
        f"/orders/{order}/": EVERYBODY,
        f"/orders/{order}/ship/": {Role.STORE_MANAGER, Role.ADMINISTRATOR},
        f"/orders/{order}/cancel/": {Role.STORE_MANAGER, Role.ADMINISTRATOR},
        f"/orders/{order}/hold/": {Role.STORE_MANAGER, Role.ADMINISTRATOR},
        "/channels/": EVERYBODY,
        "/channels/web/": EVERYBODY,
        "/channels/web/health/": EVERYBODY,
        "/channels/-/connect/?kind=sandbox": ADMINISTRATORS,
        "/channels/web/pause/": ADMINISTRATORS,
        "/channels/web/resume/": ADMINISTRATORS,
        "/channels/web/sync/": ADMINISTRATORS,
        "/channels/web/retry/": ADMINISTRATORS,
        "/channels/web/exposure/": ADMINISTRATORS,
        "/books/": KEEPS_BOOKS,
        "/books/?period=2026-11": KEEPS_BOOKS,
        "/books/accounts/2100/": KEEPS_BOOKS,
        "/books/proofs/": KEEPS_BOOKS,
        "/books/post/": KEEPS_BOOKS,
        "/books/periods/2026-10/close/": KEEPS_BOOKS,
        "/books/periods/2026-10/reopen/": KEEPS_BOOKS,
        "/buying/reorder/": EVERYBODY,
        "/buying/suppliers/SIAM/": EVERYBODY,
        "/buying/orders/new/?supplier=SIAM&proposed=1": {Role.BUYER, Role.ADMINISTRATOR},
        "/audit/": ADMINISTRATORS,
        "/api-keys/new/": ADMINISTRATORS,
    }


@pytest.mark.parametrize("role", Role.values)
def test_each_role_opens_its_pages_and_no_others(role: str, shop: Shop, browse: Browse) -> None:
    client = browse.as_role(role)

    answers = {path: client.get(path).status_code for path in pages(shop)}

    assert answers == {path: 200 if role in roles else 403 for path, roles in pages(shop).items()}


def test_strangers_are_sent_to_the_login(shop: Shop, client: Client) -> None:
    for path in pages(shop):
        answer = client.get(path)
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/admin/login/"), path


def test_a_person_without_a_role_is_told_what_is_missing(shop: Shop, browse: Browse) -> None:
    answer = browse.as_user(person()).get("/")

    assert answer.status_code == 403
    assert "You need the right" in answer.content.decode()


@pytest.mark.parametrize("role", Role.values)
def test_every_record_list_answers_by_right(role: str, shop: Shop, browse: Browse) -> None:
    client = browse.as_role(role)
    user = client.get("/").context["user"]

    for model, model_admin in admin.site._registry.items():
        label = f"{model._meta.app_label}_{model._meta.model_name}"
        answer = client.get(reverse(f"admin:{label}_changelist"))
        may = user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")
        assert answer.status_code == (200 if may else 403), label
        if may:
            row = model_admin.get_queryset(answer.wsgi_request).first()
            if row is not None:
                opened = client.get(reverse(f"admin:{label}_change", args=[row.pk]))
                assert opened.status_code == 200, label


def test_another_places_papers_are_not_there(shop: Shop, browse: Browse) -> None:
    elsewhere = browse.as_role(Role.WAREHOUSE, ["paris"])

    assert elsewhere.get(f"/transfers/{shop.transfer.number}/").status_code == 404
    assert elsewhere.get(f"/orders/{shop.order.number}/").status_code == 404
    stock = elsewhere.get(reverse("admin:inventory_stocklevel_changelist")).content.decode()
    assert "Enamel mug" not in stock
    item = elsewhere.get(f"/items/{shop.mug.sku}/")
    assert item.context["stock"].total.on_hand == 0


def test_a_transfer_is_moved_on_only_at_its_own_end(shop: Shop, browse: Browse) -> None:
    receiver = browse.as_role(Role.WAREHOUSE, ["lyon"])

    answer = receiver.post(f"/transfers/{shop.transfer.number}/ready/")

    assert answer.status_code == 403
    shop.transfer.refresh_from_db()
    assert shop.transfer.status == "draft"


@pytest.mark.parametrize(
    "path", ["/items/NONE/", "/orders/NONE/", "/transfers/NONE/", "/channels/none/", "/customers/9/"]
)
def test_what_does_not_exist_says_so_inside_the_shell(path: str, shop: Shop, browse: Browse) -> None:
    answer = browse.admin.get(path)

    assert answer.status_code == 404
    assert "Nothing here" in answer.content.decode()


def test_a_get_on_any_action_writes_nothing(shop: Shop, browse: Browse, django_assert_num_queries: object) -> None:
    key, _secret = key_with("items:read")
    job = Job.objects.create(kind="test", label="A job")
    client = browse.admin
    before = _fingerprint(shop)

    for path in [*pages(shop), f"/api-keys/{key.prefix}/revoke/", f"/jobs/{job.pk}/cancel/"]:
        client.get(path)
        client.head(path)
    for model in admin.site._registry:
        for action in getattr(admin.site._registry[model], "actions_list", ()):
            try:
                client.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{action}"))
            except NoReverseMatch:
                continue

    assert _fingerprint(shop) == before
    assert not ApiKey.objects.get(pk=key.pk).revoked
    assert not Job.objects.get(pk=job.pk).cancel_requested


def _fingerprint(shop: Shop) -> list[object]:
    from channels.models import StockIntent
    from inventory.models import StockDocument, StockMovement, Transfer
    from orders.models import Order, OrderEvent
    from retailhub.outbox.models import OutboxEvent

    shop.account.refresh_from_db()
    return [
        StockMovement.objects.count(),
        StockDocument.objects.count(),
        OutboxEvent.objects.count(),
        OrderEvent.objects.count(),
        list(Transfer.objects.values_list("status", flat=True)),
        list(Order.objects.order_by("pk").values_list("status", flat=True)),
        list(StockIntent.objects.values_list("wanted_version", "state")),
        shop.account.state,
    ]
