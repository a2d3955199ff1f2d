"""Record lists and forms: receipts of buying."""
