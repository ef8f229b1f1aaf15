"""`/docs`: the API's page, to read and to try; and the files that pages are made of, all of them ours to serve.

Nothing comes from outside: Swagger UI lies in `service/static/vendor` as it was published, with its licence, and
`CHECKSUMS.sha256` says so. The page runs no script but files of this service.
"""

from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response

router: Final = APIRouter()

STATIC_FOLDER: Final = Path(__file__).parents[1] / "static"
SWAGGER: Final = "/static/vendor/swagger-ui-5.35.0"
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
IMMUTABLE: Final = "public, max-age=31536000, immutable"
"""For what bears its version in its address."""

_PAGE: Final = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>deskyard: the API</title>
<link rel="stylesheet" href="{SWAGGER}/swagger-ui.css">
<link rel="icon" type="image/png" href="{SWAGGER}/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<noscript>This page needs JavaScript; <a href="/openapi.json">openapi.json</a> does not.</noscript>
<script src="{SWAGGER}/swagger-ui-bundle.js"></script>
<script src="/static/docs.js"></script>
</body>
</html>
"""


@router.get("/docs", include_in_schema=False)
async def docs() -> HTMLResponse:
    """Every operation, to read and to try."""
    return HTMLResponse(_PAGE, headers=SECURITY_HEADERS)


class StaticAssets(StaticFiles):
    """The files below `service/static`; those under `vendor` are kept by browsers for good."""

    def __init__(self) -> None:
        """Nothing is read until somebody asks."""
        super().__init__(directory=STATIC_FOLDER)

    async def get_response(self, path: str, scope: MutableMapping[str, Any]) -> Response:
        """A file, not changed since, or nothing there."""
        answer = await super().get_response(path, scope)
        answer.headers["X-Content-Type-Options"] = "nosniff"
        if Path(path).parts[:1] == ("vendor",):
            answer.headers["Cache-Control"] = IMMUTABLE
        return answer
