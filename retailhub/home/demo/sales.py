"""The demo's orders: over the desk through the order book, and in the shops as customers place them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from channels.models import Account
from channels.services.connecting import open_channel
from customers.services.finding import Person
from inventory.models import Item
from orders.models import Order, SalesChannel
from orders.queries import stock_of_lines
from orders.services.cancelling import cancel_order
from orders.services.holding import hold_order
from orders.services.lines import LineWanted
from orders.services.placing import NewLine, NewOrder, NewPayment, NewShipping, place_orders
from orders.services.shipping import ship_order
from retailhub.home.demo import shops
from retailhub.home.demo.stock_room import ACTOR, place

DESK = "desk"
TAX = Decimal("0.2")
PEOPLE = (
    ("Camille Roux", "camille.roux@example.com"),
    ("Hugo Lefèvre", "hugo.lefevre@example.com"),
    ("สมชาย ใจดี", "somchai@example.com"),
    ("王小明", "wang.xiaoming@example.com"),
    ("Inès Garnier", "ines.garnier@example.com"),
    ("Jonas Weber", "jonas.weber@example.com"),
    ("Emma Petit", "emma.petit@example.com"),
    ("Noah Moreau", "noah.moreau@example.com"),
    ("ศิริพร วงศ์", "siriporn@example.com"),
    ("李静", "li.jing@example.com"),
    ("Louise Bernard", "louise.bernard@example.com"),
    ("Arthur Faure", "arthur.faure@example.com"),
)
# Lines of the desk's orders; the last ones ask for more than there is.
DESK_ORDERS: tuple[Sequence[tuple[str, int]], ...] = (
    (("MUG-ENM-WHT", 4), ("CUT-SET-3", 2)),
    (("BAG-TRK-55", 1), ("POL-TRK-AL", 1)),
    (("TEA-LONGJING-100", 2), ("CUP-YIXING", 2)),
    (("SET-BREAKFAST", 2),),
    (("THR-WOOL-OCH", 1), ("CSH-LIN-40", 4)),
    (("SLP-3S-BLU", 2), ("MAT-AIR-190", 2)),
    (("KNF-CHEF-20", 1), ("BRD-OAK-M", 1)),
    (("NAP-BASQUE", 1), ("TWL-LIN-2", 3)),
    (("SHR-PRUNE", 1), ("GLV-GRD-M", 2), ("SED-HERB-6", 3)),
    (("WOK-CARB-32", 1), ("MRT-GRANITE", 1)),
    (("PLD-ALP", 14),),
    (("CHR-FOLD-OAK", 12),),
    (("SET-TEA", 16),),
    (("LMP-OIL-BRS", 11), ("CND-BEE-6", 2)),
)
SHOP_ORDERS: dict[str, tuple[Sequence[tuple[str, int]], ...]] = {
    "meadow": (
        (("TNT-2P-GRN", 1),),
        (("MUG-ENM-BLU", 6),),
        (("BOT-STL-07", 2), ("BOT-STL-10", 1)),
        (("LMP-HEAD-300", 1),),
        (("BAG-DAY-22", 1), ("BAG-DRY-10", 2)),
        (("SET-BREAKFAST", 1),),
        (("BSK-KRAJOOD", 1), ("SLK-PHUKET", 1)),
        (("GRD-COFFEE", 1),),
        (("TEA-TIEGUANYIN", 2),),
        (("LTR-ISERE", 1),),
        (("HMK-COTTON", 1),),
        (("FLT-WATER", 2),),
        (("POT-TI-09", 1), ("STV-GAS-S", 1)),
    ),
    "harbour": (
        (("TNT-2P-GRN", 1),),
        (("SLP-3S-BLU", 1),),
        (("MAT-AIR-190", 2),),
        (("STV-GAS-S", 1),),
        (("MUG-ENM-WHT", 8),),
        (("LMP-HEAD-300", 2),),
        (("POT-TI-09", 1),),
        (("BAG-DAY-22", 1),),
        (("BOX-TIN-S", 6),),
        (("TWL-LIN-2", 2),),
    ),
}
OVERSOLD = {"meadow": ("CHR-FOLD-OAK", 3), "harbour": ("POT-ENM-24", 12)}


def have_desk() -> None:
    if not SalesChannel.objects.filter(code=DESK).exists():
        open_channel(
            code=DESK, name="Lyon desk", kind="desk", currency="EUR", location_codes=["lyon", "depot", "annecy"]
        )


def have_desk_orders() -> None:
    """Have the desk's orders, once: placed, some sent, one held, one cancelled in part, some short."""
    if Order.objects.filter(channel__code=DESK).exists():
        return
    prices = dict(Item.objects.values_list("sku", "price"))
    now = timezone.now()
    batch = []
    for number, lines in enumerate(DESK_ORDERS, 1):
        name, email = PEOPLE[number % len(PEOPLE)]
        total = sum(((prices[sku] or Decimal(0)) * units for sku, units in lines), Decimal(0))
        batch.append(
            NewOrder(
                channel=DESK,
                external_reference=f"DESK-{number:04}",
                placed_at=now - timedelta(hours=5 * number),
                currency="EUR",
                customer=Person(name=name, email=email),
                lines=[
                    NewLine(sku=sku, quantity=units, unit_price=prices[sku] or Decimal(0), tax_rate=TAX)
                    for sku, units in lines
                ],
                shipping=NewShipping(
                    method="Parcel",
                    address={"name": name, "line1": f"{number} quai Perrache", "postal_code": "69002", "city": "Lyon",
                             "country": "FR"},
                ),
                payments=[NewPayment(method="card", amount=total, captured=number % 4 != 0)],
            )
        )  # fmt: skip
    place_orders(batch=batch, actor=ACTOR)
    _move_some_on()


