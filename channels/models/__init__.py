from channels.models.accounts import Account, Cursor
from channels.models.inbox import InboxMessage
from channels.models.listings import Listing
from channels.models.sync import PushLog, Recount, StockIntent

__all__ = ["Account", "Cursor", "InboxMessage", "Listing", "PushLog", "Recount", "StockIntent"]
