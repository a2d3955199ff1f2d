"""UBL 2.1 Invoice and CreditNote, as EN 16931, Peppol BIS Billing and XRechnung use them."""

from __future__ import annotations

from collections.abc import Iterator

from purchasing.einvoices.codes import CREDIT_NOTES, iban_of, profile_of
from purchasing.einvoices.document import (
    Account,
    Address,
    Adjustment,
    Format,
    InvoiceLine,
    Kind,
    Party,
    ReadInvoice,
    Reference,
    TaxShare,
    Totals,
)
from purchasing.einvoices.limits import Limits
from purchasing.einvoices.making import NO_DAY, FormatReader, order_line
from purchasing.einvoices.trees import Element, line_of

_SCHEMA = "urn:oasis:names:specification:ubl:schema:xsd:"
ROOTS = {f"{{{_SCHEMA}Invoice-2}}Invoice": Kind.INVOICE, f"{{{_SCHEMA}CreditNote-2}}CreditNote": Kind.CREDIT_NOTE}
_NAMESPACES = {"cac": f"{_SCHEMA}CommonAggregateComponents-2", "cbc": f"{_SCHEMA}CommonBasicComponents-2"}


def read_ubl(root: Element, limits: Limits) -> ReadInvoice:
    """Answer what the document says, as it is written. Raises NotReadable with every place that cannot be read."""
    return _Ubl(root, limits).read()


