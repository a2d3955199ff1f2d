"""How the API describes itself: what the views declare, plus what holds for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers

from retailhub.core.api.fields import WholeNumber
from retailhub.core.api.permissions import scope_for
from retailhub.core.failures import CONTENT_TYPE

Handler = TypeVar("Handler", bound=Callable[..., Any])


class OffenceShape(serializers.Serializer[Any]):
    pointer = serializers.CharField(
        help_text="JSON pointer into the body; empty for a query parameter.", allow_blank=True
    )
    code = serializers.CharField()
    detail = serializers.CharField()
    parameter = serializers.CharField(required=False, help_text="The query parameter, where it is one.")


class ProblemShape(serializers.Serializer[Any]):
    """RFC 9457. Codes are stable; some refusals add figures of their own."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()
    errors = OffenceShape(many=True, required=False)  # type: ignore[assignment]


KEY_REQUIRED = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "maxLength": 255},
    OpenApiParameter.HEADER,
    required=True,
    description="The same key and body get the first answer again, with `Idempotency-Replayed: true`. Kept 7 days.",
)
KEY_WELCOME = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "maxLength": 255},
    OpenApiParameter.HEADER,
    description="May be left out: the call comes to the same when repeated.",
)
PROBLEM = {("default", CONTENT_TYPE): ProblemShape}


def door(
    answers: Any, *, body: Any = None, keyed: bool | None = None, parameters: tuple[OpenApiParameter, ...] = ()
) -> Callable[[Handler], Handler]:
    """Describe a method: what it answers (one shape, or one per status), its body, and whether it takes a key.

    Its docstring is the description, and the first line of that the summary.
    """
    by_status: Mapping[int, Any] = answers if isinstance(answers, dict) else {200: answers}
    if keyed is not None:
        parameters = (KEY_REQUIRED if keyed else KEY_WELCOME, *parameters)
    decorate: Callable[[Handler], Handler] = extend_schema(
        request=body, responses={**by_status, **PROBLEM}, parameters=list(parameters)
    )
    return decorate


def query(name: str, description: str = "", *, required: bool = False) -> OpenApiParameter:
    return OpenApiParameter(name, str, OpenApiParameter.QUERY, required=required, description=description)


class DoorSchema(AutoSchema):
    """Reads what an ApiView declares."""

    def get_response_serializers(self) -> Any:
        shape = getattr(self.view, "shape", None)
        if self.method == "GET" and shape is not None:
            return {200: shape(many=True), **PROBLEM}
        return super().get_response_serializers()

    def _is_list_view(self, serializer: Any = None) -> bool:
        if serializer is None or isinstance(serializer, dict):
            return self.method == "GET" and getattr(self.view, "shape", None) is not None
        return super()._is_list_view(serializer)

    def get_summary(self) -> str | None:
        return self._doc().split("\n")[0].rstrip(".") or None

    def get_description(self) -> str:  # type: ignore[override]
        scope = scope_for(self.view, self.method)
        note = f"Takes the scope `{scope}`." if scope else ""
        return f"{self._doc()}\n\n{note}".strip()

    def get_operation_id(self) -> str:
        return super().get_operation_id().removeprefix("api_v1_")

    def _doc(self) -> str:
        own = getattr(self.view, self.method.lower(), None)
        doc = getattr(own, "__doc__", None) or ""
        if not doc or getattr(own, "__qualname__", "").startswith("ListView."):
            doc = type(self.view).__doc__ or ""
        return "\n".join(line.strip() for line in doc.strip().split("\n"))


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "retailhub.core.api.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Api-Key <prefix>.<secret>`, as `manage.py create_api_key` prints it.",
        }


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "retailhub.core.api.authentication.StaffSessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": "The browser's session."}


def tidy(result: Any, **_: Any) -> Any:
    """Leave words where they are used: names made up for shared lists of words would change with each new one."""
    if isinstance(result, dict):
        result.pop("x-spec-enum-id", None)
    for inner in result.values() if isinstance(result, dict) else result if isinstance(result, list) else ():
        tidy(inner)
    return result


def bulk_of(entry: type[serializers.Serializer[Any]], result: type[serializers.Serializer[Any]]) -> tuple[Any, Any]:
    """Answer the shapes of a bulk call's body and of its answer."""
    name = entry.__name__.removesuffix("Body")
    one = type(
        f"{name}EntryBody",
        (entry,),
        {"idempotency_key": serializers.CharField(max_length=255, required=False), "__doc__": entry.__doc__},
    )
    body = type(f"{name}BulkBody", (serializers.Serializer,), {"entries": one(many=True, max_length=500)})
    outcome = type(
        f"{name}ResultShape",
        (serializers.Serializer,),
        {
            "status": WholeNumber(least=200, most=599),
            "body": result(required=False),
            "problem": ProblemShape(required=False),
            "replayed": serializers.BooleanField(required=False),
        },
    )
    answer = type(f"{name}BulkShape", (serializers.Serializer,), {"results": outcome(many=True)})
    return body, {207: answer}
