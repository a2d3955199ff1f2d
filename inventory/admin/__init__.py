from inventory.admin import costs, documents, items, ledger, places, promises

__all__ = ["costs", "documents", "items", "ledger", "places", "promises"]
