"""Record lists and forms: orders of buying."""
