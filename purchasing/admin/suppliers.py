"""Record lists and forms: suppliers of buying."""
