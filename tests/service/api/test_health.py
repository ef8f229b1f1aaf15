"""`/livez` and `/readyz`."""

from sqlalchemy import text


def test_a_service_without_a_model_is_ready_and_says_what_is_missing(client):
    answered = client.get("/readyz")
    assert answered.status_code == 200
    assert answered.json()["model"] is None
    assert "deskyard train" in answered.json()["reason"]


def test_the_model_in_use_is_named(trained):
    ready = trained.get("/readyz").json()
    assert ready["reason"] is None
    assert (ready["model"]["name"], set(ready["model"]["targets"])) == ("tiny", {"priority", "queue", "assignee"})


def test_a_service_whose_database_is_gone_is_alive_but_not_ready(client):
    with client.app.state.context.database.writing() as conn:
        conn.execute(text("ALTER TABLE desk_queues RENAME TO gone"))
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 503
