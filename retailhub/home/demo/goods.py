"""What the demo's shop sells: outdoor and home things, some of them named as their makers name them."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple


class Good(NamedTuple):
    """An item: its SKU, name, category, price, cost, reorder point, and opening units by place."""

    sku: str
    name: str
    category: tuple[str, str]
    price: Decimal
    cost: Decimal
    reorder: int
    lyon: int
    annecy: int
    depot: int
    held: int = 0


_TABLE = """
TNT-2P-GRN | Two-person tent, green | Outdoor/Camping | 189.00 | 96.00 | 6 | 4 | 2 | 18 | 6
TNT-1P-SND | One-person tent, sand | Outdoor/Camping | 139.00 | 71.50 | 4 | 2 | 1 | 11 | 0
SLP-3S-BLU | Sleeping bag, three seasons, blue | Outdoor/Camping | 99.00 | 48.20 | 8 | 5 | 3 | 24 | 10
SLP-WIN-RED | Sleeping bag, winter, red | Outdoor/Camping | 169.00 | 88.00 | 15 | 1 | 2 | 9 | 0
MAT-AIR-190 | Air mat, 190 cm | Outdoor/Camping | 59.00 | 24.10 | 10 | 6 | 4 | 30 | 12
MAT-FOAM | Foam mat, folding | Outdoor/Camping | 24.90 | 9.80 | 12 | 10 | 8 | 60 | 0
STV-GAS-S | Gas stove, small | Outdoor/Cooking | 34.90 | 15.60 | 10 | 7 | 5 | 35 | 15
STV-WOOD | Wood stove, folding | Outdoor/Cooking | 44.90 | 20.30 | 5 | 2 | 3 | 14 | 0
POT-TI-09 | Titanium pot, 0.9 l | Outdoor/Cooking | 52.00 | 25.40 | 28 | 4 | 2 | 16 | 4
POT-AL-15 | Aluminium pot, 1.5 l | Outdoor/Cooking | 27.90 | 11.20 | 8 | 5 | 4 | 22 | 0
MUG-ENM-WHT | Enamel mug, white | Outdoor/Cooking | 9.90 | 3.10 | 24 | 30 | 18 | 140 | 40
MUG-ENM-BLU | Enamel mug, blue | Outdoor/Cooking | 9.90 | 3.10 | 24 | 26 | 20 | 120 | 40
CUT-SET-3 | Cutlery set, three pieces | Outdoor/Cooking | 14.90 | 5.40 | 15 | 12 | 9 | 70 | 0
BOT-STL-07 | Steel bottle, 0.7 l | Outdoor/Drinking | 22.90 | 8.70 | 20 | 16 | 14 | 90 | 30
BOT-STL-10 | Steel bottle, 1 l | Outdoor/Drinking | 27.90 | 10.40 | 15 | 11 | 9 | 64 | 20
FLT-WATER | Water filter | Outdoor/Drinking | 39.90 | 18.00 | 28 | 3 | 2 | 20 | 0
BAG-DAY-22 | Day pack, 22 l, slate | Outdoor/Bags | 79.00 | 36.50 | 6 | 5 | 4 | 21 | 8
BAG-TRK-55 | Trekking pack, 55 l, moss | Outdoor/Bags | 179.00 | 92.00 | 12 | 2 | 1 | 8 | 0
BAG-DRY-10 | Dry bag, 10 l | Outdoor/Bags | 16.90 | 6.20 | 15 | 14 | 9 | 66 | 0
BAG-DRY-30 | Dry bag, 30 l | Outdoor/Bags | 24.90 | 9.10 | 10 | 8 | 6 | 40 | 0
POL-TRK-AL | Trekking poles, aluminium, pair | Outdoor/Walking | 49.00 | 21.70 | 8 | 6 | 5 | 26 | 0
POL-TRK-CB | Trekking poles, carbon, pair | Outdoor/Walking | 99.00 | 49.50 | 4 | 2 | 2 | 9 | 0
CMP-PLATE | Plate compass | Outdoor/Walking | 29.90 | 12.30 | 6 | 5 | 3 | 17 | 0
KIT-AID-M | First-aid kit, medium | Outdoor/Walking | 32.90 | 14.80 | 8 | 6 | 6 | 28 | 0
LMP-HEAD-300 | Head lamp, 300 lm | Home/Light | 36.90 | 16.20 | 10 | 8 | 6 | 34 | 16
LMP-CAMP | Camping lamp, rechargeable | Home/Light | 42.90 | 19.40 | 8 | 5 | 4 | 25 | 0
LMP-OIL-BRS | Oil lamp, brass | Home/Light | 58.00 | 27.00 | 6 | 2 | 1 | 6 | 0
CND-BEE-6 | Beeswax candles, six | Home/Light | 18.50 | 7.70 | 10 | 12 | 9 | 44 | 0
LTR-ISERE | Lanterne d'Isère, verre soufflé | Home/Light | 74.00 | 36.00 | 2 | 2 | 2 | 5 | 0
THR-WOOL-GRY | Wool throw, grey | Home/Textiles | 89.00 | 41.00 | 5 | 4 | 3 | 15 | 0
THR-WOOL-OCH | Wool throw, ochre | Home/Textiles | 89.00 | 41.00 | 5 | 3 | 2 | 12 | 0
CSH-LIN-40 | Linen cushion, 40 cm | Home/Textiles | 29.90 | 11.90 | 8 | 9 | 7 | 32 | 0
TWL-LIN-2 | Torchons en lin, lot de deux | Home/Textiles | 19.90 | 7.20 | 12 | 14 | 10 | 50 | 0
NAP-BASQUE | Nappe basque, 150 x 200 cm | Home/Textiles | 64.00 | 29.00 | 4 | 3 | 3 | 11 | 0
PLD-ALP | Plaid des Alpes, écru | Home/Textiles | 112.00 | 54.00 | 3 | 2 | 1 | 6 | 0
SLK-PHUKET | ผ้าไหมไทย สีคราม (Thai silk, indigo) | Home/Textiles | 49.00 | 21.00 | 4 | 4 | 2 | 10 | 0
BSK-KRAJOOD | ตะกร้ากระจูด (rush basket) | Home/Storage | 38.00 | 15.50 | 5 | 5 | 3 | 14 | 0
BSK-WLW-L | Willow basket, large | Home/Storage | 45.00 | 19.20 | 5 | 4 | 3 | 16 | 0
BOX-TIN-S | Storage tin, small | Home/Storage | 8.90 | 2.90 | 20 | 25 | 16 | 110 | 0
BOX-TIN-L | Storage tin, large | Home/Storage | 14.90 | 5.10 | 110 | 15 | 11 | 80 | 0
TEA-LONGJING-100 | 西湖龙井 100 克 (Longjing tea) | Kitchen/Tea | 26.00 | 11.80 | 10 | 9 | 6 | 38 | 0
TEA-TIEGUANYIN | 安溪铁观音 100 克 (Tieguanyin) | Kitchen/Tea | 24.00 | 10.90 | 80 | 8 | 6 | 36 | 0
TEA-MINT-50 | Mint tea, 50 g | Kitchen/Tea | 7.90 | 2.60 | 15 | 18 | 14 | 84 | 0
POT-CAST-08 | Cast-iron teapot, 0.8 l | Kitchen/Tea | 64.00 | 30.50 | 4 | 3 | 2 | 9 | 0
CUP-YIXING | 宜兴紫砂杯 (Yixing cup) | Kitchen/Tea | 19.00 | 7.60 | 8 | 6 | 5 | 24 | 0
KNF-OPINEL-8 | Couteau de poche, lame 8,5 cm | Kitchen/Tools | 13.90 | 6.10 | 20 | 22 | 17 | 96 | 24
KNF-CHEF-20 | Chef's knife, 20 cm | Kitchen/Tools | 69.00 | 33.00 | 16 | 3 | 2 | 10 | 0
BRD-OAK-M | Oak board, medium | Kitchen/Tools | 34.00 | 14.20 | 6 | 5 | 4 | 19 | 0
GRD-COFFEE | Coffee grinder, hand | Kitchen/Tools | 54.00 | 24.90 | 5 | 3 | 3 | 13 | 6
PAN-STEEL-24 | Steel pan, 24 cm | Kitchen/Tools | 49.00 | 22.10 | 6 | 4 | 3 | 17 | 0
POT-ENM-24 | Cocotte émaillée, 24 cm | Kitchen/Tools | 129.00 | 66.00 | 3 | 2 | 1 | 7 | 0
MRT-GRANITE | ครกหิน (granite mortar) | Kitchen/Tools | 42.00 | 18.30 | 4 | 3 | 2 | 10 | 0
WOK-CARB-32 | 碳钢炒锅 32 厘米 (carbon-steel wok) | Kitchen/Tools | 46.00 | 19.90 | 5 | 3 | 3 | 14 | 0
GLV-GRD-M | Garden gloves, size M | Garden/Tools | 12.90 | 4.40 | 15 | 13 | 10 | 58 | 0
SHR-PRUNE | Pruning shears | Garden/Tools | 39.00 | 17.60 | 6 | 5 | 4 | 18 | 0
CAN-ZINC-7 | Watering can, zinc, 7 l | Garden/Tools | 44.00 | 20.10 | 4 | 2 | 2 | 9 | 0
SED-HERB-6 | Herb seeds, six kinds | Garden/Plants | 11.90 | 3.70 | 20 | 20 | 16 | 90 | 0
POT-TERRA-18 | Terracotta pot, 18 cm | Garden/Plants | 8.50 | 2.80 | 15 | 17 | 12 | 62 | 0
HMK-COTTON | Cotton hammock | Garden/Leisure | 74.00 | 33.50 | 4 | 3 | 2 | 11 | 0
CHR-FOLD-OAK | Folding chair, oak | Garden/Leisure | 119.00 | 58.00 | 3 | 2 | 1 | 6 | 0
"""


def _goods() -> tuple[Good, ...]:
    found = []
    for row in _TABLE.strip().splitlines():
        sku, name, path, price, cost, *units = (cell.strip() for cell in row.split("|"))
        above, below = path.split("/")
        found.append(Good(sku, name, (above, below), Decimal(price), Decimal(cost), *map(int, units)))
    return tuple(found)


GOODS = _goods()
KITS: tuple[tuple[str, str, Decimal, dict[str, int]], ...] = (
    (
        "SET-BREAKFAST",
        "Camping breakfast set",
        Decimal("64.90"),
        {"STV-GAS-S": 1, "MUG-ENM-WHT": 2, "CUT-SET-3": 2},
    ),
    ("SET-TEA", "Tea evening: teapot, two cups, Longjing", Decimal("119.00"), {
        "POT-CAST-08": 1, "CUP-YIXING": 2, "TEA-LONGJING-100": 1}),
)  # fmt: skip


def barcode_of(position: int) -> str:
    """Answer an EAN-13 of the range that is free for use inside a shop."""
    digits = f"20{position + 1:010d}"
    total = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(digits))
    return f"{digits}{-total % 10}"
