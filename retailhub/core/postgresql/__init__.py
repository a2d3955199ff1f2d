"""Django's PostgreSQL backend with two additions for the paths that must be fast."""
