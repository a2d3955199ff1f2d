"""Tiny views that show what every view of the API has in common."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any, ClassVar

import django_filters
from django.db import DataError, OperationalError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from retailhub.core.api.bulk import Entries, Result, answered_in_bulk
from retailhub.core.api.fields import CleanChar, MoneyString, QuantityField, SkuField, TextsField
from retailhub.core.api.once import Body
from retailhub.core.api.serializers import StrictSerializer, many
from retailhub.core.api.views import ApiView, ListView
from retailhub.core.errors import DomainError, Offence
from retailhub.core.models import Job

handler400 = "retailhub.core.failures.bad_request"
handler403 = "retailhub.core.failures.forbidden"
handler404 = "retailhub.core.failures.not_found"
handler500 = "retailhub.core.failures.server_error"


class TooMany(DomainError):
    """There are not that many."""

    code = "too_many"


class LineBody(StrictSerializer):
    sku = SkuField()
    quantity = QuantityField()
    price = MoneyString(default=Decimal(0))


class PaperBody(StrictSerializer):
    label = CleanChar(max_length=40)  # type: ignore[assignment]
    note = CleanChar(default="", allow_blank=True, several_lines=True)
    address = TextsField(default=dict)
    lines = many(LineBody, most=3, default=list)


class Papers(ListView):
    """Jobs serve as documents here: core has nothing simpler."""

    required_scopes: ClassVar = {"GET": "orders:read", "POST": "orders:write"}

    class filterset_class(django_filters.FilterSet):  # type: ignore[misc]  # noqa: N801
        kind = django_filters.CharFilter()
        total = django_filters.NumberFilter()

    def rows(self) -> QuerySet[Job]:
        return Job.objects.all()

    def shown(self, row: Job) -> dict[str, Any]:
        return {"number": row.pk, "label": row.label, "at": row.created_at}

    def post(self, request: Request) -> HttpResponse:
        return self.once(self.make)

    def make(self) -> Body:
        return make(PaperBody.read(self.request.data))


def make(values: dict[str, Any]) -> Body:
    job = Job.objects.create(kind="paper", label=values["label"])
    match values["label"]:
        case "refuse":
            raise TooMany(errors=[Offence(pointer="/label", code="too_many", detail="no")], status="draft", seen=3)
        case "break":
            raise RuntimeError("broken")
        case "slow":
            time.sleep(0.4)
    return 201, {"number": job.pk, "price": Decimal("1E+1"), "lines": len(values["lines"])}


class PapersBulk(ApiView):
    required_scopes: ClassVar = {"POST": "orders:write"}

    def post(self, request: Request) -> HttpResponse:
        return answered_in_bulk(request, body=PaperBody, work=self.make)

    def make(self, entries: Entries) -> dict[int, Result]:
        results = {}
        for index, values in entries.items():
            try:
                with transaction.atomic():
                    results[index] = Result(*make(values))
            except DomainError as refusal:
                results[index] = Result.refused(refusal, index)
        return results


class Touch(ApiView):
    """Comes to the same when repeated, so it needs no key."""

    required_scopes: ClassVar = {"POST": "orders:write"}

    def post(self, request: Request) -> HttpResponse:
        return self.once(lambda: (200, {"who": self.principal.actor}), required=False)


class Undeclared(ApiView):
    def get(self, request: Request) -> Response:
        return Response({"secret": 1})


class Plain(APIView):
    def get(self, request: Request) -> Response:
        return Response({"secret": 1})


class Failing(ApiView):
    required_scopes: ClassVar = {"GET": "orders:read"}

    def get(self, request: Request, how: str) -> Response:
        raise {"away": OperationalError("gone"), "data": DataError("x"), "bug": RuntimeError("secret detail")}[how]


def page(request: HttpRequest, how: str = "") -> HttpResponse:
    if how == "away":
        raise OperationalError("gone")
    if how == "bug":
        raise RuntimeError("secret detail")
    if how == "echo":
        return JsonResponse({**request.GET.dict(), **request.POST.dict()})
    return HttpResponse("a page")


api = [
    path("papers/", Papers.as_view()),
    path("papers/bulk/", PapersBulk.as_view()),
    path("touch/", Touch.as_view()),
    path("undeclared/", Undeclared.as_view()),
    path("plain/", Plain.as_view()),
    path("failing/<how>/", Failing.as_view()),
]
urlpatterns = [path("api/v1/", include(api)), path("page/", page), path("page/<how>/", page)]
