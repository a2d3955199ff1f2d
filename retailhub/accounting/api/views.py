"""The journal, to read: it is written by the documents it tells of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.db.models import Prefetch, QuerySet
from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework.request import Request

from retailhub.accounting.api.filters import EntryFilters
from retailhub.accounting.api.serializers import EntryShape
from retailhub.accounting.models import JournalEntry, JournalLine
from retailhub.accounting.reading import READ, has_the_books
from retailhub.accounting.services.exporting import FORMS, export_journal
from retailhub.core.api.amounts import written
from retailhub.core.api.filtering import known_only
from retailhub.core.api.schema import door, query
from retailhub.core.api.views import ApiView, ListView
from retailhub.core.errors import NotAllowed


class Journal(ListView):
    """List the entries of the journal with their lines, the latest posted first.

    There is one journal for the house: a key for some places only sees nothing.
    """

    required_scopes: ClassVar = {"GET": READ}
    filterset_class = EntryFilters
    shape = EntryShape

    def rows(self) -> QuerySet[JournalEntry]:
        lines = JournalLine.objects.select_related("account").order_by("line")
        return (
            JournalEntry.objects.for_principal(self.principal)
            .select_related("reverses")
            .prefetch_related(Prefetch("lines", lines))
        )

    def shown(self, row: JournalEntry) -> Mapping[str, Any]:
        return {
            "number": row.number,
            "key": row.key,
            "kind": row.kind,
            "document": row.document,
            "date": row.date,
            "document_date": row.document_date,
            "text": row.text,
            "actor": row.actor,
            "currency": settings.HOME_CURRENCY,
            "reverses": row.reverses.number if row.reverses else None,
            "recorded_at": row.recorded_at,
            "lines": [
                {
                    "line": line.line,
                    "account": line.account.number,
                    "account_name": line.account.name,
                    "role": line.account.role,
                    "amount": written(line.amount, settings.HOME_CURRENCY),
                    "location": line.location,
                    "party": line.party,
                    "reference": line.reference,
                    "memo": line.memo,
                    "original_amount": written(line.original_amount, line.original_currency),
                    "original_currency": line.original_currency,
                }
                for line in row.lines.all()
            ],
        }


class JournalExport(ApiView):
    """The journal as a file."""

    required_scopes: ClassVar = {"GET": READ}

    @door(
        {(200, content_type): OpenApiTypes.STR for content_type in ("text/plain", "text/csv")},
        parameters=(
            query("format", f"One of {', '.join(FORMS)}.", required=True),
            query("period", "A month such as 2026-11, or a year such as 2026; left out: everything."),
        ),
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Read the journal as a file for beancount or hledger, or as CSV, of any length.

        What the documents prove is asserted at its end, so that those programs judge the books. A period begins with
        its opening balances; where entries follow after it, nothing is asserted.
        """
        if not has_the_books(self.principal):
            raise NotAllowed("The journal is one for the whole house: this takes the scope at all places.", scope=READ)
        known_only(request, {"format", "period"})
        asked = request.query_params
        export = export_journal(form=asked.get("format", ""), period=asked.get("period", ""))
        answer = StreamingHttpResponse(export.pieces, content_type=export.content_type)
        answer["Content-Disposition"] = f'attachment; filename="{export.name}"'
        return answer
