"""The Sandbox shop: a small shop of its own, in its own process, with its own stock figures and its own order book.

It stands in for a channel that cannot be called from a workshop: it sells, refuses, throttles, breaks off and repeats
itself on demand. It knows nothing of retailhub; `docs/sandbox.md` describes its API.
"""
