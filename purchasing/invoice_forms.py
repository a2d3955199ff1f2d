"""The form of an invoice that is typed: its head, its lines and charges, and what they come to."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from purchasing.models import PurchaseOrderLine, Supplier, SupplierInvoice
from purchasing.order_forms import DayInput
from purchasing.services.capturing import BilledCharge, BilledLine
from retailhub.core import money
from retailhub.core.errors import DomainError
from retailhub.core.money import currencies, round_total
from retailhub.core.pages import HouseForm

MOST_ROWS = 300
MOST = Decimal(10) ** 12
CHARGES: dict[str, Any] = {
    "freight": gettext_lazy("Freight"),
    "packing": gettext_lazy("Packing"),
    "insurance": gettext_lazy("Insurance"),
    "duty": gettext_lazy("Duty"),
    "other": gettext_lazy("Other"),
    "allowance": gettext_lazy("Allowance"),
}
_CELLS = ("sku", "description", "quantity", "price", "net", "tax", "order")


class InvoiceForm(HouseForm):
    """The head of the paper."""

    aliases = {"invoice_date": "date"}

    supplier = forms.ModelChoiceField(
        Supplier.objects.none(),
        to_field_name="code",
        label=gettext_lazy("Supplier"),
        empty_label=gettext_lazy("Choose"),
    )
    kind = forms.ChoiceField(label=gettext_lazy("It is"), choices=SupplierInvoice.Kind.choices)
    number = forms.CharField(label=gettext_lazy("His number"), max_length=80)
    date = forms.DateField(label=gettext_lazy("Invoice date"), widget=DayInput())
    due_date = forms.DateField(
        label=gettext_lazy("Due"), required=False, widget=DayInput(), help_text=gettext_lazy("Empty: by his terms.")
    )
    corrects = forms.CharField(
        label=gettext_lazy("Corrects invoice"), max_length=80, required=False,
        help_text=gettext_lazy("His number of it, for a credit note."),
    )  # fmt: skip
    currency = forms.CharField(label=gettext_lazy("Currency"), max_length=3, min_length=3)
    tax_total = forms.DecimalField(
        label=gettext_lazy("Tax in total"), max_digits=16, decimal_places=4, required=False, min_value=0,
        help_text=gettext_lazy("Empty: as it follows from the lines."),
    )  # fmt: skip
    total = forms.DecimalField(label=gettext_lazy("Total to pay"), max_digits=16, decimal_places=4, min_value=0)
    says_so = forms.BooleanField(label=gettext_lazy("The paper really says so"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        suppliers: Any = self.fields["supplier"]
        suppliers.queryset = Supplier.objects.order_by("name")
        suppliers.label_from_instance = lambda supplier: supplier.name
        self.fields["kind"].widget.attrs["data-rh-shows"] = ""
        corrects: Any = self.fields["corrects"]
        corrects.rh_by, corrects.rh_when = "kind", "credit_note"
        self.fields["currency"].initial = settings.HOME_CURRENCY

    def clean_currency(self) -> str:
        code = str(self.cleaned_data["currency"]).upper()
        if code not in currencies():
            raise forms.ValidationError(_("This is no currency."))
        return code


@dataclass(slots=True)
class TypedRow:
    """A line as it was typed, and what is wrong with it."""

    cells: dict[str, str]
    errors: list[str] = field(default_factory=list)
    hint: str = ""

    @property
    def is_blank(self) -> bool:
        return not any(self.cells[name] for name in _CELLS if name not in ("quantity", "tax"))


@dataclass(slots=True)
class Typed:
    """Lines and charges as they were typed, and the sums they come to."""

    rows: list[TypedRow]
    charges: list[TypedRow]
    lines: list[BilledLine] = field(default_factory=list)
    billed: list[BilledCharge] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        return not any(row.errors for row in (*self.rows, *self.charges))

    def sums(self, currency: str, default_rate: Decimal) -> tuple[Decimal, Decimal]:
        """Answer (net, tax) of what can be read, tax by rate and rounded, as it is captured."""
        bases: dict[Decimal, Decimal] = {}
        for line in self.lines:
            net = line.net_amount
            if net is None:
                net = round_total(line.unit_price * line.quantity / line.price_quantity, currency)
            rate = default_rate if line.tax_rate is None else line.tax_rate
            bases[rate] = bases.get(rate, Decimal(0)) + net
        for charge in self.billed:
            rate = default_rate if charge.tax_rate is None else charge.tax_rate
            bases[rate] = bases.get(rate, Decimal(0)) + charge.amount
        tax = sum((round_total(base * rate, currency) for rate, base in bases.items()), Decimal(0))
        return sum(bases.values(), Decimal(0)), tax

    def refuse(self, refusal: DomainError) -> DomainError:
        """Put each offence where it belongs; answer the refusal with those that stand in no row."""
        left = []
        for offence in refusal.errors:
            parts = offence.pointer.strip("/").split("/")
            rows = {"lines": self.rows, "charges": self.charges}.get(parts[0], [])
            if len(parts) > 1 and parts[1].isdecimal() and int(parts[1]) < len(rows):
                rows[int(parts[1])].errors.append(offence.detail)
            else:
                left.append(offence)
        return type(refusal)(refusal.detail, errors=left)


def typed(data: QueryDict, *, currency: str) -> Typed:
    """Read the lines and charges of a form; each row keeps what was typed and says what of it cannot be read."""
    columns = [data.getlist(name) for name in _CELLS]
    rows = []
    for values in zip(*columns, strict=False):
        row = TypedRow(dict(zip(_CELLS, (value.strip()[:300] for value in values), strict=True)))
        if not row.is_blank:
            rows.append(row)
    charges = []
    for code, sum_, tax in zip(
        data.getlist("charge_code"), data.getlist("charge_amount"), data.getlist("charge_tax"), strict=False
    ):
        if sum_.strip():
            charges.append(TypedRow({"code": code[:20], "amount": sum_.strip()[:24], "tax": tax.strip()[:12]}))
    told = Typed(rows[:MOST_ROWS], charges[:MOST_ROWS])
    told.lines = [line for row in told.rows if (line := _line(row, currency))]
    told.billed = [charge for row in told.charges if (charge := _charge(row))]
    return told


def _line(row: TypedRow, currency: str) -> BilledLine | None:
    cells = row.cells
    quantity = _figure(row, "quantity", _("units"))
    price, net = _figure(row, "price", _("price")), _figure(row, "net", _("net amount"))
    rate = _figure(row, "tax", _("tax"))
    if quantity is not None and (quantity <= 0 or quantity != int(quantity)):
        row.errors.append(_("Units are a whole number above 0."))
    if quantity is None and not row.errors:
        row.errors.append(_("How many units?"))
    if price is None and net is None and not row.errors:
        row.errors.append(_("A price or a net amount is needed."))
    order, _slash, number = cells["order"].replace("·", "/").partition("/")
    if number.strip() and not number.strip().isdecimal():
        row.errors.append(_("An order line is written as PO-12/3."))
    if row.errors or quantity is None:
        return None
    if price is None and net is not None:
        price = net / quantity
    price = price or Decimal(0)
    worth = round_total(price * quantity, currency)
    if abs(worth) >= MOST or (net is not None and abs(net) >= MOST):
        row.errors.append(_("That is more than is ever billed."))
    elif net is not None and cells["price"] and abs(worth - net) > max(Decimal("0.01"), abs(worth) / 200):
        row.errors.append(
            _("%(units)s at %(price)s come to %(worth)s, not %(net)s.")
            % {"units": cells["quantity"], "price": cells["price"], "worth": worth, "net": net}
        )
    if row.errors:
        return None
    return BilledLine(
        quantity=quantity,
        unit_price=price,
        net_amount=net,
        sku=cells["sku"][:64],
        description=cells["description"],
        purchase_order=order.strip().upper()[:20],
        order_line=int(number) if number.strip() and len(number) < 6 else None,
        tax_rate=None if rate is None else rate / 100,
    )


def _charge(row: TypedRow) -> BilledCharge | None:
    amount, rate = _figure(row, "amount", _("amount")), _figure(row, "tax", _("tax"))
    code = row.cells["code"] if row.cells["code"] in CHARGES else "other"
    if amount is not None and code == "allowance":
        amount = -abs(amount)
    if row.errors or amount is None:
        return None
    return BilledCharge(code=code, amount=amount, tax_rate=None if rate is None else rate / 100)


def _figure(row: TypedRow, name: str, what: str) -> Decimal | None:
    text = row.cells[name].replace(" ", "").replace("%", "")
    if not text:
        return None
    if "," in text and "." not in text:
        text = text.replace(",", ".")
    try:
        value = money.amount(text)
    except money.NotMoney:
        row.errors.append(_("%(text)s is no %(what)s.") % {"text": row.cells[name][:24], "what": what})
        return None
    if name == "tax" and not 0 <= value <= 100:
        row.errors.append(_("Tax is between 0 and 100 percent."))
        return None
    if name != "amount" and value < 0:
        row.errors.append(_("%(text)s is below nothing.") % {"text": row.cells[name][:24]})
        return None
    return value


def row_of(line: PurchaseOrderLine, units: int) -> TypedRow:
    """Answer a row that bills so many units of an order line, as they were ordered."""
    currency = line.order.currency
    each = line.net_amount(1)
    return TypedRow(
        {
            "sku": line.item.sku,
            "description": line.description or line.item.name,
            "quantity": str(units),
            "price": _plain(each) if each == round(each, 4) else "",
            "net": str(round_total(line.net_amount(units), currency)),
            "tax": _plain(line.tax_rate * 100),
            "order": f"{line.order.number}/{line.line}",
        }
    )


def blank_row() -> TypedRow:
    return TypedRow(dict.fromkeys(_CELLS, ""))


def _plain(value: Decimal) -> str:
    return format(value.normalize() + 0, "f")
