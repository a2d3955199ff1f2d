"""What can be wrong with a credit note: it says not for what, gives back more than was billed, or goods did not go."""

from __future__ import annotations

from purchasing.models import HoldCode, InvoiceLine
from purchasing.services.checking import Breach
from purchasing.services.match_reading import Book


def check_credit(line: InvoiceLine, book: Book, supplier_id: int) -> list[Breach]:
    """Answer what keeps a line of a credit note from being set against what it corrects."""
    target = book.targets.get(line.corrects_id or 0)
    if target is None:
        return [Breach(HoldCode.NOPO, "the line it corrects", "none", line.net_amount, units=line.quantity, whole=True)]
    found = []
    left = target.net_amount - target.credited_amount
    own = line.posted_amount + line.credited_amount
    if line.net_amount - own > left:
        found.append(
            Breach(HoldCode.EXT, f"at most {left:.2f}", f"{line.net_amount:.2f}", line.net_amount - own - left,
                   whole=True)
        )  # fmt: skip
    if line.credit_kind == InvoiceLine.CreditKind.GOODS and not own:
        unposted = target.quantity - target.posted_quantity
        policy = book.policies.get(HoldCode.QREC, supplier_id, line.item_id)
        room = min(
            target.quantity - target.credited_quantity, unposted + book.sent_back.get(line.order_line_id or 0, 0)
        )
        # A second line about the same goods finds less.
        book.sent_back[line.order_line_id or 0] = max(
            0, book.sent_back.get(line.order_line_id or 0, 0) - max(0, line.quantity - unposted)
        )
        if policy and line.quantity > room:
            found.append(
                Breach(HoldCode.QREC, f"{room} went back", str(line.quantity), line.net_amount, units=line.quantity,
                       whole=True)
            )  # fmt: skip
    return found
