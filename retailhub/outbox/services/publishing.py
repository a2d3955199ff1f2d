"""Events written in the business transaction: they happen exactly when it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, ClassVar, Protocol

from django.db import connection

from retailhub.core.bells import ring_on_commit
from retailhub.core.sql import OneTrip, array
from retailhub.outbox.models import Delivery, OutboxEvent
from retailhub.outbox.registry import listeners_of


class Event(Protocol):
    """A frozen dataclass of ids, named in the past tense."""

    name: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]


class NotInTransaction(RuntimeError):
    """An event was published outside the transaction that it tells of."""


def publish(*events: Event, trip: OneTrip | None = None) -> None:
    """Store the events and one delivery per listener, in this transaction; ring the bell once it commits.

    With `trip` the rows travel in the caller's own statement. Raises NotInTransaction outside a transaction.
    """
    if not events:
        return
    if not connection.in_atomic_block:
        raise NotInTransaction(events[0].name)
    own = trip is None
    trip = trip or OneTrip()
    _write(trip, events)
    if own:
        trip.run()
    ring_on_commit("retailhub.outbox.tasks.deliver_waiting")


def _payload(event: Event) -> dict[str, Any]:
    return {field.name: getattr(event, field.name) for field in fields(event)}


def _write(trip: OneTrip, events: Sequence[Event]) -> None:
    names, payloads = [event.name for event in events], [_payload(event) for event in events]
    heard_by = {name: listeners_of(name) for name in dict.fromkeys(names)}
    pairs = [(name, listener) for name, listeners in heard_by.items() for listener in listeners]
    cast, values = array(OutboxEvent._meta.get_field("payload"), payloads)
    new = f"""INSERT INTO {OutboxEvent._meta.db_table} (name, payload, listeners)
              SELECT * FROM unnest(%s::varchar[], {cast}, %s::smallint[]) RETURNING id, name"""  # noqa: S608  our own names
    row = [names, values, [len(heard_by[name]) for name in names]]
    if not pairs:
        trip.add(new, row)
        return
    number = trip.add_named(new, row)
    trip.add(
        f"""INSERT INTO {Delivery._meta.db_table} (event_id, listener, state, attempts, error)
            SELECT e.id, p.listener, 'waiting', 0, '' FROM {number} e
            JOIN unnest(%s::varchar[], %s::varchar[]) AS p(name, listener) ON p.name = e.name""",  # noqa: S608
        [[name for name, _ in pairs], [listener for _, listener in pairs]],
    )
