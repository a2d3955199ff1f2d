from purchasing.admin import invoices, orders, receipts, suppliers

__all__ = ["invoices", "orders", "receipts", "suppliers"]
