"""A second, plain reading of invoices, with paths written for the tests alone. It knows none of the reader's code."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET


@dataclass
class Plain:
    number: str = ""
    date: str = ""
    type_code: str = ""
    currency: str = ""
    lines: list[tuple[Decimal, Decimal]] = field(default_factory=list)
    prices: list[Decimal] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    taxes: list[tuple[Decimal, Decimal, Decimal]] = field(default_factory=list)
    tax: Decimal = Decimal(0)
    totals: dict[str, Decimal] = field(default_factory=dict)
    order: str = ""
    seller: str = ""


def xml_in_pdf(path: Path) -> bytes:
    """Answer the invoice in a PDF by unpacking every stream of it, whatever the PDF says of its structure."""
    found = []
    for packed in re.findall(rb"stream\r?\n(.*?)endstream", path.read_bytes(), re.DOTALL):
        try:
            data = zlib.decompressobj().decompress(packed)
        except zlib.error:
            data = packed
        if re.search(rb"<(\w+:)?CrossIndustry(Invoice|Document)[\s>]", data[:20_000]):
            found.append(data)
    assert len(set(found)) == 1
    return found[0]


def read_plainly(data: bytes) -> Plain:
    root = ET.fromstring(data)  # noqa: S314  files that we know
    if root.tag.endswith("}CrossIndustryInvoice"):
        return _cii(root)
    if root.tag.endswith("}CrossIndustryDocument"):
        return _zugferd_1(root)
    return _ubl(root, "CreditNote" if root.tag.endswith("}CreditNote") else "Invoice")


def _one(node: ET.Element, path: str) -> str:
    return "".join((node.findtext(path) or "").split("\n")).strip()


def _sum(node: ET.Element, path: str) -> Decimal:
    return Decimal(_one(node, path) or 0)


def _ubl(root: ET.Element, word: str) -> Plain:
    plain = Plain(
        number=_one(root, "{*}ID"),
        date=_one(root, "{*}IssueDate").replace("-", ""),
        type_code=_one(root, f"{{*}}{word}TypeCode"),
        currency=_one(root, "{*}DocumentCurrencyCode"),
        order=_one(root, "{*}OrderReference/{*}ID"),
        seller=_one(root, "{*}AccountingSupplierParty/{*}Party/{*}PartyLegalEntity/{*}RegistrationName"),
    )
    quantity = "{*}CreditedQuantity" if word == "CreditNote" else "{*}InvoicedQuantity"
    for line in root.findall(f"{{*}}{word}Line"):
        plain.lines.append((_sum(line, quantity), _sum(line, "{*}LineExtensionAmount")))
        plain.prices.append(_sum(line, "{*}Price/{*}PriceAmount"))
        plain.names.append(_one(line, "{*}Item/{*}Name"))
    for total in root.findall("{*}TaxTotal"):
        amount = total.find("{*}TaxAmount")
        assert amount is not None
        if amount.get("currencyID") == plain.currency:
            plain.tax = Decimal(amount.text or 0)
            plain.taxes = [
                (_sum(s, "{*}TaxCategory/{*}Percent"), _sum(s, "{*}TaxableAmount"), _sum(s, "{*}TaxAmount"))
                for s in total.findall("{*}TaxSubtotal")
            ]
    foot = root.find("{*}LegalMonetaryTotal")
    assert foot is not None
    plain.totals = {
        "lines": _sum(foot, "{*}LineExtensionAmount"),
        "allowances": _sum(foot, "{*}AllowanceTotalAmount"),
        "charges": _sum(foot, "{*}ChargeTotalAmount"),
        "tax_basis": _sum(foot, "{*}TaxExclusiveAmount"),
        "grand": _sum(foot, "{*}TaxInclusiveAmount"),
        "prepaid": _sum(foot, "{*}PrepaidAmount"),
        "payable": _sum(foot, "{*}PayableAmount"),
    }
    return plain


def _cii(root: ET.Element) -> Plain:
    trade = "{*}SupplyChainTradeTransaction"
    deal = root.find(f"{trade}/{{*}}ApplicableHeaderTradeSettlement")
    assert deal is not None
    plain = Plain(
        number=_one(root, "{*}ExchangedDocument/{*}ID"),
        date=_one(root, "{*}ExchangedDocument/{*}IssueDateTime/{*}DateTimeString"),
        type_code=_one(root, "{*}ExchangedDocument/{*}TypeCode"),
        currency=_one(deal, "{*}InvoiceCurrencyCode"),
        order=_one(
            root,
            f"{trade}/{{*}}ApplicableHeaderTradeAgreement/{{*}}BuyerOrderReferencedDocument/{{*}}IssuerAssignedID",
        ),
        seller=_one(root, f"{trade}/{{*}}ApplicableHeaderTradeAgreement/{{*}}SellerTradeParty/{{*}}Name"),
    )
    for line in root.findall(f"{trade}/{{*}}IncludedSupplyChainTradeLineItem"):
        plain.lines.append(
            (
                _sum(line, "{*}SpecifiedLineTradeDelivery/{*}BilledQuantity"),
                _sum(
                    line,
                    "{*}SpecifiedLineTradeSettlement/{*}SpecifiedTradeSettlementLineMonetarySummation/{*}LineTotalAmount",
                ),
            )
        )
        plain.prices.append(_sum(line, "{*}SpecifiedLineTradeAgreement/{*}NetPriceProductTradePrice/{*}ChargeAmount"))
        plain.names.append(_one(line, "{*}SpecifiedTradeProduct/{*}Name"))
    foot = deal.find("{*}SpecifiedTradeSettlementHeaderMonetarySummation")
    assert foot is not None
    _settle(plain, deal, foot, "{*}RateApplicablePercent")
    return plain


def _zugferd_1(root: ET.Element) -> Plain:
    trade = "{*}SpecifiedSupplyChainTradeTransaction"
    deal = root.find(f"{trade}/{{*}}ApplicableSupplyChainTradeSettlement")
    assert deal is not None
    plain = Plain(
        number=_one(root, "{*}HeaderExchangedDocument/{*}ID"),
        date=_one(root, "{*}HeaderExchangedDocument/{*}IssueDateTime/{*}DateTimeString"),
        type_code=_one(root, "{*}HeaderExchangedDocument/{*}TypeCode"),
        currency=_one(deal, "{*}InvoiceCurrencyCode"),
        order=_one(root, f"{trade}/{{*}}ApplicableSupplyChainTradeAgreement/{{*}}BuyerOrderReferencedDocument/{{*}}ID"),
    )
    for line in root.findall(f"{trade}/{{*}}IncludedSupplyChainTradeLineItem"):
        quantity = line.find("{*}SpecifiedSupplyChainTradeDelivery/{*}BilledQuantity")
        if quantity is None:
            continue  # a line of words
        plain.lines.append(
            (
                Decimal(quantity.text or 0),
                _sum(
                    line,
                    "{*}SpecifiedSupplyChainTradeSettlement/{*}SpecifiedTradeSettlementMonetarySummation/{*}LineTotalAmount",
                ),
            )
        )
        plain.prices.append(
            _sum(line, "{*}SpecifiedSupplyChainTradeAgreement/{*}NetPriceProductTradePrice/{*}ChargeAmount")
        )
        plain.names.append(_one(line, "{*}SpecifiedTradeProduct/{*}Name"))
    foot = deal.find("{*}SpecifiedTradeSettlementMonetarySummation")
    assert foot is not None
    _settle(plain, deal, foot, "{*}ApplicablePercent")
    return plain


def _settle(plain: Plain, deal: ET.Element, foot: ET.Element, rate: str) -> None:
    plain.taxes = [
        (_sum(tax, rate), _sum(tax, "{*}BasisAmount"), _sum(tax, "{*}CalculatedAmount"))
        for tax in deal.findall("{*}ApplicableTradeTax")
    ]
    for tax in foot.findall("{*}TaxTotalAmount"):
        if tax.get("currencyID", plain.currency) == plain.currency:
            plain.tax = Decimal(tax.text or 0)
    plain.totals = {
        "lines": _sum(foot, "{*}LineTotalAmount"),
        "allowances": _sum(foot, "{*}AllowanceTotalAmount"),
        "charges": _sum(foot, "{*}ChargeTotalAmount"),
        "tax_basis": _sum(foot, "{*}TaxBasisTotalAmount"),
        "grand": _sum(foot, "{*}GrandTotalAmount"),
        "prepaid": _sum(foot, "{*}TotalPrepaidAmount"),
    }
    if (due := foot.find("{*}DuePayableAmount")) is not None:
        plain.totals["payable"] = Decimal(due.text or 0)
