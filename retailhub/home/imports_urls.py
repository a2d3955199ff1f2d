"""The import pages."""

from __future__ import annotations

from django.urls import path

from retailhub.home import imports_views as views

app_name = "imports"
urlpatterns = [
    path("", views.StartPage.as_view(), name="start"),
    path("template/<str:kind>/", views.Template.as_view(), name="template"),
    path("export/<str:what>.<str:form>", views.Export.as_view(), name="export"),
    path("<uuid:token>/columns/", views.ColumnsPage.as_view(), name="columns"),
    path("<uuid:token>/preview/", views.PreviewPage.as_view(), name="preview"),
    path("<int:pk>/", views.ReportPage.as_view(), name="report"),
    path("<int:pk>/undo/", views.UndoImport.as_view(), name="undo"),
    path("<int:pk>/again/", views.TryAgain.as_view(), name="again"),
    path("<int:pk>/<str:name>", views.Download.as_view(), name="download"),
]
