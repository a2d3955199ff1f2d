"""The four counterparties, the place for goods on the road, numbers for stock papers, and search inside words."""

from django.db import migrations

PLACES = [
    ("@supplier", "Suppliers", "counterparty", False),
    ("@customer", "Customers", "counterparty", False),
    ("@loss", "Losses and finds", "counterparty", False),
    ("@opening", "Opening balance", "counterparty", False),
    ("in-transit", "In transit", "transit", True),
]

# All runs of three characters of a text, each once. No extension is needed, and the planner may index it.
TRIGRAMS = """
CREATE FUNCTION rh_trigrams(words text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT coalesce(array_agg(DISTINCT substr(words, n, 3)), '{}')
    FROM generate_series(1, greatest(length(words) - 2, 0)) AS n
$$
"""


def make_places(apps, schema_editor):
    Location = apps.get_model("inventory", "Location")
    for code, name, kind, owned in PLACES:
        Location.objects.get_or_create(code=code, defaults={"name": name, "kind": kind, "owned": owned})


def remove_places(apps, schema_editor):
    apps.get_model("inventory", "Location").objects.filter(code__in=[place[0] for place in PLACES]).delete()


class Migration(migrations.Migration):
    dependencies = [("inventory", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE inventory_document_number START 1001", "DROP SEQUENCE inventory_document_number"
        ),
        migrations.RunSQL(TRIGRAMS, "DROP FUNCTION rh_trigrams(text)"),
        migrations.RunSQL(
            "CREATE INDEX item_search_inside_words ON inventory_item USING gin (rh_trigrams(upper(search_text)))",
            "DROP INDEX item_search_inside_words",
        ),
        # Room on each page for the next version of a row, so that busy levels are updated in place.
        migrations.RunSQL(
            "ALTER TABLE inventory_stocklevel SET (fillfactor = 70)", "ALTER TABLE inventory_stocklevel RESET (fillfactor)"
        ),
        migrations.RunSQL(
            "ALTER TABLE inventory_costpool SET (fillfactor = 70)", "ALTER TABLE inventory_costpool RESET (fillfactor)"
        ),
        migrations.RunPython(make_places, remove_places),
    ]
