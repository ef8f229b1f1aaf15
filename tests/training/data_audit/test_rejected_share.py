"""Rows that could not be read are said as loudly as they matter."""

from deskyard.domain.ticket import Ticket
from training.data.history import History
from training.data.rejected_rows import RejectedRow
from training.data_audit.rejected_share import find_rejections


def history(tickets: int, rejected: int) -> History:
    row = RejectedRow("h.csv", 9, "wrong number of cells", "it has 2 cells, the header has 5", "", "x")
    return History(tickets=[Ticket(id=str(n)) for n in range(tickets)], rejected=[row] * rejected)


def test_a_few_rejected_rows_are_no_finding():
    assert list(find_rejections(history(98, 2))) == []
    assert list(find_rejections(history(98, 0))) == []


def test_more_than_two_percent_is_a_warning_with_reason_bias_and_advice():
    (finding,) = find_rejections(history(97, 3))
    assert (finding.severity, finding.figures["rows"]) == ("warning", 3)
    for said in ("3 of 100 rows (3.0 %)", "wrong number of cells", "line 9", "line breaks", "no fair sample"):
        assert said in finding.sentence
    assert "--map" in finding.advice


def test_more_than_a_fifth_is_serious():
    (finding,) = find_rejections(history(70, 30))
    assert finding.severity == "serious"
