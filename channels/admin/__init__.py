from channels.admin import accounts, inbox, listings

__all__ = ["accounts", "inbox", "listings"]
