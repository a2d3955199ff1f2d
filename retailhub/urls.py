"""Every address of the house."""

from __future__ import annotations

from importlib.util import find_spec

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from retailhub import health

APPS = ("inventory", "orders", "customers", "purchasing", "channels", "retailhub.accounting")


def _present(prefix: str, module: str) -> list[URLPattern | URLResolver]:
    parent = module.rpartition(".")[0]
    return [path(prefix, include(module))] if find_spec(parent) and find_spec(module) else []


api = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SpectacularSwaggerSplitView.as_view(url_name="api:schema"), name="docs"),
    *(door for app in APPS for door in _present("", f"{app}.api.urls")),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("livez", health.livez),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("api/v1/", include((api, "api"))),
    path("admin/", admin.site.urls),
    *_present("", "retailhub.home.urls"),
]

handler400 = "retailhub.core.failures.bad_request"
handler403 = "retailhub.core.failures.forbidden"
handler404 = "retailhub.core.failures.not_found"
handler500 = "retailhub.core.failures.server_error"
