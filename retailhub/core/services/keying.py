"""Keys for programs: made, noted when used, revoked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.apps import apps
from django.db import IntegrityError, transaction
from rest_framework_api_key.crypto import KeyGenerator, concatenate

from retailhub.core.access import SCOPES
from retailhub.core.errors import DomainError, Invalid, Offence, Unknown
from retailhub.core.models import ApiKey
from retailhub.core.sql import prepared_rows, rows

# 43 letters and digits are 256 bits; only their hash is kept.
GENERATOR = KeyGenerator(prefix_length=8, secret_key_length=43)


class KeyNameTaken(DomainError):
    """A live key has this name."""

    code = "key_name_taken"


def make_key(
    *,
    name: str,
    scopes: Sequence[str],
    locations: Sequence[str] | None = None,
    channel: str = "",
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Have a new key and answer it with its secret, which cannot be shown again.

    `locations` None means everywhere. Raises Invalid for scopes, and Unknown for locations and channels, that there
    are not, and KeyNameTaken, because the name is how history and idempotency know the program.
    """
    _check(name, scopes, locations, channel)
    secret, prefix, hashed = GENERATOR.generate()
    key = ApiKey(
        id=concatenate(prefix, hashed),
        prefix=prefix,
        hashed_key=hashed,
        name=name,
        scopes=sorted(set(scopes)),
        locations=None if locations is None else sorted(set(locations)),
        channel=channel,
        expiry_date=expires_at,
    )
    try:
        with transaction.atomic():
            key.save(force_insert=True)
    except IntegrityError as error:
        raise KeyNameTaken(f"A live key is called {name} already.") from error
    return key, secret


def revoke_key(key: ApiKey) -> None:
    """Make the key worthless at once. This cannot be undone."""
    ApiKey.objects.filter(pk=key.pk).update(revoked=True)


def live_key(prefix: str) -> ApiKey | None:
    """Answer the key with this prefix unless it is revoked; whether the secret is right is another question.

    Every call of the API begins here, so the statement is written once instead of being built each time.
    """
    columns = [str(field.column) for field in ApiKey._meta.concrete_fields]
    found = prepared_rows(
        f"SELECT {', '.join(columns)} FROM core_apikey WHERE prefix = %s AND NOT revoked",  # noqa: S608  our own names
        [prefix],
    )
    return (
        ApiKey.from_db("default", [field.attname for field in ApiKey._meta.concrete_fields], found[0])
        if found
        else None
    )


def note_use(key: ApiKey, *, at: datetime, unless_after: datetime) -> None:
    """Note that the key was used, unless somebody noted it after `unless_after` or is doing so now."""
    rows(
        """
        UPDATE core_apikey SET last_used_at = %s WHERE id = (
            SELECT id FROM core_apikey WHERE id = %s AND (last_used_at IS NULL OR last_used_at < %s)
            FOR NO KEY UPDATE SKIP LOCKED
        ) RETURNING 1
        """,
        [at, key.pk, unless_after],
    )


def _check(name: str, scopes: Sequence[str], locations: Sequence[str] | None, channel: str) -> None:
    errors = [
        Offence(pointer=f"/scopes/{i}", code="unknown_scope", detail=f"there is no scope {scope}")
        for i, scope in enumerate(scopes)
        if scope not in SCOPES
    ]
    if not scopes:
        errors.append(Offence(pointer="/scopes", code="required", detail="a key has at least one scope"))
    if not name.strip() or len(name) > 50:
        errors.append(Offence(pointer="/name", code="invalid", detail="a key has a name of at most 50 characters"))
    if locations is not None and not locations:
        errors.append(Offence(pointer="/locations", code="required", detail="name the locations, or none for all"))
    if errors:
        raise Invalid("This is not a complete key.", errors=errors)
    # Places and channels belong to higher floors, which core does not import: it asks for them by name.
    errors += _missing("inventory.Location", "unknown_location", "/locations/{}", locations or ())
    errors += _missing("orders.SalesChannel", "unknown_channel", "/channel", [channel] if channel else ())
    if errors:
        raise Unknown("A location or channel code names nothing.", errors=errors)


def _missing(model: str, code: str, pointer: str, wanted: Sequence[str]) -> list[Offence]:
    if not wanted:
        return []
    known = set(apps.get_model(model)._default_manager.filter(code__in=wanted).values_list("code", flat=True))
    return [
        Offence(pointer=pointer.format(i), code=code, detail=f"nothing has the code {name}")
        for i, name in enumerate(wanted)
        if name not in known or name.startswith("@")
    ]
