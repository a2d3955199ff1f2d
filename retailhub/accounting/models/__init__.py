from retailhub.accounting.models.accounts import ROLES, Account
from retailhub.accounting.models.journal import JournalEntry, JournalLine
from retailhub.accounting.models.periods import Period, PeriodChange

__all__ = ["ROLES", "Account", "JournalEntry", "JournalLine", "Period", "PeriodChange"]
