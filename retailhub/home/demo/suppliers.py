"""Who the demo buys from: terms, people, numbers, and what each of them sells in which packs."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from purchasing.models import Supplier
from purchasing.services.price_listing import ListedPrice, ListEntry, put_price_list
from purchasing.services.supplying import Contact, Identifier, SupplierDraft, upsert_suppliers
from retailhub.core.services.exchanging import set_rates
from retailhub.home.demo.goods import GOODS, Good
from retailhub.home.demo.stock_room import ACTOR

RATES = (("THB", 120, "0.0262"), ("THB", 40, "0.0268"), ("THB", 3, "0.0265"))
"""Currency, days ago, home currency for one unit."""


class Seller(NamedTuple):
    """What a supplier sells: whole groups of goods, or single ones; and what of it comes in packs of so many."""

    goods: tuple[str, ...]
    packs: dict[str, tuple[str, int]] = {}
    rate: Decimal = Decimal(1)


SUPPLIERS = (
    SupplierDraft(
        code="ALPIN", name="Alpin'Gear SAS", currency="EUR", language="fr", payment_days=30, lead_time_days=7,
        minimum_order=Decimal(250), tax_rate=Decimal("0.2"), over_percent=Decimal(5),
        order_email="commandes@alpingear.example",
        address={"line1": "4 rue de la Cordée", "postal_code": "38000", "city": "Grenoble", "country": "FR"},
        contacts=[
            Contact("Élise Garnier", "Orders", "elise@alpingear.example", "+33 4 76 00 00 01"),
            Contact("Paul Imbert", "Accounts", "compta@alpingear.example"),
        ],
        identifiers=[Identifier("gln", "3012345000000"), Identifier("legal", "RCS Grenoble 123 456 789")],
    ),
    SupplierDraft(
        code="JURA", name="Quincaillerie du Jura", currency="EUR", language="fr", payment_days=45, discount_days=8,
        discount_percent=Decimal(2), lead_time_days=10, tax_rate=Decimal("0.2"),
        order_email="vente@quincaillerie-jura.example",
        address={"line1": "12 Grande Rue", "postal_code": "39200", "city": "Saint-Claude", "country": "FR"},
        contacts=[Contact("Luc Perrin", "Orders", "luc@quincaillerie-jura.example")],
    ),
    SupplierDraft(
        code="MAISON", name="Maison Belledonne", currency="EUR", language="fr", payment_days=30, lead_time_days=14,
        tax_rate=Decimal("0.2"), order_email="atelier@belledonne.example",
        close_short_percent=Decimal(3), close_short_days=14,
        address={"line1": "Hameau du Rivier", "postal_code": "38190", "city": "Froges", "country": "FR"},
        contacts=[Contact("Anne-Marie Faure", "Everything", "am@belledonne.example", "+33 4 76 00 00 22")],
    ),
    SupplierDraft(
        code="SIAM", name="สยามคราฟท์ จำกัด (Siam Craft Co., Ltd.)", currency="THB", language="th", payment_days=60,
        lead_time_days=35, minimum_order=Decimal(20_000), bills_on_shipment=True,
        order_email="orders@siamcraft.example",
        address={"line1": "88 ถนนเจริญกรุง", "postal_code": "10500", "city": "กรุงเทพฯ", "country": "TH"},
        contacts=[Contact("คุณนก (Nok)", "Export", "nok@siamcraft.example", "+66 2 000 0000")],
    ),
    SupplierDraft(
        code="YUNWU", name="云雾茶业有限公司 (Yunwu Tea)", currency="EUR", language="zh-hans", payment_days=30,
        lead_time_days=28, order_email="order@yunwu-tea.example",
        address={"line1": "龙井路 18 号", "postal_code": "310000", "city": "杭州", "country": "CN"},
        contacts=[Contact("王小明", "Export", "wang@yunwu-tea.example")],
    ),
    SupplierDraft(
        code="VERCORS", name="Pépinières du Vercors", currency="EUR", language="fr", payment_days=14, lead_time_days=5,
        tax_rate=Decimal("0.1"), note="Orders by telephone, before ten.",
        contacts=[Contact("Bernard", "Nursery", "", "+33 4 75 00 00 33")],
    ),
    SupplierDraft(
        code="ENERGIE", name="Isère Énergie", currency="EUR", language="fr", payment_days=20, tax_rate=Decimal("0.2"),
        is_expense=True,
    ),
)  # fmt: skip
SELLERS = {
    "ALPIN": Seller(("Outdoor/Camping", "Outdoor/Walking", "Outdoor/Bags")),
    "JURA": Seller(
        ("Outdoor/Cooking", "Outdoor/Drinking", "Kitchen/Tools"),
        {"MUG-": ("dozen", 12), "BOT-": ("case", 6), "KNF-OPINEL": ("box", 12), "CUT-": ("box", 10)},
    ),
    "MAISON": Seller(("Home/Light", "Home/Textiles"), {"CND-": ("case", 10), "TWL-": ("bundle", 5)}),
    "SIAM": Seller(("SLK-PHUKET", "BSK-KRAJOOD", "MRT-GRANITE"), {}, Decimal("0.0265")),
    "YUNWU": Seller(("Kitchen/Tea", "WOK-CARB-32"), {"TEA-": ("carton", 10)}),
    "VERCORS": Seller(
        ("Garden/Tools", "Garden/Plants", "Garden/Leisure"), {"SED-": ("tray", 25), "POT-T": ("stack", 10)}
    ),
}
_SINGLE = {sku for seller in SELLERS.values() for sku in seller.goods if "/" not in sku}


def have_suppliers(today: date) -> dict[str, Supplier]:
    """Have the suppliers with their price lists, and the exchange rates they need. Answers them by code."""
    set_rates(
        rates={(currency, today - timedelta(days=ago)): Decimal(rate) for currency, ago, rate in RATES}, source="demo"
    )
    for result in upsert_suppliers(drafts=SUPPLIERS, actor=ACTOR):
        if result.refusal:
            raise result.refusal
    found = {supplier.code: supplier for supplier in Supplier.objects.named(*(draft.code for draft in SUPPLIERS))}
    for code, seller in SELLERS.items():
        entries = [_entry(code, number, good, seller, today) for number, good in enumerate(_goods_of(seller), 1)]
        put_price_list(supplier=found[code], entries=entries, actor=ACTOR)
    return found


def _goods_of(seller: Seller) -> list[Good]:
    return [
        good
        for good in GOODS
        if good.sku in seller.goods or ("/".join(good.category) in seller.goods and good.sku not in _SINGLE)
    ]


def _entry(code: str, number: int, good: Good, seller: Seller, today: date) -> ListEntry:
    pack, units = next((x for beginning, x in seller.packs.items() if good.sku.startswith(beginning)), ("", 1))
    price = (good.cost * units / seller.rate).quantize(Decimal("0.01"))
    return ListEntry(
        sku=good.sku,
        supplier_sku=f"{code[:2]}-{number:03}",
        pack_code=pack,
        pack_numerator=units,
        minimum_quantity=1 if units > 1 else 5 if good.cost < 30 else 2,
        is_preferred=True,
        prices=[
            ListedPrice(price=price, valid_from=date(today.year - 1, 1, 1)),
            ListedPrice(
                price=(price * Decimal("0.95")).quantize(Decimal("0.01")),
                minimum_quantity=10 if units > 1 else 20,
                valid_from=date(today.year - 1, 1, 1),
            ),
        ],
    )