def _move_some_on() -> None:
    orders = {order.external_reference: order for order in Order.objects.filter(channel__code=DESK)}
    for reference, tracking in (("DESK-0001", "LP4401239FR"), ("DESK-0006", "LP4401251FR"), ("DESK-0009", "")):
        send(orders[reference], carrier="Colissimo" if tracking else "", tracking=tracking)
    hold_order(order_id=orders["DESK-0008"].pk, reason="Customer asked to wait until Friday", actor=ACTOR)
    cancel_order(
        order_id=orders["DESK-0005"].pk,
        lines=[LineWanted(line=2, quantity=2)],
        reason="Two cushions are enough",
        actor=ACTOR,
    )


def send(order: Order, *, carrier: str = "", tracking: str = "") -> None:
    """Send what is reserved at the place that holds most of it."""
    stock = stock_of_lines([order])[order.pk]
    held: dict[str, dict[int, int]] = {}
    for line, standing in stock.items():
        codes = {entry["location"] for entry in standing.allocations}
        if standing.reserved and len(codes) == 1:
            held.setdefault(codes.pop(), {})[line] = standing.reserved
    if not held:
        return
    code, lines = max(held.items(), key=lambda entry: sum(entry[1].values()))
    ship_order(
        order_id=order.pk,
        location=place(code),
        lines=[LineWanted(line=line, quantity=units) for line, units in lines.items()],
        carrier=carrier,
        tracking_number=tracking,
        actor=ACTOR,
    )


def have_shop_orders(shop: shops.Shop, account: Account) -> None:
    """Have customers buy in the shop and take their orders into the book, once."""
    if Order.objects.filter(channel=account.channel).exists():
        return
    for number, lines in enumerate(SHOP_ORDERS[shop.name]):
        shops.buy(shop, PEOPLE[(number * 5 + len(shop.name)) % len(PEOPLE)], lines)
    sku, units = OVERSOLD[shop.name]
    shops.buy(shop, PEOPLE[3], [(sku, units)], force=True)
    if shop.name == "harbour":
        shops.buy_unknown(shop, PEOPLE[7])
        shops.lose_listing(shop, "TWL-LIN-2")
    shops.take_orders(account)
    for order in Order.objects.filter(channel=account.channel, status="allocated").order_by("pk")[:4]:
        send(order, carrier="DHL", tracking=f"JD0142{order.pk:06}")
