"""UN/CEFACT Cross Industry Invoice (Factur-X, ZUGFeRD 2, XRechnung), and ZUGFeRD 1.0, its elder with other names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

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
    Remark,
    TaxShare,
    Totals,
)
from purchasing.einvoices.limits import Limits
from purchasing.einvoices.making import NO_DAY, FormatReader, order_line
from purchasing.einvoices.trees import Element, line_of, path_of

_DATA = "urn:un:unece:uncefact:data:standard:"


@dataclass(frozen=True, kw_only=True)
class _Names:
    """What the two generations call the same thing."""

    format: Format
    context: str
    document: str
    transaction: str
    agreement: str
    delivery: str
    settlement: str
    summation: str
    line_agreement: str
    line_delivery: str
    line_settlement: str
    line_summation: str
    id: str
    percent: str
    ram: str
    udt: str


_CII = _Names(
    format=Format.CII,
    context="rsm:ExchangedDocumentContext",
    document="rsm:ExchangedDocument",
    transaction="rsm:SupplyChainTradeTransaction",
    agreement="ram:ApplicableHeaderTradeAgreement",
    delivery="ram:ApplicableHeaderTradeDelivery",
    settlement="ram:ApplicableHeaderTradeSettlement",
    summation="ram:SpecifiedTradeSettlementHeaderMonetarySummation",
    line_agreement="ram:SpecifiedLineTradeAgreement",
    line_delivery="ram:SpecifiedLineTradeDelivery",
    line_settlement="ram:SpecifiedLineTradeSettlement",
    line_summation="ram:SpecifiedTradeSettlementLineMonetarySummation",
    id="ram:IssuerAssignedID",
    percent="ram:RateApplicablePercent",
    ram=f"{_DATA}ReusableAggregateBusinessInformationEntity:100",
    udt=f"{_DATA}UnqualifiedDataType:100",
)
_ZUGFERD_1 = _Names(
    format=Format.ZUGFERD_1,
    context="rsm:SpecifiedExchangedDocumentContext",
    document="rsm:HeaderExchangedDocument",
    transaction="rsm:SpecifiedSupplyChainTradeTransaction",
    agreement="ram:ApplicableSupplyChainTradeAgreement",
    delivery="ram:ApplicableSupplyChainTradeDelivery",
    settlement="ram:ApplicableSupplyChainTradeSettlement",
    summation="ram:SpecifiedTradeSettlementMonetarySummation",
    line_agreement="ram:SpecifiedSupplyChainTradeAgreement",
    line_delivery="ram:SpecifiedSupplyChainTradeDelivery",
    line_settlement="ram:SpecifiedSupplyChainTradeSettlement",
    line_summation="ram:SpecifiedTradeSettlementMonetarySummation",
    id="ram:ID",
    percent="ram:ApplicablePercent",
    ram=f"{_DATA}ReusableAggregateBusinessInformationEntity:12",
    udt=f"{_DATA}UnqualifiedDataType:15",
)
ROOTS = {
    f"{{{_DATA}CrossIndustryInvoice:100}}CrossIndustryInvoice": _CII,
    "{urn:ferd:CrossIndustryDocument:invoice:1p0}CrossIndustryDocument": _ZUGFERD_1,
}
_LINE_STATUS_OF_HEADINGS = frozenset({"GROUP", "INFORMATION"})


def read_cii(root: Element, limits: Limits) -> ReadInvoice:
    """Answer what the document says, as it is written. Raises NotReadable with every place that cannot be read."""
    return _Cii(root, limits).read()


class _Cii(FormatReader):
    def __init__(self, root: Element, limits: Limits) -> None:
        self.names = ROOTS[str(root.tag)]
        rsm = str(root.tag)[1:].partition("}")[0]
        self.namespaces = {"rsm": rsm, "ram": self.names.ram, "udt": self.names.udt}  # type: ignore[misc]
        super().__init__(root, limits)

    def read(self) -> ReadInvoice:
        v, names = self.values, self.names
        document = v.first(self.root, names.document)
        trade = v.first(self.root, names.transaction)
        agreement = v.first(trade, names.agreement)
        delivery = v.first(trade, names.delivery)
        settlement = v.first(trade, names.settlement)
        if settlement is None:
            v.need(None, trade, names.settlement, "the settlement, which holds the totals,")
            v.finish()
        currency = self.currency(settlement, "ram:InvoiceCurrencyCode")
        number = v.line_of(v.only(document, "ram:ID"))
        v.need(number, document, "ram:ID", "the invoice number (BT-1)")
        issued = v.day(document, "ram:IssueDateTime/DateTimeString")
        v.need(issued, document, "ram:IssueDateTime/DateTimeString", "the invoice date (BT-2)")
        type_code = v.line_of(v.only(document, "ram:TypeCode"))
        v.need(type_code, document, "ram:TypeCode", "the document type (BT-3)")
        tax_currency = v.line(settlement, "ram:TaxCurrencyCode")
        customization = v.line(self.root, f"{names.context}/ram:GuidelineSpecifiedDocumentContextParameter/ram:ID")
        accounts = tuple(self._accounts(settlement))
        payee = v.first(settlement, "ram:PayeeTradeParty")
        read = ReadInvoice(
            kind=Kind.CREDIT_NOTE if type_code in CREDIT_NOTES else Kind.INVOICE,
            type_code=type_code,
            number=number,
            issue_date=issued or NO_DAY,
            due_date=self._due_date(settlement),
            delivery_date=v.day(
                v.first(delivery, "ram:ActualDeliverySupplyChainEvent"), "ram:OccurrenceDateTime/DateTimeString"
            ),
            currency=currency,
            tax_currency=tax_currency,
            seller=self._party(
                v.first(agreement, "ram:SellerTradeParty"),
                ibans=tuple(account.iban for account in accounts if account.iban),
            ),
            buyer=self._party(v.first(agreement, "ram:BuyerTradeParty")),
            payee=None if payee is None else self._party(payee),
            accounts=accounts,
            payment_reference=v.line(settlement, "ram:PaymentReference"),
            payment_terms="\n".join(v.texts(settlement, "ram:SpecifiedTradePaymentTerms/ram:Description")),
            order=v.line(agreement, f"ram:BuyerOrderReferencedDocument/{names.id}"),
            sales_order=v.line(agreement, f"ram:SellerOrderReferencedDocument/{names.id}"),
            buyer_reference=v.line(agreement, "ram:BuyerReference"),
            contract=v.line(agreement, f"ram:ContractReferencedDocument/{names.id}"),
            despatch_advices=(
                *v.lines(delivery, f"ram:DespatchAdviceReferencedDocument/{names.id}"),
                *v.lines(delivery, f"ram:DeliveryNoteReferencedDocument/{names.id}"),
            ),
            receiving_advices=v.lines(delivery, f"ram:ReceivingAdviceReferencedDocument/{names.id}"),
            corrects=tuple(self._corrects(settlement)),
            lines=tuple(self._lines(trade)),
            adjustments=(
                *self._adjustments(settlement),
                *self._service_charges(settlement),
            ),
            taxes=tuple(self._taxes(settlement)),
            totals=self._totals(settlement, currency, tax_currency),
            notes=tuple(v.texts(document, "ram:IncludedNote/ram:Content")),
            attachments=tuple(self._attachments(agreement)),
            format=names.format,
            profile=profile_of(customization),
            customization=customization,
            remarks=self._remarks(),
        )
        v.finish()
        return read

    def _remarks(self) -> tuple[Remark, ...]:
        flag = self.values.first(self.root, f"{self.names.context}/ram:TestIndicator/udt:Indicator")
        if flag is None or (flag.text or "").strip() not in {"true", "1"}:
            return ()
        return (Remark(code="test_document", detail="It says of itself that it is a test.", element=path_of(flag)),)

    def _party(self, node: Element | None, *, ibans: tuple[str, ...] = ()) -> Party:
        v = self.values
        registrations = [
            (v.attribute(one, "schemeID").upper(), v.line_of(one))
            for one in v.all(node, "ram:SpecifiedTaxRegistration/ram:ID")
        ]
        contact = v.first(node, "ram:DefinedTradeContact")
        organisation = v.first(node, "ram:SpecifiedLegalOrganization")
        return Party(
            name=v.line(node, "ram:Name"),
            trading_name=v.line(organisation, "ram:TradingBusinessName"),
            ids=(*v.identifiers(node, "ram:GlobalID"), *v.identifiers(node, "ram:ID")),
            legal_id=v.identifier(organisation, "ram:ID"),
            vat_ids=tuple(value for scheme, value in registrations if scheme == "VA" and value),
            tax_ids=tuple(value for scheme, value in registrations if scheme != "VA" and value),
            endpoint=v.identifier(node, "ram:URIUniversalCommunication/ram:URIID"),
            contact=v.line(contact, "ram:PersonName") or v.line(contact, "ram:DepartmentName"),
            email=v.line(contact, "ram:EmailURIUniversalCommunication/ram:URIID"),
            phone=v.line(contact, "ram:TelephoneUniversalCommunication/ram:CompleteNumber"),
            address=self._address(v.first(node, "ram:PostalTradeAddress")),
            ibans=ibans,
        )

    def _address(self, node: Element | None) -> Address:
        v = self.values
        return Address(
            lines=tuple(filter(None, [v.line(node, f"ram:Line{which}") for which in ("One", "Two", "Three")])),
            city=v.line(node, "ram:CityName"),
            postcode=v.line(node, "ram:PostcodeCode"),
            region=v.line(node, "ram:CountrySubDivisionName"),
            country=v.line(node, "ram:CountryID"),
        )

    def _accounts(self, settlement: Element | None) -> Iterator[Account]:
        v = self.values
        for means in v.all(settlement, "ram:SpecifiedTradeSettlementPaymentMeans"):
            for one in v.all(means, "ram:PayeePartyCreditorFinancialAccount"):
                written = v.line(one, "ram:IBANID")
                iban = iban_of(written)
                number = v.line(one, "ram:ProprietaryID") or ("" if iban else written)
                if iban or number:
                    yield Account(
                        iban=iban,
                        number=number,
                        bic=v.line(means, "ram:PayeeSpecifiedCreditorFinancialInstitution/ram:BICID"),
                        name=v.line(one, "ram:AccountName"),
                    )

    def _due_date(self, settlement: Element | None) -> dt.date | None:
        """Answer the first of the days on which something is due; a payment in parts has several."""
        v = self.values
        days = [
            v.day(terms, "ram:DueDateDateTime/DateTimeString")
            for terms in v.all(settlement, "ram:SpecifiedTradePaymentTerms")
        ]
        return min((day for day in days if day), default=None)

    def _corrects(self, settlement: Element | None) -> Iterator[Reference]:
        v = self.values
        for one in v.all(settlement, "ram:InvoiceReferencedDocument"):
            if number := v.line(one, self.names.id):
                yield Reference(number=number, date=v.day(one, "ram:FormattedIssueDateTime/DateTimeString"))

    def _lines(self, trade: Element | None) -> Iterator[InvoiceLine]:
        v, names = self.values, self.names
        nodes = self.counted(v.all(trade, "ram:IncludedSupplyChainTradeLineItem"))
        place = "" if trade is None else path_of(trade)
        for position, node in enumerate(nodes, 1):
            agreement = v.first(node, names.line_agreement)
            settlement = v.first(node, names.line_settlement)
            product = v.first(node, "ram:SpecifiedTradeProduct")
            head = v.first(node, "ram:AssociatedDocumentLineDocument")
            price = v.first(agreement, "ram:NetPriceProductTradePrice")
            delivery = v.first(node, names.line_delivery)
            quantity = v.only(delivery, "ram:BilledQuantity")
            gross = v.first(agreement, "ram:GrossPriceProductTradePrice")
            base = v.only(price, "ram:BasisQuantity")
            if base is None:
                base = v.only(gross, "ram:BasisQuantity")  # BT-149 may stand at either price
            tax = v.first(settlement, "ram:ApplicableTradeTax")
            net_path = f"{names.line_settlement}/{names.line_summation}/ram:LineTotalAmount"
            net = v.amount(node, net_path)
            counts = v.line(head, "ram:LineStatusReasonCode").upper() not in _LINE_STATUS_OF_HEADINGS
            if counts and names.format is Format.ZUGFERD_1 and net is None and quantity is None:
                counts = False  # a line of words, as ZUGFeRD 1.0 allows
            if counts:
                v.need(net, node, net_path, "the net amount of the line (BT-131)")
            ordered = v.first(agreement, "ram:BuyerOrderReferencedDocument")
            yield InvoiceLine(
                position=position,
                id=v.line(head, "ram:LineID"),
                name=v.line(product, "ram:Name"),
                description=v.text(product, "ram:Description"),
                note="\n".join(v.texts(head, "ram:IncludedNote/ram:Content")),
                seller_item=v.line(product, "ram:SellerAssignedID"),
                buyer_item=v.line(product, "ram:BuyerAssignedID"),
                standard_item=v.identifier(product, "ram:GlobalID"),
                quantity=v.number_of(quantity),
                unit=v.attribute(quantity, "unitCode"),
                price=v.amount(price, "ram:ChargeAmount"),
                price_base=self.base_quantity(base),
                price_base_unit=v.attribute(base, "unitCode"),
                gross_price=v.amount(gross, "ram:ChargeAmount"),
                net=net,
                adjustments=tuple(self._adjustments(settlement)),
                tax_category=v.line(tax, "ram:CategoryCode"),
                tax_rate=v.number(tax, names.percent),
                order_line=order_line(v.line(ordered, names.id), v.line(ordered, "ram:LineID")),
                despatch=v.line(delivery, f"ram:DespatchAdviceReferencedDocument/{names.id}")
                or v.line(delivery, f"ram:DeliveryNoteReferencedDocument/{names.id}"),
                counts=counts,
                source_line=line_of(node),
                element=f"{place}/IncludedSupplyChainTradeLineItem[{position}]",
            )

    def _adjustments(self, node: Element | None) -> Iterator[Adjustment]:
        v = self.values
        for one in v.all(node, "ram:SpecifiedTradeAllowanceCharge"):
            is_charge = v.flag(one, "ram:ChargeIndicator/udt:Indicator")
            v.need(is_charge, one, "ram:ChargeIndicator/udt:Indicator", "whether this is a charge")
            amount = v.amount(one, "ram:ActualAmount")
            v.need(amount, one, "ram:ActualAmount", "the amount")
            if is_charge is None or amount is None:
                continue
            tax = v.first(one, "ram:CategoryTradeTax")
            yield Adjustment(
                is_charge=is_charge,
                amount=amount,
                base=v.amount(one, "ram:BasisAmount"),
                percent=v.number(one, "ram:CalculationPercent"),
                code=v.line(one, "ram:ReasonCode"),
                reason=v.text(one, "ram:Reason"),
                tax_category=v.line(tax, "ram:CategoryCode"),
                tax_rate=v.number(tax, self.names.percent),
            )

    def _service_charges(self, settlement: Element | None) -> Iterator[Adjustment]:
        """Answer freight and the like, which the extended profile keeps apart from other charges."""
        v = self.values
        for one in v.all(settlement, "ram:SpecifiedLogisticsServiceCharge"):
            amount = v.amount(one, "ram:AppliedAmount")
            v.need(amount, one, "ram:AppliedAmount", "the amount")
            if amount is not None:
                tax = v.first(one, "ram:AppliedTradeTax")
                yield Adjustment(
                    is_charge=True,
                    amount=amount,
                    reason=v.text(one, "ram:Description"),
                    tax_category=v.line(tax, "ram:CategoryCode"),
                    tax_rate=v.number(tax, self.names.percent),
                )

    def _taxes(self, settlement: Element | None) -> Iterator[TaxShare]:
        v = self.values
        for one in v.all(settlement, "ram:ApplicableTradeTax"):
            amount = v.amount(one, "ram:CalculatedAmount")
            v.need(amount, one, "ram:CalculatedAmount", "the tax of this category (BT-117)")
            if amount is not None:
                yield TaxShare(
                    category=v.line(one, "ram:CategoryCode"),
                    rate=v.number(one, self.names.percent),
                    basis=v.amount(one, "ram:BasisAmount"),
                    amount=amount,
                    exemption=v.text(one, "ram:ExemptionReason"),
                )

    def _totals(self, settlement: Element | None, currency: str, tax_currency: str) -> Totals:
        v = self.values
        node = v.only(settlement, self.names.summation)
        prepaid = v.amount(node, "ram:TotalPrepaidAmount")
        rounding = v.amount(node, "ram:RoundingAmount")
        grand, payable = self.foot(
            self._in_currency(node, "ram:GrandTotalAmount", currency),
            v.amount(node, "ram:DuePayableAmount"),
            prepaid,
            rounding,
            node=node,
            path="ram:DuePayableAmount",
        )
        other = [
            one
            for one in v.all(node, "ram:TaxTotalAmount")
            if tax_currency and tax_currency != currency and v.attribute(one, "currencyID") == tax_currency
        ]
        return Totals(
            lines=v.amount(node, "ram:LineTotalAmount"),
            allowances=v.amount(node, "ram:AllowanceTotalAmount"),
            charges=v.amount(node, "ram:ChargeTotalAmount"),
            tax_basis=self._in_currency(node, "ram:TaxBasisTotalAmount", currency),
            tax=self._in_currency(node, "ram:TaxTotalAmount", currency),
            tax_in_tax_currency=v.number_of(other[0]) if other else None,
            grand=grand,
            prepaid=prepaid,
            rounding=rounding,
            payable=payable,
        )

    def _in_currency(self, node: Element | None, path: str, currency: str) -> Decimal | None:
        """Answer an amount that may stand a second time in another currency: the one in the document's own."""
        v = self.values
        found = v.all(node, path)
        own = [one for one in found if v.attribute(one, "currencyID") == currency]
        own = own or [one for one in found if not v.attribute(one, "currencyID")]
        if len(own) > 1:
            v.trouble("ambiguous", f"this stands {len(own)} times in {currency} where it may stand once", own[1])
        return v.amount_of(own[0]) if own else None

    def _attachments(self, agreement: Element | None) -> Iterator[str]:
        v = self.values
        for one in v.all(agreement, "ram:AdditionalReferencedDocument"):
            embedded = v.first(one, "ram:AttachmentBinaryObject")
            outside = v.line(one, "ram:URIID")
            if embedded is not None or outside:
                yield v.attribute(embedded, "filename") or outside or v.line(one, self.names.id)
