"""Proof that orders, receipts, invoices and payments of buying agree with each other."""

from __future__ import annotations

from retailhub.core.sql import rows
from retailhub.core.verifying import Breach

# (what is checked, statement answering subject, expected, found of every breach)
_CHECKS: tuple[tuple[str, str], ...] = (
    (
        "order line received",
        """SELECT o.number || ' line ' || l.line, l.received, coalesce(s.units, 0) FROM purchasing_purchaseorderline l
           JOIN purchasing_purchaseorder o ON o.id = l.order_id
           LEFT JOIN (SELECT r.order_line_id AS id, sum(r.accepted) AS units FROM purchasing_receiptline r
                      JOIN purchasing_receipt d ON d.id = r.receipt_id AND d.status = 'posted' GROUP BY 1) s
                  ON s.id = l.id
           WHERE l.received < coalesce(s.units, 0)""",
    ),
    (
        "order line invoiced",
        """SELECT o.number || ' line ' || l.line, l.invoiced, coalesce(s.units, 0) FROM purchasing_purchaseorderline l
           JOIN purchasing_purchaseorder o ON o.id = l.order_id
           LEFT JOIN (SELECT x.order_line_id AS id, sum(x.posted_quantity) AS units FROM purchasing_invoiceline x
                      JOIN purchasing_supplierinvoice i ON i.id = x.invoice_id AND i.kind = 'invoice' GROUP BY 1) s
                  ON s.id = l.id
           WHERE l.invoiced <> coalesce(s.units, 0)""",
    ),
    (
        "receipt line invoiced",
        """SELECT d.number || ' line ' || r.line, r.invoiced, coalesce(s.units, 0) FROM purchasing_receiptline r
           JOIN purchasing_receipt d ON d.id = r.receipt_id
           LEFT JOIN (SELECT a.receipt_line_id AS id, sum(a.quantity) AS units FROM purchasing_matchallocation a
                      JOIN purchasing_invoiceline l ON l.id = a.invoice_line_id
                      JOIN purchasing_supplierinvoice i ON i.id = l.invoice_id
                      WHERE a.is_posted AND i.kind = 'invoice' GROUP BY 1) s ON s.id = r.id
           WHERE r.invoiced <> coalesce(s.units, 0)""",
    ),
    (
        "receipt line cleared",
        """SELECT d.number || ' line ' || r.line, r.cleared, coalesce(s.amount, 0) FROM purchasing_receiptline r
           JOIN purchasing_receipt d ON d.id = r.receipt_id
           LEFT JOIN (SELECT receipt_line_id AS id, sum(cleared) AS amount FROM purchasing_matchallocation
                      WHERE is_posted GROUP BY 1) s ON s.id = r.id
           WHERE r.cleared <> coalesce(s.amount, 0)""",
    ),
    (
        "invoice line posted",
        """SELECT i.number || ' line ' || l.line, l.posted_amount, s.amount FROM purchasing_invoiceline l
           JOIN purchasing_supplierinvoice i ON i.id = l.invoice_id AND i.kind = 'invoice'
           JOIN (SELECT a.invoice_line_id AS id, sum(a.amount) AS amount FROM purchasing_matchallocation a
                 WHERE a.is_posted GROUP BY 1) s ON s.id = l.id
           WHERE l.posted_amount < s.amount""",
    ),
    (
        "invoice line credited",
        """SELECT i.number || ' line ' || l.line, l.credited_amount, s.amount FROM purchasing_invoiceline l
           JOIN purchasing_supplierinvoice i ON i.id = l.invoice_id
           JOIN (SELECT c.corrects_id AS id, sum(c.posted_amount + c.credited_amount) AS amount
                 FROM purchasing_invoiceline c JOIN purchasing_supplierinvoice n
                   ON n.id = c.invoice_id AND n.kind = 'credit_note'
                 WHERE c.corrects_id IS NOT NULL GROUP BY 1) s ON s.id = l.id
           WHERE l.credited_amount <> s.amount OR s.amount > l.net_amount""",
    ),
    (
        "invoice paid",
        """SELECT i.number, i.paid_total, coalesce(s.amount, 0) FROM purchasing_supplierinvoice i
           LEFT JOIN (SELECT coalesce(credit_note_id, invoice_id) AS id, sum(amount) AS amount FROM (
                        SELECT NULL::bigint AS credit_note_id, invoice_id, amount FROM purchasing_paymentuse
                        UNION ALL SELECT u.credit_note_id, NULL, u.amount FROM purchasing_paymentuse u
                        JOIN purchasing_supplierinvoice n ON n.id = u.credit_note_id AND n.kind = 'credit_note'
                        ) u GROUP BY 1) s ON s.id = i.id
           WHERE i.paid_total <> coalesce(s.amount, 0)""",
    ),
    (
        "prepayment used",
        """SELECT i.number, i.used_total, coalesce(s.amount, 0) FROM purchasing_supplierinvoice i
           LEFT JOIN (SELECT credit_note_id AS id, sum(amount) AS amount FROM purchasing_paymentuse GROUP BY 1) s
                  ON s.id = i.id
           WHERE i.kind = 'prepayment' AND i.used_total <> coalesce(s.amount, 0)""",
    ),
    (
        "payment used",
        """SELECT p.number, p.used, coalesce(s.amount, 0) FROM purchasing_supplierpayment p
           LEFT JOIN (SELECT payment_id AS id, sum(amount) AS amount FROM purchasing_paymentuse GROUP BY 1) s
                  ON s.id = p.id
           WHERE p.used <> coalesce(s.amount, 0)""",
    ),
    (
        "charge invoiced",
        """SELECT o.number || ' ' || c.code, c.invoiced, coalesce(s.amount, 0) FROM purchasing_purchasecharge c
           JOIN purchasing_purchaseorder o ON o.id = c.order_id
           LEFT JOIN (SELECT x.order_charge_id AS id, sum(x.posted_amount) AS amount FROM purchasing_invoicecharge x
                      JOIN purchasing_supplierinvoice i ON i.id = x.invoice_id AND i.kind = 'invoice' GROUP BY 1) s
                  ON s.id = c.id
           WHERE c.invoiced <> coalesce(s.amount, 0)""",
    ),
    (
        "landed cost",
        """SELECT v.number, v.amount, coalesce(s.amount, 0) FROM purchasing_landedcost v
           LEFT JOIN (SELECT landed_cost_id AS id, sum(amount) AS amount FROM purchasing_landedcostshare GROUP BY 1) s
                  ON s.id = v.id
           WHERE v.amount <> coalesce(s.amount, 0)""",
    ),
    (
        "special order",
        """SELECT o.number || ' line ' || l.line, l.quantity - l.cancelled, sum(s.quantity - s.received)
           FROM purchasing_specialorder s JOIN purchasing_purchaseorderline l ON l.id = s.order_line_id
           JOIN purchasing_purchaseorder o ON o.id = l.order_id WHERE s.state = 'open' GROUP BY 1, 2
           HAVING sum(s.quantity - s.received) > l.quantity - l.cancelled""",
    ),
)  # fmt: skip


def verify() -> list[Breach]:
    """Answer every place where two papers of buying disagree; nothing, when all is well."""
    return [
        Breach(check=check, subject=subject, expected=expected, found=found)
        for check, statement in _CHECKS
        for subject, expected, found in rows(statement)
    ]
