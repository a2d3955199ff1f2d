"""Which ways papers can travel, the preferred one first."""

from __future__ import annotations

from purchasing.models import Supplier
from purchasing.transports.base import Transport
from purchasing.transports.email import EmailTransport

TRANSPORTS: dict[str, Transport] = {transport.key: transport for transport in (EmailTransport(),)}


def way_to(supplier: Supplier) -> tuple[Transport, str]:
    """Answer the first way by which the supplier can be reached and his address there.

    With none, it is the first way and no address: what is sent like that fails with words a person understands.
    """
    for transport in TRANSPORTS.values():
        address = transport.address_of(supplier)
        if address:
            return transport, address
    return next(iter(TRANSPORTS.values())), ""
