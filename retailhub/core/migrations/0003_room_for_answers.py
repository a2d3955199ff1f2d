"""Leave room on the pages of idempotency keys: each is written once when claimed and once when answered (HOT)."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("core", "0002_imports")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE core_idempotencykey SET (fillfactor = 60)",
            "ALTER TABLE core_idempotencykey RESET (fillfactor)",
        ),
    ]
