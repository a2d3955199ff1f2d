"""Leave room on the pages of what is updated all day, so that new versions of a row stay beside the old ones (HOT)."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("inventory", "0002_ledger_ground")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE inventory_stocklevel SET (fillfactor = 80)",
            "ALTER TABLE inventory_stocklevel RESET (fillfactor)",
        ),
    ]
