"""What channels tell us: raw, verified by the channel's own scheme, kept, answered at once."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from channels.services.taking_in import take_in
from retailhub.core.api.schema import door
from retailhub.core.api.views import ApiView


class Webhook(ApiView):
    """A message of a channel. No key of ours opens this door, only the channel's signature."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @door({200: None}, body={"application/octet-stream": OpenApiTypes.BINARY})
    def post(self, request: Request, code: str) -> HttpResponse:
        """Keep a channel's message, also one that came before; the work is done later.

        401 `bad_signature`, and nothing kept, for a message without the channel's signature.
        """
        raw = request._request  # DRF would parse the body; the signature is over its bytes
        take_in(
            channel_code=code,
            headers=dict(raw.headers.items()),
            raw_body=raw.body,
            url=raw.build_absolute_uri(),
        )
        return HttpResponse(status=200)