class _Ubl(FormatReader):
    namespaces = _NAMESPACES

    def read(self) -> ReadInvoice:
        v, root = self.values, self.root
        root_kind = ROOTS[str(root.tag)]
        self.word = "CreditNote" if root_kind is Kind.CREDIT_NOTE else "Invoice"
        currency = self.currency(root, "cbc:DocumentCurrencyCode")
        number = v.line_of(v.only(root, "cbc:ID"))
        v.need(number, root, "cbc:ID", "the invoice number (BT-1)")
        issued = v.day(root, "cbc:IssueDate")
        v.need(issued, root, "cbc:IssueDate", "the invoice date (BT-2)")
        type_path = f"cbc:{self.word}TypeCode"
        type_code = v.line_of(v.only(root, type_path)) or ("381" if root_kind is Kind.CREDIT_NOTE else "")
        v.need(type_code, root, type_path, "the document type (BT-3)")
        tax_currency = v.line(root, "cbc:TaxCurrencyCode")
        customization = v.line(root, "cbc:CustomizationID")
        accounts = tuple(self._accounts())
        seller = v.first(root, "cac:AccountingSupplierParty/cac:Party")
        payee = v.first(root, "cac:PayeeParty")
        read = ReadInvoice(
            kind=Kind.CREDIT_NOTE if type_code in CREDIT_NOTES else root_kind,
            type_code=type_code,
            number=number,
            issue_date=issued or NO_DAY,
            due_date=v.day(root, "cbc:DueDate") or v.day(v.first(root, "cac:PaymentMeans"), "cbc:PaymentDueDate"),
            delivery_date=v.day(v.first(root, "cac:Delivery"), "cbc:ActualDeliveryDate"),
            currency=currency,
            tax_currency=tax_currency,
            seller=self._party(seller, ibans=tuple(account.iban for account in accounts if account.iban)),
            buyer=self._party(v.first(root, "cac:AccountingCustomerParty/cac:Party")),
            payee=None if payee is None else self._party(payee),
            accounts=accounts,
            payment_reference=v.line(root, "cac:PaymentMeans/cbc:PaymentID"),
            payment_terms="\n".join(v.texts(root, "cac:PaymentTerms/cbc:Note")),
            order=v.line(root, "cac:OrderReference/cbc:ID"),
            sales_order=v.line(root, "cac:OrderReference/cbc:SalesOrderID"),
            buyer_reference=v.line(root, "cbc:BuyerReference"),
            contract=v.line(root, "cac:ContractDocumentReference/cbc:ID"),
            despatch_advices=v.lines(root, "cac:DespatchDocumentReference/cbc:ID"),
            receiving_advices=v.lines(root, "cac:ReceiptDocumentReference/cbc:ID"),
            corrects=tuple(self._corrects()),
            lines=tuple(self._lines()),
            adjustments=tuple(self._adjustments(root)),
            taxes=tuple(self._taxes(currency)),
            totals=self._totals(currency, tax_currency),
            notes=tuple(v.texts(root, "cbc:Note")),
            attachments=tuple(self._attachments()),
            format=Format.UBL,
            profile=profile_of(customization),
            customization=customization,
        )
        v.finish()
        return read

    def _party(self, node: Element | None, *, ibans: tuple[str, ...] = ()) -> Party:
        v = self.values
        registrations = [
            (v.line(one, "cac:TaxScheme/cbc:ID").upper(), v.line(one, "cbc:CompanyID"))
            for one in v.all(node, "cac:PartyTaxScheme")
        ]
        registered = v.line(node, "cac:PartyLegalEntity/cbc:RegistrationName")
        called = v.line(node, "cac:PartyName/cbc:Name")
        contact = v.first(node, "cac:Contact")
        return Party(
            name=registered or called,
            trading_name=called if registered else "",
            ids=v.identifiers(node, "cac:PartyIdentification/cbc:ID"),
            legal_id=v.identifier(node, "cac:PartyLegalEntity/cbc:CompanyID"),
            vat_ids=tuple(value for scheme, value in registrations if scheme == "VAT" and value),
            tax_ids=tuple(value for scheme, value in registrations if scheme != "VAT" and value),
            endpoint=v.identifier(node, "cbc:EndpointID"),
            contact=v.line(contact, "cbc:Name"),
            email=v.line(contact, "cbc:ElectronicMail"),
            phone=v.line(contact, "cbc:Telephone"),
            address=self._address(v.first(node, "cac:PostalAddress")),
            ibans=ibans,
        )

    def _address(self, node: Element | None) -> Address:
        v = self.values
        streets = [v.line(node, "cbc:StreetName"), v.line(node, "cbc:AdditionalStreetName")]
        return Address(
            lines=tuple(filter(None, [*streets, *v.lines(node, "cac:AddressLine/cbc:Line")])),
            city=v.line(node, "cbc:CityName"),
            postcode=v.line(node, "cbc:PostalZone"),
            region=v.line(node, "cbc:CountrySubentity"),
            country=v.line(node, "cac:Country/cbc:IdentificationCode"),
        )

    def _accounts(self) -> Iterator[Account]:
        v = self.values
        for one in v.all(self.root, "cac:PaymentMeans/cac:PayeeFinancialAccount"):
            written = v.line(one, "cbc:ID")
            iban = iban_of(written)
            yield Account(
                iban=iban,
                number="" if iban else written,
                bic=v.line(one, "cac:FinancialInstitutionBranch/cbc:ID"),
                name=v.line(one, "cbc:Name"),
            )

    def _corrects(self) -> Iterator[Reference]:
        v = self.values
        for one in v.all(self.root, "cac:BillingReference"):
            for kind in ("cac:InvoiceDocumentReference", "cac:CreditNoteDocumentReference"):
                for reference in v.all(one, kind):
                    if number := v.line(reference, "cbc:ID"):
                        yield Reference(number=number, date=v.day(reference, "cbc:IssueDate"))

    def _lines(self) -> Iterator[InvoiceLine]:
        v = self.values
        quantity_path = "cbc:CreditedQuantity" if self.word == "CreditNote" else "cbc:InvoicedQuantity"
        for position, node in enumerate(self.counted(v.all(self.root, f"cac:{self.word}Line")), 1):
            item, price = v.first(node, "cac:Item"), v.first(node, "cac:Price")
            quantity = v.only(node, quantity_path)
            base = v.only(price, "cbc:BaseQuantity")
            net = v.amount(node, "cbc:LineExtensionAmount")
            v.need(net, node, "cbc:LineExtensionAmount", "the net amount of the line (BT-131)")
            ordered = v.first(node, "cac:OrderLineReference")
            tax = v.first(item, "cac:ClassifiedTaxCategory")
            yield InvoiceLine(
                position=position,
                id=v.line(node, "cbc:ID"),
                name=v.line(item, "cbc:Name"),
                description=v.text(item, "cbc:Description"),
                note="\n".join(v.texts(node, "cbc:Note")),
                seller_item=v.line(item, "cac:SellersItemIdentification/cbc:ID"),
                buyer_item=v.line(item, "cac:BuyersItemIdentification/cbc:ID"),
                standard_item=v.identifier(item, "cac:StandardItemIdentification/cbc:ID"),
                quantity=v.number_of(quantity),
                unit=v.attribute(quantity, "unitCode"),
                price=v.amount(price, "cbc:PriceAmount"),
                price_base=self.base_quantity(base),
                price_base_unit=v.attribute(base, "unitCode"),
                gross_price=v.amount(v.first(price, "cac:AllowanceCharge"), "cbc:BaseAmount"),
                net=net,
                adjustments=tuple(self._adjustments(node)),
                tax_category=v.line(tax, "cbc:ID"),
                tax_rate=v.number(tax, "cbc:Percent"),
                order_line=order_line(v.line(ordered, "cac:OrderReference/cbc:ID"), v.line(ordered, "cbc:LineID")),
                despatch=v.line(node, "cac:DespatchLineReference/cac:DocumentReference/cbc:ID"),
                source_line=line_of(node),
                element=f"/{self.word}/{self.word}Line[{position}]",
            )

    def _adjustments(self, node: Element) -> Iterator[Adjustment]:
        v = self.values
        for one in v.all(node, "cac:AllowanceCharge"):
            is_charge = v.flag(one, "cbc:ChargeIndicator")
            v.need(is_charge, one, "cbc:ChargeIndicator", "whether this is a charge")
            amount = v.amount(one, "cbc:Amount")
            v.need(amount, one, "cbc:Amount", "the amount")
            if is_charge is None or amount is None:
                continue
            tax = v.first(one, "cac:TaxCategory")
            yield Adjustment(
                is_charge=is_charge,
                amount=amount,
                base=v.amount(one, "cbc:BaseAmount"),
                percent=v.number(one, "cbc:MultiplierFactorNumeric"),
                code=v.line(one, "cbc:AllowanceChargeReasonCode"),
                reason="\n".join(v.texts(one, "cbc:AllowanceChargeReason")),
                tax_category=v.line(tax, "cbc:ID"),
                tax_rate=v.number(tax, "cbc:Percent"),
            )

    def _tax_total(self, currency: str) -> Element | None:
        """Answer the tax in the currency of the document; beside it the tax in the seller's own may stand."""
        totals = self.values.all(self.root, "cac:TaxTotal")
        named = [one for one in totals if self._currency_of(one) == currency]
        if len(named) > 1:
            self.values.trouble("ambiguous", f"the tax in {currency} stands {len(named)} times", named[1])
        unnamed = [one for one in totals if not self._currency_of(one)]
        return next(iter([*named, *unnamed]), None)

    def _currency_of(self, tax_total: Element) -> str:
        return self.values.attribute(self.values.first(tax_total, "cbc:TaxAmount"), "currencyID")

    def _taxes(self, currency: str) -> Iterator[TaxShare]:
        v = self.values
        for one in v.all(self._tax_total(currency), "cac:TaxSubtotal"):
            amount = v.amount(one, "cbc:TaxAmount")
            v.need(amount, one, "cbc:TaxAmount", "the tax of this category (BT-117)")
            category = v.first(one, "cac:TaxCategory")
            if amount is not None:
                yield TaxShare(
                    category=v.line(category, "cbc:ID"),
                    rate=v.number(category, "cbc:Percent"),
                    basis=v.amount(one, "cbc:TaxableAmount"),
                    amount=amount,
                    exemption="\n".join(v.texts(category, "cbc:TaxExemptionReason")),
                )

    def _totals(self, currency: str, tax_currency: str) -> Totals:
        v = self.values
        node = v.only(self.root, "cac:LegalMonetaryTotal")
        prepaid = v.amount(node, "cbc:PrepaidAmount")
        rounding = v.amount(node, "cbc:PayableRoundingAmount")
        grand, payable = self.foot(
            v.amount(node, "cbc:TaxInclusiveAmount"),
            v.amount(node, "cbc:PayableAmount"),
            prepaid,
            rounding,
            node=node,
            path="cbc:PayableAmount",
        )
        other = [
            one
            for one in v.all(self.root, "cac:TaxTotal")
            if tax_currency and tax_currency != currency and self._currency_of(one) == tax_currency
        ]
        return Totals(
            lines=v.amount(node, "cbc:LineExtensionAmount"),
            allowances=v.amount(node, "cbc:AllowanceTotalAmount"),
            charges=v.amount(node, "cbc:ChargeTotalAmount"),
            tax_basis=v.amount(node, "cbc:TaxExclusiveAmount"),
            tax=v.amount(self._tax_total(currency), "cbc:TaxAmount"),
            tax_in_tax_currency=v.number(other[0], "cbc:TaxAmount") if other else None,
            grand=grand,
            prepaid=prepaid,
            rounding=rounding,
            payable=payable,
        )

    def _attachments(self) -> Iterator[str]:
        v = self.values
        for one in v.all(self.root, "cac:AdditionalDocumentReference"):
            embedded = v.first(one, "cac:Attachment/cbc:EmbeddedDocumentBinaryObject")
            outside = v.line(one, "cac:Attachment/cac:ExternalReference/cbc:URI")
            if embedded is not None or outside:
                yield v.attribute(embedded, "filename") or outside or v.line(one, "cbc:ID")
