"""Numbers for the papers of buying, and the house's own tolerances and approval bands to begin with."""

from decimal import Decimal

from django.db import migrations

# (code, percent, floor, cap, units, action), by `domain.md` 5; None: not asked.
POLICIES = [
    ("DUP", None, None, None, None, "hold"),
    ("NOPO", None, None, None, None, "hold"),
    ("SUPP", None, None, None, None, "hold"),
    ("CUR", None, None, None, None, "hold"),
    ("QREC", None, None, None, 0, "hold"),
    ("QORD", None, None, None, 0, "hold"),
    ("PRICE", "2", "0.50", "50", None, "hold"),
    ("EXT", "2", None, "100", None, "hold"),
    ("CHG", "10", None, "25", None, "hold"),
    ("TAX", None, "0.02", None, None, "hold"),
    ("TOT", None, "0.05", None, None, "hold"),
    ("LATE", None, None, None, None, "warn"),
]


def fill(apps, schema_editor):
    MatchPolicy = apps.get_model("purchasing", "MatchPolicy")
    for code, percent, floor, cap, units, action in POLICIES:
        MatchPolicy.objects.create(
            code=code,
            percent=percent and Decimal(percent),
            floor=floor and Decimal(floor),
            cap=cap and Decimal(cap),
            units=units,
            action=action,
        )
    ApprovalBand = apps.get_model("purchasing", "ApprovalBand")
    ApprovalBand.objects.create(up_to=Decimal(1000), by_another=False)
    ApprovalBand.objects.create(up_to=None, by_another=True)


def empty(apps, schema_editor):
    apps.get_model("purchasing", "MatchPolicy").objects.filter(supplier=None).delete()
    apps.get_model("purchasing", "ApprovalBand").objects.filter(category=None, buyer="").delete()


class Migration(migrations.Migration):
    dependencies = [("purchasing", "0001_suppliers_orders_receipts_and_invoices")]

    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE purchasing_document_number START 1001", "DROP SEQUENCE purchasing_document_number"
        ),
        migrations.RunPython(fill, empty),
    ]
