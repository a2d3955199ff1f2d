"""Invoices to be read by tests: UBL and CII out of the reader's own dataclass, and PDFs that carry them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from xml.sax.saxutils import escape, quoteattr

from pypdf import PdfWriter

from purchasing.einvoices.document import (
    Account,
    Address,
    Adjustment,
    Format,
    Identifier,
    InvoiceLine,
    Kind,
    OrderLine,
    Party,
    ReadInvoice,
    Reference,
    TaxShare,
    Totals,
)

_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
_CII = "urn:un:unece:uncefact:data:standard:"


def an_invoice(count: int = 2) -> ReadInvoice:
    """Answer an invoice with something in every field, whose sums are right."""
    discount = Adjustment(is_charge=False, amount=Decimal("1.00"), code="95", reason="Discount")
    lines = tuple(
        InvoiceLine(
            position=number,
            id=str(number),
            name=f"Item {number}",
            description="blue",
            note="as ordered",
            seller_item=f"S-{number}",
            buyer_item=f"SKU-{number}",
            standard_item=Identifier(value="4006381333931", scheme="0160"),
            quantity=Decimal(24),
            unit="C62",
            price=Decimal("12.00"),
            price_base=Decimal(12),
            price_base_unit="C62",
            gross_price=Decimal("13.00"),
            net=Decimal("23.00"),
            adjustments=(discount,),
            tax_category="S",
            tax_rate=Decimal(19),
            order_line=OrderLine(line=str(number * 10)),
        )
        for number in range(1, count + 1)
    )
    freight = Adjustment(
        is_charge=True,
        amount=Decimal("10.00"),
        code="FC",
        reason="Freight",
        tax_category="S",
        tax_rate=Decimal(19),
    )
    rebate = replace(freight, is_charge=False, amount=Decimal("6.00"), code="64", reason="Rebate")
    net = Decimal("23.00") * count
    basis = net + 4
    tax = (basis * 19 / 100).quantize(Decimal("0.01"))
    return ReadInvoice(
        kind=Kind.INVOICE,
        type_code="380",
        number="INV-2026-17",
        issue_date=date(2026, 3, 31),
        due_date=date(2026, 4, 30),
        delivery_date=date(2026, 3, 30),
        currency="EUR",
        seller=Party(
            name="Müller & Söhne GmbH",
            trading_name="Müller",
            ids=(Identifier(value="4000001000005", scheme="0088"),),
            legal_id=Identifier(value="HRB 1234", scheme="0198"),
            vat_ids=("DE123456789",),
            tax_ids=("201/113/40209",),
            endpoint=Identifier(value="bills@example.com", scheme="EM"),
            contact="Erika Muster",
            email="erika@example.com",
            phone="+49 30 1234",
            address=Address(
                lines=("Hauptstraße 1", "Hof 2"), city="Berlin", postcode="10115", region="Berlin", country="DE"
            ),
            ibans=("DE02120300000000202051",),
        ),
        buyer=Party(
            name="Retailer",
            ids=(Identifier(value="4000002000004", scheme="0088"),),
            vat_ids=("FR12345678901",),
            address=Address(lines=("Rue 1",), city="Lyon", postcode="69001", country="FR"),
        ),
        payee=Party(name="Factor AG", ids=(Identifier(value="F-1"),)),
        accounts=(Account(iban="DE02120300000000202051", bic="BYLADEM1001", name="Müller"),),
        payment_reference="INV-2026-17/R",
        payment_terms="30 days net",
        order="PO-1042",
        sales_order="SO-77",
        buyer_reference="Store 12",
        contract="C-5",
        despatch_advices=("DN-9",),
        receiving_advices=("GR-3",),
        corrects=(Reference(number="INV-2026-3", date=date(2026, 1, 2)),),
        lines=lines,
        adjustments=(freight, rebate),
        taxes=(TaxShare(category="S", rate=Decimal(19), basis=basis, amount=tax),),
        totals=Totals(
            lines=net,
            allowances=Decimal("6.00"),
            charges=Decimal("10.00"),
            tax_basis=basis,
            tax=tax,
            grand=basis + tax,
            prepaid=Decimal("5.00"),
            rounding=Decimal("0.02"),
            payable=basis + tax - Decimal("4.98"),
        ),
        notes=("Thank you.\nCome again.",),
        attachments=("sheet.pdf",),
        format=Format.UBL,
        profile="en16931",
        customization="urn:cen.eu:en16931:2017",
    )


def _tag(name: str, value: object, **attributes: object) -> str:
    if value in (None, ""):
        return ""
    said = "".join(f" {key}={quoteattr(str(word))}" for key, word in attributes.items() if word not in (None, ""))
    text = format(value, "f") if isinstance(value, Decimal) else str(value)
    return f"<{name}{said}>{escape(text)}</{name}>"


def _box(name: str, *inner: str) -> str:
    body = "".join(inner)
    return f"<{name}>{body}</{name}>" if body else ""


def as_ubl(read: ReadInvoice) -> str:
    """Answer the invoice or credit note as UBL 2.1."""
    word = "CreditNote" if read.kind is Kind.CREDIT_NOTE else "Invoice"
    money = {"currencyID": read.currency}

    def adjustment(one: Adjustment) -> str:
        return _box(
            "cac:AllowanceCharge",
            _tag("cbc:ChargeIndicator", str(one.is_charge).lower()),
            _tag("cbc:AllowanceChargeReasonCode", one.code),
            _tag("cbc:AllowanceChargeReason", one.reason),
            _tag("cbc:MultiplierFactorNumeric", one.percent),
            _tag("cbc:Amount", one.amount, **money),
            _tag("cbc:BaseAmount", one.base, **money),
            _box("cac:TaxCategory", _tag("cbc:ID", one.tax_category), _tag("cbc:Percent", one.tax_rate), _VAT)
            if one.tax_category
            else "",
        )

    def party(one: Party) -> str:
        lines = [*one.address.lines, "", ""]
        ends = one.endpoint
        return "".join(
            [
                _tag("cbc:EndpointID", ends.value, schemeID=ends.scheme) if ends else "",
                *(_box("cac:PartyIdentification", _tag("cbc:ID", i.value, schemeID=i.scheme)) for i in one.ids),
                _box("cac:PartyName", _tag("cbc:Name", one.trading_name)),
                _box(
                    "cac:PostalAddress",
                    _tag("cbc:StreetName", lines[0]),
                    _tag("cbc:AdditionalStreetName", lines[1]),
                    _tag("cbc:CityName", one.address.city),
                    _tag("cbc:PostalZone", one.address.postcode),
                    _tag("cbc:CountrySubentity", one.address.region),
                    _box("cac:Country", _tag("cbc:IdentificationCode", one.address.country)),
                ),
                *(_box("cac:PartyTaxScheme", _tag("cbc:CompanyID", value), _VAT) for value in one.vat_ids),
                *(
                    _box("cac:PartyTaxScheme", _tag("cbc:CompanyID", value), _VAT.replace("VAT", "FC"))
                    for value in one.tax_ids
                ),
                _box(
                    "cac:PartyLegalEntity",
                    _tag("cbc:RegistrationName", one.name),
                    _tag("cbc:CompanyID", one.legal_id.value, schemeID=one.legal_id.scheme) if one.legal_id else "",
                ),
                _box(
                    "cac:Contact",
                    _tag("cbc:Name", one.contact),
                    _tag("cbc:Telephone", one.phone),
                    _tag("cbc:ElectronicMail", one.email),
                ),
            ]
        )

    def line(one: InvoiceLine) -> str:
        item = one.standard_item
        standard = _tag("cbc:ID", item.value, schemeID=item.scheme) if item else ""
        tax = [_tag("cbc:ID", one.tax_category), _tag("cbc:Percent", one.tax_rate), _VAT]
        return _box(
            f"cac:{word}Line",
            _tag("cbc:ID", one.id),
            _tag("cbc:Note", one.note),
            _tag(
                "cbc:CreditedQuantity" if word == "CreditNote" else "cbc:InvoicedQuantity",
                one.quantity,
                unitCode=one.unit,
            ),
            _tag("cbc:LineExtensionAmount", one.net, **money),
            _box(
                "cac:OrderLineReference",
                _tag("cbc:LineID", one.order_line.line),
                _box("cac:OrderReference", _tag("cbc:ID", one.order_line.order)),
            )
            if one.order_line
            else "",
            *map(adjustment, one.adjustments),
            _box(
                "cac:Item",
                _tag("cbc:Description", one.description),
                _tag("cbc:Name", one.name),
                _box("cac:BuyersItemIdentification", _tag("cbc:ID", one.buyer_item)),
                _box("cac:SellersItemIdentification", _tag("cbc:ID", one.seller_item)),
                _box("cac:StandardItemIdentification", standard),
                _box("cac:ClassifiedTaxCategory", *tax),
            ),
            _box(
                "cac:Price",
                _tag("cbc:PriceAmount", one.price, **money),
                _tag("cbc:BaseQuantity", one.price_base, unitCode=one.price_base_unit),
                _box(
                    "cac:AllowanceCharge",
                    "<cbc:ChargeIndicator>false</cbc:ChargeIndicator>",
                    _tag("cbc:Amount", one.gross_price - (one.price or 0), **money),
                    _tag("cbc:BaseAmount", one.gross_price, **money),
                )
                if one.gross_price is not None
                else "",
            ),
        )

    totals = read.totals
    body = [
        _tag("cbc:CustomizationID", read.customization),
        _tag("cbc:ID", read.number),
        _tag("cbc:IssueDate", read.issue_date),
        _tag("cbc:DueDate", read.due_date) if word == "Invoice" else "",
        _tag(f"cbc:{word}TypeCode", read.type_code),
        *(_tag("cbc:Note", note) for note in read.notes),
        _tag("cbc:DocumentCurrencyCode", read.currency),
        _tag("cbc:TaxCurrencyCode", read.tax_currency),
        _tag("cbc:BuyerReference", read.buyer_reference),
        _box("cac:OrderReference", _tag("cbc:ID", read.order), _tag("cbc:SalesOrderID", read.sales_order)),
        *(
            _box(
                "cac:BillingReference",
                _box("cac:InvoiceDocumentReference", _tag("cbc:ID", one.number), _tag("cbc:IssueDate", one.date)),
            )
            for one in read.corrects
        ),
        *(_box("cac:DespatchDocumentReference", _tag("cbc:ID", one)) for one in read.despatch_advices),
        *(_box("cac:ReceiptDocumentReference", _tag("cbc:ID", one)) for one in read.receiving_advices),
        _box("cac:ContractDocumentReference", _tag("cbc:ID", read.contract)),
        *(
            f"<cac:AdditionalDocumentReference><cbc:ID>{n}</cbc:ID><cac:Attachment>"
            + _tag("cbc:EmbeddedDocumentBinaryObject", "AAAA", mimeCode="application/pdf", filename=name)
            + "</cac:Attachment></cac:AdditionalDocumentReference>"
            for n, name in enumerate(read.attachments)
        ),
        _box("cac:AccountingSupplierParty", _box("cac:Party", party(read.seller))),
        _box("cac:AccountingCustomerParty", _box("cac:Party", party(read.buyer))),
        _box("cac:PayeeParty", party(read.payee)) if read.payee else "",
        _box("cac:Delivery", _tag("cbc:ActualDeliveryDate", read.delivery_date)),
        *(
            _box(
                "cac:PaymentMeans",
                "<cbc:PaymentMeansCode>30</cbc:PaymentMeansCode>",
                _tag("cbc:PaymentID", read.payment_reference),
                _box(
                    "cac:PayeeFinancialAccount",
                    _tag("cbc:ID", one.iban or one.number),
                    _tag("cbc:Name", one.name),
                    _box("cac:FinancialInstitutionBranch", _tag("cbc:ID", one.bic)),
                ),
            )
            for one in read.accounts
        ),
        _box("cac:PaymentTerms", _tag("cbc:Note", read.payment_terms)),
        *map(adjustment, read.adjustments),
        _box(
            "cac:TaxTotal",
            _tag("cbc:TaxAmount", totals.tax, **money),
            *(
                _box(
                    "cac:TaxSubtotal",
                    _tag("cbc:TaxableAmount", tax.basis, **money),
                    _tag("cbc:TaxAmount", tax.amount, **money),
                    _box("cac:TaxCategory", _tag("cbc:ID", tax.category), _tag("cbc:Percent", tax.rate), _VAT),
                )
                for tax in read.taxes
            ),
        ),
        _box(
            "cac:LegalMonetaryTotal",
            _tag("cbc:LineExtensionAmount", totals.lines, **money),
            _tag("cbc:TaxExclusiveAmount", totals.tax_basis, **money),
            _tag("cbc:TaxInclusiveAmount", totals.grand, **money),
            _tag("cbc:AllowanceTotalAmount", totals.allowances, **money),
            _tag("cbc:ChargeTotalAmount", totals.charges, **money),
            _tag("cbc:PrepaidAmount", totals.prepaid, **money),
            _tag("cbc:PayableRoundingAmount", totals.rounding, **money),
            _tag("cbc:PayableAmount", totals.payable, **money),
        ),
        *map(line, read.lines),
    ]
    inside = "\n".join(part for part in body if part)
    return (
        f'<{word} xmlns="{_UBL}{word}-2" xmlns:cac="{_UBL}CommonAggregateComponents-2" '
        f'xmlns:cbc="{_UBL}CommonBasicComponents-2">\n{inside}\n</{word}>'
    )


_VAT = "<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme>"


def small_cii(*, number: str = "CII-1", grand: str = "119.00", due: str = "119.00", extra: str = "") -> str:
    """Answer a small Cross Industry Invoice of one line, written by hand; `extra` stands in its settlement."""
    return f"""<rsm:CrossIndustryInvoice xmlns:rsm="{_CII}CrossIndustryInvoice:100"
 xmlns:ram="{_CII}ReusableAggregateBusinessInformationEntity:100" xmlns:udt="{_CII}UnqualifiedDataType:100">
<rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter>
<ram:ID>urn:cen.eu:en16931:2017</ram:ID>
</ram:GuidelineSpecifiedDocumentContextParameter></rsm:ExchangedDocumentContext>
<rsm:ExchangedDocument><ram:ID>{number}</ram:ID><ram:TypeCode>380</ram:TypeCode>
<ram:IssueDateTime><udt:DateTimeString format="102">20260331</udt:DateTimeString></ram:IssueDateTime>
</rsm:ExchangedDocument>
<rsm:SupplyChainTradeTransaction>
<ram:IncludedSupplyChainTradeLineItem>
<ram:AssociatedDocumentLineDocument><ram:LineID>1</ram:LineID></ram:AssociatedDocumentLineDocument>
<ram:SpecifiedTradeProduct><ram:Name>Item</ram:Name></ram:SpecifiedTradeProduct>
<ram:SpecifiedLineTradeAgreement>
<ram:BuyerOrderReferencedDocument><ram:IssuerAssignedID>PO-1</ram:IssuerAssignedID><ram:LineID>20</ram:LineID>
</ram:BuyerOrderReferencedDocument>
<ram:NetPriceProductTradePrice><ram:ChargeAmount>10.00</ram:ChargeAmount></ram:NetPriceProductTradePrice>
</ram:SpecifiedLineTradeAgreement>
<ram:SpecifiedLineTradeDelivery><ram:BilledQuantity unitCode="C62">10</ram:BilledQuantity>
</ram:SpecifiedLineTradeDelivery>
<ram:SpecifiedLineTradeSettlement>
<ram:ApplicableTradeTax><ram:TypeCode>VAT</ram:TypeCode><ram:CategoryCode>S</ram:CategoryCode>
<ram:RateApplicablePercent>19</ram:RateApplicablePercent></ram:ApplicableTradeTax>
<ram:SpecifiedTradeSettlementLineMonetarySummation><ram:LineTotalAmount>100.00</ram:LineTotalAmount>
</ram:SpecifiedTradeSettlementLineMonetarySummation></ram:SpecifiedLineTradeSettlement>
</ram:IncludedSupplyChainTradeLineItem>
<ram:ApplicableHeaderTradeAgreement><ram:SellerTradeParty><ram:Name>Seller</ram:Name></ram:SellerTradeParty>
<ram:BuyerTradeParty><ram:Name>Buyer</ram:Name></ram:BuyerTradeParty></ram:ApplicableHeaderTradeAgreement>
<ram:ApplicableHeaderTradeDelivery/>
<ram:ApplicableHeaderTradeSettlement><ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>{extra}
<ram:ApplicableTradeTax><ram:CalculatedAmount>19.00</ram:CalculatedAmount><ram:TypeCode>VAT</ram:TypeCode>
<ram:BasisAmount>100.00</ram:BasisAmount><ram:CategoryCode>S</ram:CategoryCode>
<ram:RateApplicablePercent>19</ram:RateApplicablePercent></ram:ApplicableTradeTax>
<ram:SpecifiedTradeSettlementHeaderMonetarySummation><ram:LineTotalAmount>100.00</ram:LineTotalAmount>
<ram:TaxBasisTotalAmount>100.00</ram:TaxBasisTotalAmount><ram:TaxTotalAmount currencyID="EUR">19.00</ram:TaxTotalAmount>
<ram:GrandTotalAmount>{grand}</ram:GrandTotalAmount><ram:DuePayableAmount>{due}</ram:DuePayableAmount>
</ram:SpecifiedTradeSettlementHeaderMonetarySummation></ram:ApplicableHeaderTradeSettlement>
</rsm:SupplyChainTradeTransaction></rsm:CrossIndustryInvoice>"""


def a_pdf(attachments: Mapping[str, bytes | list[bytes]], *, password: str = "") -> bytes:
    """Answer a PDF of one empty page with these attachments."""
    writer = PdfWriter()
    writer.add_blank_page(width=200, height=200)
    for name, contents in attachments.items():
        for content in contents if isinstance(contents, list) else [contents]:
            writer.add_attachment(name, content)
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
