"""Suppliers, purchase orders, receiving and invoice matching.

The app is empty so far; what it will write lives below it already: `inventory.IncomingSupply` for goods ordered and
`inventory.services.receiving.receive_stock` for goods that arrive.
"""
