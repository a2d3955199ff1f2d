"""Pages of the books."""

from __future__ import annotations

from django.urls import path

from retailhub.accounting import verb_views, views

app_name = "books"

urlpatterns = [
    path("books/", views.Books.as_view(), name="index"),
    path("books/post/", verb_views.HandPosting.as_view(), name="post"),
    path("books/proofs/", views.Proofs.as_view(), name="proofs"),
    path("books/accounts/<str:number>/", views.AccountPage.as_view(), name="account"),
    path("books/entries/<str:number>/", views.EntryPage.as_view(), name="entry"),
    path("books/entries/<str:number>/reverse/", verb_views.ReverseEntry.as_view(), name="reverse"),
    path("books/periods/<str:code>/close/", verb_views.ClosePeriod.as_view(), name="close"),
    path("books/periods/<str:code>/reopen/", verb_views.ReopenPeriod.as_view(), name="reopen"),
]
