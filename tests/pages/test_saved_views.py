"""Lists as people keep them: tabs, what a list opens with, columns, and whose views they are."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import IntegrityError, transaction

from retailhub.core.access import Role
from retailhub.core.models import User
from retailhub.home.models import SavedView
from retailhub.home.saved_views import MOST, Shape, TooManyViews, save_view
from tests.factories.core import person
from tests.pages.conftest import Browse, Shop

ITEMS = "/admin/inventory/item/"
STOCK = "/admin/inventory/stocklevel/"


def keep(
    user: User | None, name: str = "Drafts", *, role: str = "", is_default: bool = False, query: str = ""
) -> SavedView:
    return save_view(user=user, role=role, model="inventory.item", name=name, shape=Shape(query), is_default=is_default)


def tabs(answer: Any) -> dict[str, bool]:
    lists = answer.context["tab_list"]
    return {str(tab["title"]): tab["active"] for tab in lists[0]["items"]} if lists else {}


def save(client: Any, of: str, **form: str) -> Any:
    return client.post(f"/lists/inventory.item/save/?{urlencode({'of': of})}", form)


def test_a_narrowed_list_is_saved_and_comes_back_as_a_tab(shop: Shop, browse: Browse) -> None:
    client = browse.as_role(Role.BUYER)
    narrowed = client.get(f"{ITEMS}?status__exact=draft&o=2").content.decode()
    assert "Save view" in narrowed
    assert "Save view" not in client.get(ITEMS).content.decode()

    answer = save(client, "status__exact=draft&o=2&p=3", name="Drafts")

    view = SavedView.objects.get()
    assert (view.query, view.sort, view.columns, view.role) == ("status__exact=draft", "2", [], "")
    again = client.get(answer["Location"])
    assert answer["Location"] == f"{ITEMS}?status__exact=draft&o=2"
    assert tabs(again) == {"All": False, "Drafts": True}
    assert "Save view" not in again.content.decode()
    assert tabs(client.get(f"{ITEMS}?view=all")) == {"All": True, "Drafts": False}


def test_a_name_that_is_there_gets_the_new_shape(shop: Shop, browse: Browse) -> None:
    client = browse.as_role(Role.BUYER)

    save(client, "status__exact=draft", name="Mine")
    save(client, "status__exact=ended", name="Mine")

    assert [view.query for view in SavedView.objects.all()] == ["status__exact=ended"]


def test_others_do_not_see_it_and_do_not_remove_it(shop: Shop, browse: Browse) -> None:
    view = keep(person(Role.BUYER), query="status__exact=draft")
    client = browse.as_role(Role.BUYER)

    assert tabs(client.get(ITEMS)) == {}
    assert client.post(f"/lists/views/{view.pk}/remove/").status_code == 404
    assert SavedView.objects.exists()


def test_a_roles_view_shows_to_the_role_and_only_who_manages_people_makes_it(shop: Shop, browse: Browse) -> None:
    save(browse.as_role(Role.BUYER), "status__exact=draft", name="Not shared", role=Role.BUYER)
    save(browse.admin, "status__exact=draft", name="Shared", role=Role.BUYER)

    assert tabs(browse.as_role(Role.BUYER).get(ITEMS)) == {"All": True, "Shared": False}
    assert tabs(browse.as_role(Role.ACCOUNTANT).get(ITEMS)) == {}
    shared = SavedView.objects.get(name="Shared")
    assert browse.as_role(Role.BUYER).post(f"/lists/views/{shared.pk}/remove/").status_code == 404
    assert browse.admin.post(f"/lists/views/{shared.pk}/remove/").status_code == 302
    assert list(SavedView.objects.values_list("name", flat=True)) == ["Not shared"]


def test_a_list_opens_with_the_default_unless_it_is_asked_for_whole(shop: Shop, browse: Browse) -> None:
    user = person(Role.BUYER)
    keep(None, "The role's", role=Role.BUYER, query="status__exact=ended", is_default=True)
    client = browse.as_user(user)
    assert client.get(ITEMS)["Location"] == f"{ITEMS}?status__exact=ended"

    keep(user, query="status__exact=draft", is_default=True)

    assert client.get(ITEMS)["Location"] == f"{ITEMS}?status__exact=draft"
    assert client.get(f"{ITEMS}?view=all").status_code == 200
    # Who empties the filters comes from the list itself.
    assert client.get(ITEMS, headers={"Referer": f"http://testserver{ITEMS}?q=mug"}).status_code == 200


def test_a_new_default_takes_the_place_of_the_old_one(db: None) -> None:
    user = person(Role.BUYER)
    keep(user, "One", is_default=True)

    keep(user, "Two", is_default=True)

    assert list(SavedView.objects.filter(is_default=True).values_list("name", flat=True)) == ["Two"]


def test_columns_are_chosen_and_kept(shop: Shop, browse: Browse) -> None:
    client = browse.as_role(Role.BUYER)
    address = f"/lists/inventory.item/columns/?{urlencode({'of': 'status__exact=active&o=3'})}"

    there = client.post(address, {"columns": ["price_shown", "item"]})["Location"]

    assert there == f"{ITEMS}?status__exact=active&cols=item%2Cprice_shown"
    text = client.get(there).content.decode()
    assert "field-price_shown" in text
    assert "field-category" not in text
    save(client, there.partition("?")[2], name="Prices")
    assert SavedView.objects.get().columns == ["item", "price_shown"]
    assert tabs(client.get(there))["Prices"]
    every = [name for name, _label in client.get(address).context["form"].fields["columns"].choices]
    assert client.post(address, {"columns": every})["Location"] == f"{ITEMS}?status__exact=active"


def test_columns_of_costs_are_offered_to_nobody_who_may_not_see_them(shop: Shop, browse: Browse) -> None:
    client = browse.as_role(Role.WAREHOUSE)

    assert "cost_shown" not in client.get("/lists/inventory.item/columns/").content.decode()
    assert "field-cost_shown" not in client.get(f"{ITEMS}?cols=item,cost_shown").content.decode()


@pytest.mark.parametrize("of", ["o=%00", "cols=%00,item", "o=" + "9" * 400, "x" * 5000, "q=%00", "cols=" + "a" * 400])
def test_odd_shapes_are_no_fault_of_ours(of: str, shop: Shop, browse: Browse) -> None:
    client = browse.as_role(Role.BUYER)

    assert save(client, of, name="Odd").status_code in {302, 404}
    assert client.get(f"/lists/inventory.item/columns/?{urlencode({'of': of})}").status_code in {200, 404}


def test_a_list_one_may_not_open_has_no_views(shop: Shop, browse: Browse) -> None:
    client = browse.as_role(Role.WAREHOUSE)

    for path in ("/lists/core.user/save/", "/lists/no.such/columns/"):
        assert client.get(path).status_code == 404


def test_there_are_only_so_many_tabs(shop: Shop, browse: Browse) -> None:
    user = person(Role.BUYER)
    for number in range(MOST):
        keep(user, f"View {number}")

    with pytest.raises(TooManyViews):
        keep(user, "One more")
    answer = save(browse.as_user(user), "status__exact=draft", name="One more")

    assert answer.status_code == 409
    assert "Remove one first" in answer.content.decode()


def test_a_view_is_a_persons_or_a_roles(db: None) -> None:
    for wrong in ({"user": None, "role": ""}, {"user": person(), "role": Role.BUYER}):
        with pytest.raises(IntegrityError), transaction.atomic():
            SavedView.objects.create(model="inventory.item", name="x", **wrong)


def test_stock_opens_at_the_place_of_this_device(shop: Shop, browse: Browse) -> None:
    client = browse.as_role(Role.STORE_MANAGER)
    assert client.get(STOCK).status_code == 200

    answer = client.post(
        "/place/", {"place": "depot"}, headers={"Referer": f"http://testserver{STOCK}?q=mug&place=lyon"}
    )

    assert answer["Location"] == f"{STOCK}?q=mug&place=depot"
    assert client.get(STOCK)["Location"] == f"{STOCK}?place=depot"
    assert client.get(f"/items/{shop.mug.sku}/-/adjust/").context["form"].initial["location"] == "depot"
    assert client.get("/transfers/new/").context["form"].initial["origin"] == "depot"
    client.post("/place/", {"place": "*"})
    assert client.get(STOCK).status_code == 200


def test_a_device_is_no_place_that_its_user_may_not_see(shop: Shop, browse: Browse) -> None:
    client = browse.as_user(person(Role.WAREHOUSE, locations=["lyon"], home_location="lyon"))

    assert client.post("/place/", {"place": "depot"}).status_code == 422
    client.cookies["rh_place"] = "depot"
    assert client.get(STOCK)["Location"] == f"{STOCK}?place=lyon"
