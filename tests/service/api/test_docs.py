"""`/docs`: the documentation of the API comes from this service only, with vendor files as they were published."""

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


def test_every_file_of_the_page_exists_and_versioned_files_are_cached_for_good(client):
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


def test_vendor_files_are_as_they_were_published_and_have_a_licence():
    lines = (STATIC / "CHECKSUMS.sha256").read_text(encoding="utf-8").splitlines()
    listed = dict(reversed(line.split("  ")) for line in lines)
    files = {str(file.relative_to(STATIC)): file for file in (STATIC / "vendor").rglob("*") if file.is_file()}
    assert {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files.items()} == listed
    assert files
    for folder in (STATIC / "vendor").iterdir():
        assert [*folder.glob("LICENSE*")]
