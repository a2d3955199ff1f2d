"""Record lists and forms: invoices of buying."""
