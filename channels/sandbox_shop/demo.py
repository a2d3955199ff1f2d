"""A few articles to look at, for a shop that nobody feeds yet."""

from __future__ import annotations

from channels.sandbox_shop import listings
from channels.sandbox_shop.shop import Shop

ARTICLES = (
    ("MUG-BLUE", "Stoneware mug, blue", "Holds 350 ml and keeps its colour in the dishwasher.", "12.50", 24),
    ("MUG-SAND", "Stoneware mug, sand", "The same mug in a warm grey.", "12.50", 8),
    ("TEA-OOLONG-100", "Oolong tea, 100 g", "From the high slopes, lightly roasted.", "18.90", 40),
    ("POT-CAST-08", "Cast-iron teapot, 0.8 l", "With a steel strainer.", "64.00", 3),
    ("TRAY-TEAK", "Serving tray, teak", "Oiled by hand, 40 by 25 cm.", "38.00", 1),
    ("TOWEL-LINEN", "Kitchen towel, linen", "Pair, 50 by 70 cm.", "16.00", 0),
)


def seed_demo(shop: Shop) -> None:
    """Put the articles on the shelves of an empty shop; a shop with articles stays as it is."""
    with shop.store.transaction() as db:
        if listings.all_listings(db, most=1):
            return
        now = shop.clock.stamp()
        wanted = [
            {"sku": sku, "title": title, "description": text, "price": price, "currency": "EUR", "tax_rate": "0.19"}
            for sku, title, text, price, _ in ARTICLES
        ]
        listings.save_listings(db, wanted, now=now, failing=0)
        db.executemany("UPDATE listing SET quantity = ? WHERE sku = ?", [(left, sku) for sku, *_, left in ARTICLES])
