"""API keys for programs, the session for browsers."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from retailhub.core.access import principal_of_user
from retailhub.core.api.principals import KeyHolder, key_holder
from retailhub.core.middleware import history_actor
from retailhub.core.models import ApiKey, User
from retailhub.core.services.keying import live_key, note_use

WORD = b"api-key"
NOTE_USE_EVERY = timedelta(minutes=1)


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Api-Key <prefix>.<secret>`. One query; revoked and expired keys fail at once."""

    def authenticate(self, request: Request) -> tuple[KeyHolder, ApiKey] | None:
        word, _, sent = get_authorization_header(request).strip().partition(b" ")
        if word.lower() != WORD:
            return None
        key = self._key(sent.strip().decode("latin-1"))
        now = timezone.now()
        if key is None or (key.expiry_date is not None and key.expiry_date <= now):
            # One answer for all of them: whoever guesses learns nothing.
            raise AuthenticationFailed("This API key is wrong, expired or revoked.")
        if key.last_used_at is None or now - key.last_used_at > NOTE_USE_EVERY:
            note_use(key, at=now, unless_after=now - NOTE_USE_EVERY)
        holder = key_holder(key)
        history_actor(holder.principal.actor)
        return holder, key

    def authenticate_header(self, request: Request) -> str:
        return 'Api-Key realm="retailhub"'

    def _key(self, sent: str) -> ApiKey | None:
        prefix, _, secret = sent.partition(".")
        if not (prefix.isascii() and prefix.isalnum() and secret and secret.isascii() and len(sent) <= 200):
            return None
        key = live_key(prefix)
        return key if key is not None and key.is_valid(sent) else None


class StaffSessionAuthentication(SessionAuthentication):
    """The browser's session, with the CSRF token enforced for everything that writes."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        found = super().authenticate(request)
        if found is not None:
            history_actor(principal_of_user(found[0]).actor)
        return found
