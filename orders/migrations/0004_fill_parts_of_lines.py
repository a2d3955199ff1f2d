"""Lines of kits that were ordered before their parts were kept get what the catalogue says now.

That is what they were read from until today. Finished orders too: the books are proved over them. Only new rows are
written and nothing is locked that anybody waits for. May run again, for orders that the release before took meanwhile.
"""

from django.db import migrations

FILL = """
INSERT INTO orders_orderlinepart (order_id, line, item_id, quantity)
SELECT l.order_id, l.line, k.component_id, k.quantity
FROM orders_orderline l
JOIN inventory_item i ON i.id = l.item_id AND i.kind = 'kit'
JOIN inventory_kitcomponent k ON k.kit_id = l.item_id
WHERE NOT EXISTS (SELECT 1 FROM orders_orderlinepart p WHERE p.order_id = l.order_id AND p.line = l.line)
ORDER BY 1, 2, 3
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0003_parts_of_lines"), ("inventory", "0001_initial")]

    operations = [migrations.RunSQL(FILL, "DELETE FROM orders_orderlinepart")]
