"""What is posted of an invoice line and what its next round would add stand beside each other. Built beside the traffic."""

from django.db import migrations, models

ONCE = "match_allocation_once_posted_and_once_not"


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("purchasing", "0005_words_of_buying")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddConstraint(
                    model_name="matchallocation",
                    constraint=models.UniqueConstraint(
                        fields=("invoice_line", "order_line", "receipt_line", "is_posted"),
                        name=ONCE,
                        nulls_distinct=False,
                    ),
                ),
            ],
            database_operations=[
                migrations.RunSQL(
                    f"""CREATE UNIQUE INDEX CONCURRENTLY {ONCE} ON purchasing_matchallocation
                        (invoice_line_id, order_line_id, receipt_line_id, is_posted) NULLS NOT DISTINCT""",
                    f"DROP INDEX IF EXISTS {ONCE}",
                ),
                # The index is there: this only names it.
                migrations.RunSQL(
                    f"""ALTER TABLE purchasing_matchallocation ADD CONSTRAINT {ONCE}
                        UNIQUE USING INDEX {ONCE}""",
                    f"ALTER TABLE purchasing_matchallocation DROP CONSTRAINT {ONCE}",
                ),
            ],
        ),
        migrations.RemoveConstraint(model_name="matchallocation", name="match_allocation_once"),
    ]
