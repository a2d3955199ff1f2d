"""The accounts that the house posts to by itself, and where the numbers of entries come from."""

from django.db import migrations

# (role, number, name, kind)
CHART = (
    ("bank", "1000", "Bank", "asset"),
    ("inventory", "1200", "Inventory", "asset"),
    ("in_transit", "1210", "Goods in transit", "asset"),
    ("supplier_claims", "1300", "Claims on suppliers", "asset"),
    ("supplier_prepayments", "1310", "Prepayments to suppliers", "asset"),
    ("ginr", "1320", "Goods invoiced, not received", "asset"),
    ("input_tax", "1400", "Input tax", "asset"),
    ("payable", "2000", "Accounts payable", "liability"),
    ("grni", "2100", "Goods received, not invoiced", "liability"),
    ("landed_accrual", "2110", "Landed costs accrued", "liability"),
    ("opening", "3000", "Opening balances", "equity"),
    ("fx_gain", "4900", "Exchange gains", "income"),
    ("cogs", "5000", "Cost of goods sold", "expense"),
    ("price_variance", "5100", "Purchase price variance", "expense"),
    ("shrink", "5200", "Shrinkage", "expense"),
    ("write_down", "5300", "Write-downs of stock", "expense"),
    ("freight", "5400", "Freight and purchasing costs", "expense"),
    ("expense", "6000", "Other expenses", "expense"),
    ("fx_loss", "6900", "Exchange losses", "expense"),
    ("rounding", "6990", "Rounding differences", "expense"),
)


def make_accounts(apps, schema_editor):
    Account = apps.get_model("accounting", "Account")
    for role, number, name, kind in CHART:
        Account.objects.get_or_create(role=role, defaults={"number": number, "name": name, "kind": kind})


def remove_accounts(apps, schema_editor):
    apps.get_model("accounting", "Account").objects.filter(role__in=[entry[0] for entry in CHART]).delete()


class Migration(migrations.Migration):
    dependencies = [("accounting", "0001_initial")]

    operations = [
        migrations.RunSQL("CREATE SEQUENCE accounting_entry_number START 1001", "DROP SEQUENCE accounting_entry_number"),
        migrations.RunPython(make_accounts, remove_accounts),
    ]
