"""`/docs`: the interactive documentation of the API, and the static files of all pages.

Nothing is loaded from other hosts: `service/static/vendor` holds Swagger UI as it was published, with its licence and
its digests in `CHECKSUMS.sha256`. The page runs only scripts of this service.
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
    "Referrer-Policy": "no-referrer",
}
IMMUTABLE: Final = "public, max-age=31536000, immutable"
"""`Cache-Control` of files whose address contains their version."""
REVALIDATE: Final = "no-cache"
"""`Cache-Control` of other files: a browser asks each time whether its copy is still the same."""

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
    """The page that lists every operation and sends requests."""
    return HTMLResponse(_PAGE, headers=SECURITY_HEADERS)


class StaticAssets(StaticFiles):
    """The files below `service/static`; browsers cache those under `vendor` for a year."""

    def __init__(self) -> None:
        """Serve `STATIC_FOLDER`; files are read when they are requested."""
        super().__init__(directory=STATIC_FOLDER)

    async def get_response(self, path: str, scope: MutableMapping[str, Any]) -> Response:
        """The file, 304 if it has not changed, or 404."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = IMMUTABLE if Path(path).parts[:1] == ("vendor",) else REVALIDATE
        return response
