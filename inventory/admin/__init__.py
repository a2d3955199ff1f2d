from inventory.admin import documents, items, ledger, places, promises

__all__ = ["documents", "items", "ledger", "places", "promises"]
