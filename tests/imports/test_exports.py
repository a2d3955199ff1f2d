"""Lists as files: scoped, safe in a spreadsheet, and the same when they come back."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from inventory.models import Barcode, Category, Item
from retailhub.core.access import Role
from retailhub.core.models import Membership, User
from tests.factories.inventory import ItemFactory, LocationFactory, put_on_hand

pytestmark = pytest.mark.django_db


@pytest.fixture
def catalogue() -> Item:
    bikes = Category.objects.create(name="Bikes")
    item = ItemFactory.create(
        sku="=A-1",
        name='+Lamp, "big"',
        price=Decimal("19.90"),
        cost=Decimal("13.0863"),
        category=Category.objects.create(name="Road", parent=bikes),
        reorder_point=7,
        weight_grams=1200,
    )
    Barcode.objects.create(item=item, code="4006381333931")
    ItemFactory.create(sku="B", name="Chair", price=None, currency="", cost=None)
    return item


def person(role: str, *places: str) -> User:
    user = User.objects.create_user(role, password="Pass-word-1", is_staff=True)
    Membership.objects.create(user=user, role=role, everywhere=not places, locations=list(places))
    return user


def taken(client: Any, what: str, form: str) -> bytes:
    answer = client.get(reverse("imports:export", args=[what, form]))
    assert answer.status_code == 200
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_what_goes_out_comes_back_the_same(
    form: str, client: Any, catalogue: Item, settings: Any, tmp_path: Path
) -> None:
    settings.DATA_DIR = tmp_path
    client.force_login(person(Role.STORE_MANAGER))
    raw = taken(client, "items", form)
    answer = client.post(reverse("imports:start"), {"kind": "items", "file": SimpleUploadedFile(f"items.{form}", raw)})
    form_page = client.get(answer.url)
    assert form_page.context["unused"] == []
    page = client.get(client.post(answer.url, form_page.context["form"].initial).url)
    assert page.context["refusals"] == []
    assert page.context["totals"] == {"read": 2, "new": 0, "changed": 0, "same": 2, "refused": 0}


def test_no_cell_is_taken_for_a_formula_and_numbers_stay_numbers(client: Any, catalogue: Item) -> None:
    client.force_login(person(Role.STORE_MANAGER))
    lines = taken(client, "items", "csv").decode("utf-8-sig").splitlines()
    assert lines[1] == '\'=A-1,"\'+Lamp, ""big""",Bikes,Road,19.90,EUR,13.0863,7,1200,active,4006381333931'
    sheet = openpyxl.load_workbook(io.BytesIO(taken(client, "items", "xlsx"))).worksheets[0]
    row = [cell.value for cell in sheet[2]]
    assert (row[0], row[4], row[6], row[7]) == ("'=A-1", 19.9, 13.0863, 7)


def test_costs_and_places_that_one_may_not_see_are_not_in_the_file(client: Any, catalogue: Item) -> None:
    here, there = LocationFactory.create(code="here"), LocationFactory.create(code="there")
    put_on_hand(catalogue, here, 3)
    put_on_hand(catalogue, there, 4)
    client.force_login(person(Role.WAREHOUSE, "here"))
    assert "Cost" not in taken(client, "items", "csv").decode()
    text = taken(client, "stock", "csv").decode()
    assert "here,3,0" in text
    assert "there" not in text


def test_nobody_takes_a_list_he_may_not_see(client: Any) -> None:
    client.force_login(User.objects.create_user("nobody", password="Pass-word-1", is_staff=True))
    assert client.get(reverse("imports:export", args=["items", "csv"])).status_code == 403
    client.force_login(person(Role.ADMINISTRATOR))
    assert client.get(reverse("imports:export", args=["orders", "csv"])).status_code == 404
    assert client.get(reverse("imports:export", args=["items", "pdf"])).status_code == 404
