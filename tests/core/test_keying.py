"""Keys are made with scopes, places and channels that there are, and shown once."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from retailhub.core.access import SCOPES
from retailhub.core.errors import Invalid, Unknown
from retailhub.core.models import ApiKey
from retailhub.core.services.keying import KeyNameTaken, make_key, revoke_key
from tests.factories.core import Program
from tests.factories.inventory import LocationFactory
from tests.factories.orders import SalesChannelFactory

pytestmark = pytest.mark.django_db


def test_the_command_prints_a_key_that_works_once() -> None:
    LocationFactory.create(code="paris")
    SalesChannelFactory.create(code="webshop")
    out = StringIO()

    call_command(
        "create_api_key", "till", "--scope", "orders:read", "--scope", "stock:read", "--location", "paris",
        "--channel", "webshop", "--expires", "30", stdout=out,
    )  # fmt: skip

    key = ApiKey.objects.get(name="till")
    assert (key.scopes, key.locations, key.channel) == (["orders:read", "stock:read"], ["paris"], "webshop")
    assert key.expiry_date is not None
    assert timedelta(days=29) < key.expiry_date - timezone.now() < timedelta(days=31)
    assert Program(out.getvalue().strip()).read("/orders/").status_code == 200


def test_a_star_means_every_scope() -> None:
    call_command("create_api_key", "all", "--scope", "*", stdout=StringIO())

    assert set(ApiKey.objects.get().scopes) == set(SCOPES)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--scope", "orders:delete"),
        ("--scope", "orders:read", "--location", "nowhere"),
        ("--scope", "orders:read", "--location", "@loss"),
        ("--scope", "orders:read", "--channel", "nobody"),
        ("--scope", "orders:read", "--expires", "0"),
    ],
)
def test_what_there_is_not_is_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        call_command("create_api_key", "x", *arguments, stdout=StringIO())

    assert not ApiKey.objects.exists()


def test_a_name_is_free_again_once_its_key_is_revoked() -> None:
    key, _ = make_key(name="till", scopes=["orders:read"])
    with pytest.raises(KeyNameTaken):
        make_key(name="till", scopes=["orders:read"])

    revoke_key(key)

    make_key(name="till", scopes=["orders:read"])


def test_every_mistake_is_named() -> None:
    with pytest.raises(Invalid) as refusal:
        make_key(name="", scopes=["a", "orders:read", "b"], locations=[])
    assert [e.pointer for e in refusal.value.errors] == ["/scopes/0", "/scopes/2", "/name", "/locations"]

    with pytest.raises(Unknown) as unknown:
        make_key(name="x", scopes=["orders:read"], locations=["here"], channel="there")
    assert [e.code for e in unknown.value.errors] == ["unknown_location", "unknown_channel"]
