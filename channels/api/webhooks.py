"""What channels tell us: raw, verified by the channel's own scheme, kept, answered at once."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from channels.services.taking_in import take_in
from retailhub.core.errors import DomainError
from retailhub.core.failures import failure_response, problem_response, refusal_response


@csrf_exempt
def webhook(request: HttpRequest, code: str) -> HttpResponse:
    """Keep the channel's message. 200 also for one that came before; 401 and nothing kept for one without signature."""
    if request.method != "POST":
        refused = problem_response(request, status=405, code="method_not_allowed", detail="A webhook is POSTed.")
        refused["Allow"] = "POST"
        return refused
    try:
        take_in(
            channel_code=code,
            headers=dict(request.headers.items()),
            raw_body=request.body,
            url=request.build_absolute_uri(),
        )
    except DomainError as refusal:
        return refusal_response(refusal)
    except Exception as error:
        answer = failure_response(request, error)
        if answer is None:
            raise
        return answer
    return HttpResponse(status=200)
