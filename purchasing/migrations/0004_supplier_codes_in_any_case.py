"""Two suppliers whose codes differ by case only cannot be. Built beside the traffic."""

from django.db import migrations, models
from django.db.models.functions import Upper

ONCE = "supplier_code_once_in_any_case"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("purchasing", "0003_replacements_and_prepayments")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddConstraint(
                    model_name="supplier",
                    constraint=models.UniqueConstraint(
                        Upper("code"),
                        name=ONCE,
                        violation_error_message="There is a supplier with this code already.",
                    ),
                ),
            ],
            database_operations=[
                migrations.RunSQL(
                    f"CREATE UNIQUE INDEX CONCURRENTLY {ONCE} ON purchasing_supplier (upper(code))",
                    f"DROP INDEX IF EXISTS {ONCE}",
                ),
            ],
        ),
    ]
