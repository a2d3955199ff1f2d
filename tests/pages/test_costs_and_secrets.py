"""What goods cost us, and how we log in elsewhere, is shown to nobody who must not see it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from channels.models import Account
from retailhub.core.access import Role
from tests.pages.conftest import Browse, Shop


def test_costs_are_on_no_page_of_the_warehouse(shop: Shop, browse: Browse) -> None:
    client = browse.as_role(Role.WAREHOUSE)

    item = client.get(f"/items/{shop.mug.sku}/").content.decode()
    history = client.get(f"/items/{shop.mug.sku}/-/history/").content.decode()
    catalogue = client.get(reverse("admin:inventory_item_changelist")).content.decode()
    record = client.get(reverse("admin:inventory_item_change", args=[shop.mug.pk])).content.decode()
    movements = client.get(reverse("admin:inventory_stockmovement_changelist")).content.decode()

    for text in (item, history, catalogue, record, movements):
        assert "4.00" not in text
        assert "15.00" not in text
        assert "cost" not in text.lower().replace("most costly", "")
    assert client.get(reverse("admin:inventory_costpool_changelist")).status_code == 403


def test_who_sees_costs_sees_them(shop: Shop, browse: Browse) -> None:
    client = browse.as_role(Role.BUYER)

    assert "€4.00" in client.get(reverse("admin:inventory_item_changelist")).content.decode()
    assert "€75.00" in client.get(f"/items/{shop.mug.sku}/").content.decode()  # 25 units at 3.00


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("inventory_item", "cost__gt=1"),
        ("inventory_item", "cost_pool__value__gt=1"),
        ("inventory_stockmovement", "value__gt=1"),
        ("inventory_stocklevel", "item__cost__gt=1"),
        ("channels_account", "credentials__api_key__startswith=d"),
        ("channels_listing", "account__credentials__api_key__startswith=d"),
        ("core_user", "password__startswith=pbkdf2"),
    ],
)
def test_nobody_can_ask_for_hidden_fields_by_filtering(name: str, query: str, shop: Shop, browse: Browse) -> None:
    answer = browse.admin.get(f"{reverse(f'admin:{name}_changelist')}?{query}")

    assert answer.status_code in {302, 400}  # refused, or sent back to the list without the filter


def test_a_channels_secrets_go_in_and_never_come_out(shop: Shop, browse: Browse) -> None:
    client = browse.admin
    address = reverse("admin:channels_account_change", args=[shop.account.pk])

    shown = client.get(address).content.decode()
    kept = client.post(address, {"base_url": "http://127.0.0.1:1", "buffer": 2, "share_percent": 90})
    shop.account.refresh_from_db()
    after_empty = shop.account.credentials
    changed = client.post(
        address, {"base_url": "http://127.0.0.1:1", "buffer": 2, "share_percent": 90, "secret_api_key": "fresh"}
    )

    assert "do-not-tell-anybody" not in shown
    assert "secret_api_key" in shown
    assert (kept.status_code, changed.status_code) == (302, 302)
    assert after_empty == {"api_key": "do-not-tell-anybody"}
    assert Account.objects.get(pk=shop.account.pk).credentials == {"api_key": "fresh"}
    for path in ("/channels/", "/channels/web/", reverse("admin:channels_account_changelist")):
        assert "fresh" not in client.get(path).content.decode()


def test_a_new_keys_secret_is_shown_once(shop: Shop, browse: Browse) -> None:
    client = browse.admin

    made = client.post("/api-keys/new/", {"name": "till", "scopes": ["items:read"], "channel": ""})

    secret = made.context["secret"]
    assert made.status_code == 200
    assert made["Cache-Control"] == "no-store"
    assert secret in made.content.decode()
    listed = client.get(reverse("admin:core_apikey_changelist")).content.decode()
    assert "till" in listed
    assert secret not in listed
