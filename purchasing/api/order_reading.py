"""From request bodies about purchase orders to what the services take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from purchasing.models import PurchaseOrder, Supplier
from purchasing.services.acknowledging import LineAnswer
from purchasing.services.changes import LineChange, OrderChanges, UnknownLine
from purchasing.services.drafting import OrderedCharge, OrderedLine
from retailhub.core.access import Principal
from retailhub.core.api.serializers import Values
from retailhub.core.errors import AmbiguousLine, Offence, Unknown
from retailhub.core.text import sku_key


class UnknownSupplier(Unknown):
    """A supplier's code names nobody."""

    code = "unknown_supplier"


def supplier_for(principal: Principal, code: str, *, pointer: str = "/supplier") -> Supplier:
    """Answer the supplier that the code names. Raises UnknownSupplier."""
    found = Supplier.objects.for_principal(principal).named(code).first()
    if found is None:
        detail = f"no supplier has the code {code}"
        raise UnknownSupplier(errors=[Offence(pointer=pointer, code="unknown_supplier", detail=detail)])
    return found


def ordered_lines(lines: Sequence[Values]) -> list[OrderedLine]:
    return [OrderedLine(**{name: x for name, x in line.items() if name != "for_order_line"}) for line in lines]


def ordered_charges(charges: Sequence[Values]) -> list[OrderedCharge]:
    return [OrderedCharge(**charge) for charge in charges]


def order_changes(order: PurchaseOrder, values: Values) -> OrderChanges:
    """Answer the changes a body asks for. Raises UnknownLine and AmbiguousLine naming every line."""
    charges = values["charges"]
    return OrderChanges(
        lines=[LineChange(**line) for line in numbered(order, values["lines"])],
        added=ordered_lines(values["added"]),
        charges=None if charges is None else ordered_charges(charges),
        expected_on=values["expected_on"],
        note=values["note"],
    )


def line_answers(order: PurchaseOrder, lines: Sequence[Values] | None) -> list[LineAnswer] | None:
    return None if lines is None else [LineAnswer(**line) for line in numbered(order, lines)]


def numbered(order: PurchaseOrder, lines: Sequence[Values]) -> list[dict[str, Any]]:
    """Answer what was said of each line, by its number. Raises UnknownLine and AmbiguousLine naming all of them."""
    by_sku: dict[str, list[int]] = {}
    known = set()
    for number, key in order.lines.order_by("line").values_list("line", "item__sku_key"):
        by_sku.setdefault(key, []).append(number)
        known.add(number)
    unknown, ambiguous, answers = [], [], []
    for index, told in enumerate(lines):
        values = dict(told)
        sku = values.pop("sku")
        found = [values["line"]] if values["line"] is not None else by_sku.get(sku_key(sku), [])
        if not found or found[0] not in known:
            what = f"line {values['line']}" if values["line"] is not None else sku
            detail = f"{order.number} has no {what}"
            unknown.append(Offence(pointer=f"/lines/{index}", code="unknown_line", detail=detail))
        elif len(found) > 1:
            detail = f"{sku} is on lines {', '.join(map(str, found))}"
            ambiguous.append(Offence(pointer=f"/lines/{index}/sku", code="ambiguous_line", detail=detail))
        else:
            values["line"] = found[0]
            answers.append(values)
    if unknown:
        raise UnknownLine(errors=unknown)
    if ambiguous:
        raise AmbiguousLine(errors=ambiguous)
    return answers
