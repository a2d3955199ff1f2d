"""Find what went back of a receipt. Built beside the traffic: the ledger is the biggest table there is."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("inventory", "0004_costs_in_layers_and_linked_demand")]

    operations = [
        AddIndexConcurrently(
            model_name="stockmovement",
            index=models.Index(
                condition=models.Q(("returns__isnull", False)), fields=["returns"], name="movement_returns"
            ),
        ),
    ]
