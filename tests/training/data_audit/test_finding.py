"""Every kind of finding is told in every language from its figures alone, whatever history it is about."""

from dataclasses import asdict, replace

import pytest

from deskyard.reports.audit_findings import FINDING_TEMPLATES, render_finding
from deskyard.reports.i18n import Language, Translator
from training import data_audit
from training.data.moves import Move


def spoilt(clean, some, language):
    """A history with several things wrong at once."""
    word = {"en": "Resolution: done by", "ru": "Решено: сделала группа"}[language]
    closed = {"en": "Closed by second line", "ru": "Закрыто второй линией"}[language]
    solved, _ = some(clean, 0.3)
    closing, label = some(clean, 0.9, "queue")
    tickets = []
    for i, ticket in enumerate(clean.tickets):
        body = f"{ticket.body}\n\n{word} {clean.labels['queue'][i]}" if i in solved else ticket.body
        body = f"{body}\n\n{closed}" if i in closing else body
        body = f"{body} [Q-{label[:3].upper()}-1]" if clean.labels["queue"][i] == label else body
        tickets.append(replace(ticket, body=body, fields={"team": clean.labels["queue"][i]}))
    tickets[-30:] = [replace(tickets[i], id=f"copy {i}") for i in range(30)]
    moves = [
        Move(id=ticket.id, at=None, actor="x", field="team", before="a", after=ticket.fields["team"])
        for ticket in tickets[:100]
    ]
    return replace(clean, tickets=tickets, moves=moves, digest="spoilt")


@pytest.fixture(scope="module")
def findings(clean, some, make_case, language):
    return data_audit.findings_to_json(
        data_audit.audit_history(make_case(spoilt(clean, some, language), "queue", "priority", "category"))
    )


def test_every_finding_is_told_from_its_figures(findings):
    assert len({found["probe"] for found in findings}) >= 5
    for found in findings:
        for language in Language:
            told = render_finding(found, Translator(language))
            assert found["probe"] in FINDING_TEMPLATES
            assert told.sentence != found["sentence"], found
            assert "%(" not in told.sentence + told.advice


def test_a_finding_that_lacks_its_figures_keeps_the_words_of_its_probe(findings):
    for found in findings:
        bare = found | {"figures": {}, "sentence": "<b>as it was</b>"}
        told = render_finding(bare, Translator(Language.RU))
        if found["probe"] != "dead labels":  # its figures are the labels
            assert told.sentence == "&lt;b&gt;as it was&lt;/b&gt;"
    unknown = asdict(data_audit.Finding("a new probe", "note", None, "it says so", "do it"))
    assert render_finding(unknown, Translator(Language.RU)).heading == "a new probe"
