"""Invoices made out of orders with twelve kinds of error: every wrong one is held under its code, no right one is."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from inventory.models import Item, Location
from purchasing.models import Hold, PurchaseOrder, Supplier, SupplierInvoice
from purchasing.services.capturing import BilledCharge, BilledLine, DuplicateInvoice, capture_invoice
from purchasing.services.drafting import OrderedCharge
from purchasing.services.matching import match_invoices
from tests.factories.inventory import ItemFactory
from tests.factories.purchasing import TODAY, SupplierFactory, issued, received

pytestmark = pytest.mark.django_db

Paper = dict[str, Any]
TAX = Decimal("0.2")


def right(order: PurchaseOrder, number: int) -> Paper:
    """Answer the invoice as it should come: all lines as ordered, the freight, the tax."""
    lines = [
        {"sku": line.item.sku, "quantity": Decimal(line.quantity), "unit_price": line.price}
        for line in order.lines.select_related("item")
    ]
    charges = [{"code": charge.code, "amount": charge.amount, "tax_rate": TAX} for charge in order.charges.all()]
    return {
        "supplier": order.supplier, "number": f"G-{number}x", "invoice_date": TODAY + timedelta(days=10 + 7 * number),
        "currency": "EUR", "purchase_orders": [order.number], "lines": lines, "charges": charges,
    }  # fmt: skip


def change_line(**changes: Callable[[Any], Any]) -> Callable[[Paper], None]:
    def change(paper: Paper) -> None:
        for name, how in changes.items():
            paper["lines"][0][name] = how(paper["lines"][0].get(name))

    return change


def put(**values: Any) -> Callable[[Paper], None]:
    return lambda paper: paper.update(values)


def dearer_freight(paper: Paper) -> None:
    paper["charges"][0]["amount"] *= 2


def strange_charge(paper: Paper) -> None:
    paper["charges"].append({"code": "packing", "amount": Decimal(5), "tax_rate": TAX})


def wrong_sum(paper: Paper) -> None:
    line = paper["lines"][0]
    line["net_amount"] = line["quantity"] * line["unit_price"] + 60


def wrong_tax(paper: Paper) -> None:
    paper["tax_total"] = Decimal(999)


def wrong_total(paper: Paper) -> None:
    paper["total"] = Decimal(99999)


def twin_of_itself(paper: Paper) -> None:
    paper["twin"] = True


ERRORS: dict[str, tuple[str, Callable[[Paper], None]]] = {
    "more than received": ("QREC", put(short=True)),
    "more than ordered": ("QORD", change_line(quantity=lambda units: units + 3)),
    "dearer": ("PRICE", change_line(unit_price=lambda price: price * Decimal("1.25"))),
    "line does not multiply": ("PRICE", wrong_sum),
    "value of the order exceeded": ("EXT", change_line(unit_price=lambda price: price * 2)),
    "freight doubled": ("CHG", dearer_freight),
    "unexpected charge": ("CHG", strange_charge),
    "tax": ("TAX", wrong_tax),
    "total": ("TOT", wrong_total),
    "no order": ("NOPO", put(purchase_orders=[])),
    "another supplier": ("SUPP", put(other_supplier=True)),
    "billed twice": ("DUP", twin_of_itself),
}


def take(paper: Paper) -> SupplierInvoice:
    invoice = capture_invoice(
        **paper | {
            "lines": [BilledLine(**{"tax_rate": TAX, **line}) for line in paper["lines"]],
            "charges": [BilledCharge(**charge) for charge in paper["charges"]],
        },
        actor="user:ada",
    )  # fmt: skip
    match_invoices(invoice_ids=[invoice.pk], actor="user:ada")
    invoice.refresh_from_db()
    return invoice


@pytest.mark.parametrize("seed", range(3))
def test_every_wrong_invoice_is_held_under_its_code_and_no_right_one(
    seed: int, siam: Supplier, warehouse: Location
) -> None:
    dice = random.Random(seed)
    siam.tax_rate = TAX
    siam.save()
    other = SupplierFactory.create(tax_rate=TAX)
    goods: list[Item] = [ItemFactory.create() for _ in range(6)]
    kinds = [*ERRORS, *[""] * 12]
    dice.shuffle(kinds)
    wrong = []
    for number, kind in enumerate(kinds):
        picked = dice.sample(goods, dice.randint(1, 4))
        order = issued(
            siam,
            warehouse,
            [(item, dice.randint(5, 40), str(Decimal(dice.randint(300, 4000)) / 100)) for item in picked],
            charges=[OrderedCharge(code="freight", amount=Decimal(30), tax_rate=TAX)],
        )
        paper = right(order, number)
        code, spoil = ERRORS.get(kind, ("", lambda _: None))
        spoil(paper)
        twin, short = paper.pop("twin", False), paper.pop("short", False)
        if paper.pop("other_supplier", False):
            paper["supplier"] = other
        received(order, [line.quantity - (2 if short else 0) for line in order.lines.all()])
        if twin:
            take(paper)
            with pytest.raises(DuplicateInvoice):
                take(paper)
            paper = paper | {"number": f"{paper['number']}y"}
        invoice = take(paper)
        found = set(Hold.objects.filter(invoice=invoice, is_warning=False).values_list("code", flat=True))
        if (code not in found) if code else found:
            wrong.append((kind or "right", code, found))
        assert (invoice.status == "on_hold") is bool(code), (kind, found)
    assert wrong == []
