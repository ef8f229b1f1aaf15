"""Errors as pages: how a problem of `service.http.problem_details` is shown in a browser."""

import json
from typing import Final
from urllib.parse import quote

from fastapi import Request
from starlette.responses import Response

from service.pages import display_text, layout

_KEPT_HEADERS: Final = ("retry-after", "allow", "connection")


def render_error(request: Request, problem: Response) -> Response:
    """The page for a problem (an RFC 9457 response as JSON), with its status; a 401 redirects to the sign-in page."""
    if problem.status_code == 401 and request.method == "GET":
        return layout.redirect(f"/sign-in?to={quote(layout.current_address(request), safe='')}")
    heading = display_text.problem_heading(layout.page_words(request), problem.status_code)
    detail = json.loads(bytes(problem.body))["detail"]
    page = layout.render_page(request, "problem.html", problem.status_code, heading=heading, detail=detail)
    page.headers.update({name: value for name, value in problem.headers.items() if name in _KEPT_HEADERS})
    return page
