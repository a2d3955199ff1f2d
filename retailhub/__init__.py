"""retailhub: one stock, one order book, one customer record and one set of supplier papers for every channel."""
