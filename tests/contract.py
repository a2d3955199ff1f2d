"""Holds every answer of the API against its own description, docs/openapi.yaml."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from jsonschema.validators import validator_for  # type: ignore[import-untyped]

FILE = Path(__file__).resolve().parent.parent / "docs" / "openapi.yaml"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Refusals add figures of their own.
_OPEN = {"ProblemShape", "OffenceShape"}


@cache
def description() -> dict[str, Any]:
    document: dict[str, Any] = yaml.load(FILE.read_text(), Loader=_LOADER)  # noqa: S506  a safe loader
    for name, schema in document["components"]["schemas"].items():
        if name.endswith("Shape") and name not in _OPEN and schema.get("type") == "object":
            schema["additionalProperties"] = False
    return document


@cache
def _routes() -> list[tuple[re.Pattern[str], str]]:
    def pattern(path: str) -> re.Pattern[str]:
        return re.compile(re.sub(r"\\\{sku\\\}", ".+", re.sub(r"\\\{(?!sku)\w+\\\}", "[^/]+", re.escape(path))))

    # What is spelt out goes before what is a parameter, as in urls.py.
    return [(pattern(path), path) for path in sorted(description()["paths"], key=lambda p: (p.count("{"), -len(p)))]


@cache
def _validator(path: str, method: str, status: str) -> Draft202012Validator | None:
    responses = description()["paths"][path][method]["responses"]
    content = (responses.get(status) or responses["default"]).get("content", {})
    assert status in responses or int(status) >= 400, f"{method} {path} answers {status}, which is not described"
    for name, kind in content.items():
        if "json" not in name:
            return None  # a page, which no schema describes
        schema = {**kind["schema"], "components": description()["components"]}
        found: Draft202012Validator = validator_for(schema, Draft202012Validator)(schema)
        return found
    return None


def hold_to_contract(method: str, path: str, response: Any) -> None:
    """Fail unless the answer is one that the description promises."""
    if path in {"/api/v1/schema/", "/api/v1/docs/"}:
        return
    status, method = str(response.status_code), method.lower()
    route = next((route for pattern, route in _routes() if pattern.fullmatch(path)), None)
    if route is None or method not in description()["paths"][route]:
        assert response.status_code in {401, 403, 404, 405, 400}, f"{method} {path} is not described"
        return
    validator = _validator(route, method, status)
    if response.streaming:  # a file
        described = description()["paths"][route][method]["responses"][status]["content"]
        assert response["Content-Type"].partition(";")[0] in described
    elif validator is not None and response.content:
        kind = "application/json" if response.status_code < 400 else "application/problem+json"
        assert response["Content-Type"] == kind
        problems = [f"{list(e.absolute_path)}: {e.message}" for e in validator.iter_errors(response.json())]
        assert not problems, f"{method} {route} {status}: {problems}"
