"""`/docs`: the API's page comes whole from this service, and nothing in it was changed by anybody."""

import hashlib
import re
from pathlib import Path

import service

STATIC = Path(service.__file__).parent / "static"


def test_the_page_loads_nothing_from_another_host_and_runs_no_script_of_its_own(client):
    page = client.get("/docs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(addresses) == 5
    assert all(address.startswith("/") and not address.startswith("//") for address in addresses)
    assert "://" not in page.text
    assert re.findall(r"<script[^>]*>([^<]*)</script>", page.text) == ["", ""]
    assert not re.search(r"\son\w+=", page.text)


def test_the_browser_is_told_to_run_only_our_own_files(client):
    policy = client.get("/docs").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe-eval" not in policy


def test_everything_that_the_page_asks_for_is_there_and_kept_for_good_where_it_bears_its_version(client):
    addresses = re.findall(r'(?:src|href)="([^"]+)"', client.get("/docs").text)
    assert any("/vendor/" in address for address in addresses)
    for address in addresses:
        answered = client.get(address)
        assert answered.status_code == 200, address
        assert ("immutable" in answered.headers.get("cache-control", "")) == ("/vendor/" in address)
    assert '"/openapi.json"' in client.get("/static/docs.js").text
    assert client.get("/static/vendor/nothing.js").status_code == 404
    assert client.get("/static/../app.py").status_code == 404
    assert client.get("/static/%2e%2e/app.py").status_code == 404


def test_what_others_made_is_here_as_they_published_it_with_its_licence():
    lines = (STATIC / "CHECKSUMS.sha256").read_text(encoding="utf-8").splitlines()
    listed = dict(reversed(line.split("  ")) for line in lines)
    here = {str(file.relative_to(STATIC)): file for file in (STATIC / "vendor").rglob("*") if file.is_file()}
    assert {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in here.items()} == listed
    assert here
    for folder in (STATIC / "vendor").iterdir():
        assert [*folder.glob("LICENSE*")]
