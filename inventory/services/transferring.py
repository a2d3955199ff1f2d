"""Goods that one of our places sends to another: draft, ready, on the road, received."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from inventory.models import Bucket, IncomingSupply, Location, Reason, Transfer, TransferLine
from inventory.services.documents import next_number
from inventory.services.finding import ensure_off_the_road, find_items
from inventory.services.ledger import Move, Place, Posting, counterparty, lock_levels
from inventory.services.releasing import lock_for_documents, open_reservations, release_held
from inventory.services.reserving import NotEnoughStock, Request, Wanted, reserve_stock
from inventory.services.serving import serve_waiting
from retailhub.core.errors import DomainError, Invalid, Offence
from retailhub.core.sql import rows, write_fields
from retailhub.core.transactions import retried


class WrongState(DomainError):
    """The transfer is not in a state that allows this."""

    code = "wrong_state"


class ExceedsShipped(DomainError):
    """More would arrive than was sent."""

    code = "exceeds_shipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferDraftLine:
    """Units of a SKU to be sent."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """What arrived of a line: good, damaged, or given up as lost on the road."""

    line: int
    received: int = 0
    damaged: int = 0
    lost: int = 0


@transaction.atomic
def draft_transfer(
    *,
    origin: Location,
    destination: Location,
    lines: Sequence[TransferDraftLine],
    actor: str,
    note: str = "",
    due: datetime | None = None,
) -> Transfer:
    """Have a draft: a plan that reserves nothing yet. One SKU on several lines becomes one line."""
    if origin.pk == destination.pk:
        raise Invalid(errors=[Offence(pointer="/to", code="invalid", detail="a transfer goes to another place")])
    if not lines:
        raise Invalid(errors=[Offence(pointer="/lines", code="invalid", detail="there are no lines")])
    ensure_off_the_road((origin, "/from"), (destination, "/to"))
    items = find_items([line.sku for line in lines])
    units: dict[int, int] = {}
    for item, line in zip(items, lines, strict=True):
        units[item.pk] = units.get(item.pk, 0) + line.quantity
    transfer = Transfer.objects.create(
        number=next_number("TR"), origin=origin, destination=destination, note=note, actor=actor, due=due
    )
    TransferLine.objects.bulk_create(
        TransferLine(transfer=transfer, line=number, item_id=item_id, quantity=quantity)
        for number, (item_id, quantity) in enumerate(units.items(), 1)
    )
    return transfer


@retried()
def ready_transfer(*, transfer_id: int, actor: str) -> Transfer:
    """Reserve the goods at the origin, all lines or none (NotEnoughStock names the short ones)."""
    transfer, lines = _lock(transfer_id, Transfer.Status.READY)
    (outcome,) = reserve_stock(
        requests=[
            Request(
                document=transfer.reference,
                wanted=[Wanted(line=x.line, sku=x.item.sku, quantity=x.quantity, parts={x.item_id: 1}) for x in lines],
                location_ids=[transfer.origin_id],
                only_location_id=transfer.origin_id,
                all_or_nothing=True,
                promised_at=timezone.now(),
            )
        ],
        actor=actor,
    )
    if outcome.refusal:
        raise outcome.refusal
    transfer.status = Transfer.Status.READY
    transfer.save(update_fields=["status"])
    return transfer


@retried()
def ship_transfer(*, transfer_id: int, actor: str, occurred_at: datetime | None = None) -> Transfer:
    """Let the goods leave: they stand in the transit place of the destination, and are supply coming in there.

    Goods of which a count took the reservation away meanwhile stay behind; when nothing is left to send the call is
    refused (NotEnoughStock).
    """
    transfer, lines = _lock(transfer_id, Transfer.Status.IN_TRANSIT)
    road = transit_place()
    # The level they go to is made here at the latest: goods that come in show where they come in.
    ends = (road.pk, transfer.destination_id)
    posting = lock_for_documents([transfer.reference], more=[Place(x.item_id, end) for x in lines for end in ends])
    posting.actor, posting.occurred_at = actor, occurred_at or timezone.now()
    held = {reservation.line: reservation for reservation in open_reservations([transfer.reference])}
    if not held:
        raise NotEnoughStock("Nothing of this transfer is reserved any more.")
    for line in lines:
        reservation = held.get(line.line)
        line.shipped = reservation.open if reservation else 0
        if not reservation:
            continue
        posting.consume(reservation.pk, reservation.place, reservation.open)
        posting.move(
            Move(
                item_id=line.item_id,
                quantity=line.shipped,
                from_location=transfer.origin,
                to_location=road,
                reason=Reason.TRANSFER,
                document=transfer.reference,
                line=line.line,
            )
        )
        posting.incoming.append(
            IncomingSupply(
                document=transfer.reference,
                line=line.line,
                item_id=line.item_id,
                location_id=transfer.destination_id,
                quantity=line.shipped,
                due=transfer.due,
            )
        )
    release_held(posting, document=transfer.reference, quantities=_waiting_only(transfer, lines), serve=False)
    posting.write()
    write_fields(lines, ["shipped"])
    transfer.status, transfer.shipped_at = Transfer.Status.IN_TRANSIT, posting.occurred_at
    transfer.save(update_fields=["status", "shipped_at"])
    return transfer


@retried()
def receive_transfer(
    *, transfer_id: int, arrived: Sequence[Arrived] | None, actor: str, occurred_at: datetime | None = None
) -> Transfer:
    """Book in what arrived, good or damaged, and write off what is given up as lost; None: everything came well.

    The rest stays on the road, visible, until it is received or given up. Goods that came serve who waits.
    """
    transfer, lines = _lock(transfer_id, Transfer.Status.PART_RECEIVED)
    wanted = _arrivals(lines, arrived)
    road = transit_place()
    places = [Place(line.item_id, where) for line in lines for where in (road.pk, transfer.destination_id)]
    posting = Posting(levels=lock_levels(places), actor=actor, occurred_at=occurred_at or timezone.now())
    coming = {
        row[0]: row[1]
        for row in rows("SELECT line, id FROM inventory_incomingsupply WHERE document = %s", [transfer.reference])
    }
    loss = counterparty("@loss")
    for line in lines:
        entry = wanted.get(line.line)
        if entry is None:
            continue
        for units, place, bucket, reason in (
            (entry.received, transfer.destination, Bucket.SELLABLE, Reason.TRANSFER),
            (entry.damaged, transfer.destination, Bucket.DAMAGED, Reason.TRANSFER),
            (entry.lost, loss, Bucket.SELLABLE, Reason.LOSS),
        ):
            if units:
                posting.move(
                    Move(
                        item_id=line.item_id,
                        quantity=units,
                        from_location=road,
                        to_location=place,
                        to_bucket=bucket,
                        reason=reason,
                        document=transfer.reference,
                        line=line.line,
                    )
                )
        gone = entry.received + entry.damaged + entry.lost
        if gone and line.line in coming:
            posting.incoming_change[coming[line.line]] = -gone
        line.received += entry.received
        line.damaged += entry.damaged
        line.lost += entry.lost
    serve_waiting(posting, {line.item_id for line in lines})
    posting.write()
    write_fields(lines, ["received", "damaged", "lost"])
    done = all(line.received + line.damaged + line.lost == line.shipped for line in lines)
    transfer.status = Transfer.Status.RECEIVED if done else Transfer.Status.PART_RECEIVED
    transfer.closed_at = posting.occurred_at if done else None
    transfer.save(update_fields=["status", "closed_at"])
    return transfer


@retried()
def cancel_transfer(*, transfer_id: int, actor: str) -> Transfer:
    """Call the transfer off before it left; what it had reserved is free again."""
    transfer, _ = _lock(transfer_id, Transfer.Status.CANCELLED)
    posting = lock_for_documents([transfer.reference])
    posting.actor = actor
    release_held(posting, document=transfer.reference, quantities=None)
    posting.write()
    transfer.status, transfer.closed_at = Transfer.Status.CANCELLED, timezone.now()
    transfer.save(update_fields=["status", "closed_at"])
    return transfer


def transit_place() -> Location:
    """Answer the place that stands for goods on the road between our own places."""
    return Location.objects.get(code="in-transit")


def _lock(transfer_id: int, to: str) -> tuple[Transfer, list[TransferLine]]:
    transfer = (
        Transfer.objects.select_related("origin", "destination")
        .select_for_update(of=("self",), no_key=True)
        .get(pk=transfer_id)
    )
    if to not in Transfer.MOVES.get(transfer.status, set()):
        raise WrongState(
            f"{transfer.number} is {transfer.get_status_display().lower()}.", status=transfer.status, wanted=to
        )
    return transfer, list(transfer.lines.select_related("item"))


def _waiting_only(transfer: Transfer, lines: Sequence[TransferLine]) -> Mapping[tuple[int, int], int]:
    """What a count took away from the transfer is no longer waited for once it has left."""
    return {(line.line, line.item_id): line.quantity - line.shipped for line in lines}


def _arrivals(lines: Sequence[TransferLine], arrived: Sequence[Arrived] | None) -> dict[int, Arrived]:
    road = {line.line: line.shipped - line.received - line.damaged - line.lost for line in lines}
    if arrived is None:
        return {line: Arrived(line=line, received=units) for line, units in road.items() if units}
    errors = []
    if not any(entry.received or entry.damaged or entry.lost for entry in arrived):
        raise Invalid(errors=[Offence(pointer="/lines", code="invalid", detail="nothing arrived and nothing is lost")])
    for index, entry in enumerate(arrived):
        units = entry.received + entry.damaged + entry.lost
        if entry.line not in road:
            errors.append(Offence(pointer=f"/lines/{index}/line", code="unknown_line", detail="there is no such line"))
        elif units > road[entry.line]:
            errors.append(
                Offence(
                    pointer=f"/lines/{index}",
                    code="exceeds_shipped",
                    detail=f"{units} would arrive, {road[entry.line]} are on the road",
                )
            )
        else:
            road[entry.line] -= units
    if errors:
        raise ExceedsShipped(errors=errors)
    merged: dict[int, Arrived] = {}
    for entry in arrived:
        known = merged.get(entry.line, Arrived(line=entry.line))
        merged[entry.line] = Arrived(
            line=entry.line,
            received=known.received + entry.received,
            damaged=known.damaged + entry.damaged,
            lost=known.lost + entry.lost,
        )
    return merged
