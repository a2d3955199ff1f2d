"""Order and shipment numbers follow their ids and begin at 1001."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER SEQUENCE orders_order_id_seq RESTART 1001; ALTER SEQUENCE orders_shipment_id_seq RESTART 1001",
            migrations.RunSQL.noop,
        ),
    ]
