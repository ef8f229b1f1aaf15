"""`/metrics`: the values that Prometheus reads."""

import re
from concurrent.futures import ThreadPoolExecutor

from prometheus_client.parser import text_string_to_metric_families

from service.http.metrics import Metrics

VPN = "the vpn client drops the connection and the laptop is offline"


def numbers(client):
    """(name, labels) → value."""
    answered = client.get("/metrics")
    assert answered.status_code == 200
    assert answered.headers["content-type"].startswith("text/plain; version=")
    families = text_string_to_metric_families(answered.text)
    return {(one.name, *sorted(one.labels.items())): one.value for family in families for one in family.samples}


def counted(client, name, **labels):
    return numbers(client).get((name, *sorted(labels.items())), 0)


def test_requests_are_counted_by_the_address_of_their_route(client):
    for number in range(3):
        client.get(f"/v1/tickets/{number}")
    client.get("/v1/queues/triage")
    client.request("BREW", "/coffee")
    client.post("/v1/tickets", content=b"{", headers={"Content-Type": "application/json"})
    assert counted(client, "deskyard_http_requests_total", method="GET", route="/v1/tickets/{id}", status="404") == 3
    assert (
        counted(client, "deskyard_http_requests_total", method="GET", route="/v1/queues/{name:path}", status="200") == 1
    )
    assert counted(client, "deskyard_http_requests_total", method="other", route="", status="404") == 1
    assert counted(client, "deskyard_http_requests_total", method="POST", route="/v1/tickets", status="400") == 1
    assert counted(client, "deskyard_http_request_duration_seconds_count", method="GET", route="/v1/tickets/{id}") == 3


def test_requests_that_are_refused_and_bugs_are_counted_too(client):
    client.get("/v1/queues", headers={"Host": "evil.example"})
    client.app.state.context.label_plans = None  # which no background thread reads
    assert client.get("/v1/labels").status_code == 500
    assert {key[3][1]: value for key, value in numbers_of_requests(client.app.state.metrics).items() if value} == {
        "400": 1,
        "500": 1,
    }


def numbers_of_requests(metrics: Metrics):
    families = text_string_to_metric_families(metrics.render("", "").decode())
    samples = (one for family in families for one in family.samples if one.name == "deskyard_http_requests_total")
    return {(one.name, *sorted(one.labels.items())): one.value for one in samples}


def test_new_tickets_are_counted_once_by_reason_and_by_action(trained):
    for number in (1, 2, 2, 2):
        trained.post("/v1/tickets", json={"external_id": str(number), "subject": VPN})
    trained.post("/v1/tickets", json={"subject": "xyzzy"})
    found = numbers(trained)
    placed = {key[1][1]: value for key, value in found.items() if key[0] == "deskyard_tickets_placed_total"}
    assert sum(placed.values()) == 3
    assert len(placed) == 2
    assert found[("deskyard_decisions_total", ("action", "route"), ("target", "queue"))] == 2
    assert found[("deskyard_decisions_total", ("action", "leave"), ("target", "queue"))] == 1


def test_only_the_model_and_policy_in_use_are_reported(trained):
    def active():
        (labels,) = [dict(key[1:]) for key in numbers(trained) if key[0] == "deskyard_active_info"]
        return labels

    first = active()
    assert first["model"] == trained.get("/readyz").json()["model"]["digest"]
    trained.put("/v1/policy", content='mode = "suggest"', headers={"Content-Type": "application/toml"})
    assert active() == {"model": first["model"], "policy": trained.get("/v1/policy").json()["digest"]}
    assert active()["policy"] != first["policy"]


def test_no_text_of_a_ticket_and_no_name_of_a_queue_is_reported(trained):
    trained.post("/v1/tickets", json={"subject": VPN, "requester": "ann@example.org"})
    trained.get("/v1/queues/Кадры%2FОтпуск")
    text = trained.get("/metrics").text
    assert 'route="/v1/tickets"' in text
    assert 'route="/v1/queues/{name:path}"' in text
    assert re.search(r"^deskyard_tickets_placed_total\{.*\} 1\.0$", text, re.MULTILINE)
    assert not re.findall(r"vpn|ann@|\bIT\b|Кадры|%D0|борис", text)


def test_many_threads_lose_no_count():
    metrics = Metrics()

    def count(_):
        for _ in range(1_000):
            metrics.record_request("GET", "/livez", 200, 0.001)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(count, range(8)))
    assert set(numbers_of_requests(metrics).values()) == {8_000}
