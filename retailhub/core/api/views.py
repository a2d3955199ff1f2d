"""What every view of the API has in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from retailhub.core.access import Principal
from retailhub.core.api.filtering import StrictFilterBackend
from retailhub.core.api.once import Body, answered_once
from retailhub.core.api.paging import KeysetPagination
from retailhub.core.api.principals import principal_of
from retailhub.core.api.rendering import AlwaysJson
from retailhub.core.api.schema import DoorSchema


class ApiView(APIView):
    """A view says which scope each method takes; without that nobody gets in."""

    required_scopes: ClassVar[Mapping[str, str]] = {}
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    content_negotiation_class = AlwaysJson
    metadata_class = None
    schema = DoorSchema()

    @property
    def principal(self) -> Principal:
        return principal_of(self.request)

    def once(self, work: Callable[[], Body], *, required: bool = True) -> HttpResponse:
        """Answer what the work answers, once per Idempotency-Key. What decides access must have been asked before."""
        return answered_once(self.request, work, required=required)


class ListView(ApiView):
    """A list: `rows` to start from, `keys` to walk along, `shown` to write one row, `shape` to describe it."""

    keys: ClassVar[Sequence[str]] = ("-pk",)
    key_kinds: ClassVar[Sequence[type] | None] = None
    filterset_class: ClassVar[Any] = None
    shape: ClassVar[Any] = None
    filter_backends: ClassVar = [StrictFilterBackend]
    pagination_class = KeysetPagination

    def rows(self) -> QuerySet[Any]:
        """Answer what the principal may see."""
        raise NotImplementedError

    def shown(self, row: Any) -> Mapping[str, Any]:
        """Answer a row as it is written."""
        raise NotImplementedError

    def prepare(self, page: list[Any]) -> None:
        """Read what `shown` needs for all rows of the page at once."""

    def get(self, request: Request, **kwargs: Any) -> Response:
        rows = StrictFilterBackend().filter_queryset(request, self.rows(), self)
        pages = self.pagination_class()
        page = pages.paginate_queryset(rows, request, self)
        self.prepare(page)
        return pages.get_paginated_response([self.shown(row) for row in page])

    def get_queryset(self) -> QuerySet[Any]:
        """Answer an empty queryset of the right model: the schema generator asks for it to learn the filters' types."""
        return self.rows().none()
