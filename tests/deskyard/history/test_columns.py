"""A desk's columns, priorities and dates, as desks spell them."""

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskyard.domain.ticket import PRIORITIES
from deskyard.errors import BadInput
from deskyard.history.columns import (
    ColumnMapping,
    check_columns,
    check_mapping,
    match_columns,
    parse_mapping,
    to_ticket,
)
from deskyard.history.priority_spellings import map_spellings, parse_bare_number
from deskyard.tabular.records import RecordTable, unique_columns

LEVELS = {
    "low": "low Low LOWEST minor Trivial низкий Низкая низкое незначительный niedrig baja bajo baixa низький "
    "'very low' '1 very low' '2 low' '5 - Planning' '4 - Low' P4 p5 S4 'не срочно' 'Низкий приоритет' 'sehr niedrig' "
    "'muy baja' basse faible Basse 'Priorité basse' 'plus basse' 'très basse' mineure 'Urgence basse'",
    "medium": "medium normal Major Средний средняя обычный mittel Normal media média середній '3 normal' '2 normal' "
    "moyenne Normale 'Priorité modérée' '3 - Moderate' P3 sev3 'Средний приоритет' 'Priority: Normal' '(2) medium'",
    "high": "haute Élevée '4 - Haute' 'Priorité haute' '№2 Высокая' "
    "high HIGH Высокий высокая hoch alta alto высокое високий '4 high' '2 - High' P2 S2 'High (2)'",
    "critical": "critique immédiat 'très haute' 'Très élevée' bloquant 'très urgent' "
    "critical urgent Urgent Blocker критический Критичный критично Срочно срочный kritisch dringend "
    "crítica urgente критичний терміновий '5 very high' '1 - Critical' P1 P0 Sev-1 'очень высокий' "
    "Highest 'sehr hoch' emergency immediate 'muito alta' наивысший '🔴 Critical' '3 urgent'",
}


def spellings(text: str) -> list[str]:
    return [part for n, chunk in enumerate(text.split("'")) for part in ([chunk] if n % 2 else chunk.split())]


@pytest.mark.parametrize(("level", "text"), LEVELS.items())
def test_common_spellings_of_seven_languages_are_understood(level, text):
    for spelling in spellings(text):
        assert map_spellings([spelling]) == {spelling: level}, spelling


@pytest.mark.parametrize("word", ["Critical", "критический", "Kritisch", "1 - Critical", "crítica"])
def test_critical_is_high_only_where_a_blocker_occurs(word):
    assert map_spellings([word, "Major"])[word] == "critical"
    assert map_spellings([word, "Блокер"])[word] == "high"
    assert map_spellings([word, "Blocker"], {word: "critical"})[word] == "critical"


@pytest.mark.parametrize(("major", "very_high"), [("Major", "Very high"), ("Majeure", "Très haute")])
def test_major_is_above_very_high_where_that_occurs(major, very_high):
    assert map_spellings([major, very_high])[major] == "critical"
    assert map_spellings([major, "Blocker"])[major] == "medium"


def test_a_bare_number_is_refused_until_the_map_says_which_end_is_urgent():
    assert map_spellings(["1", "2", "3.0", "Приоритет 4"]) == {}
    assert list(map_spellings(map(str, range(1, 5)), number_scale="1-is-urgent").values()) == list(reversed(PRIORITIES))
    assert list(map_spellings(map(str, range(1, 5)), number_scale="highest-is-urgent").values()) == list(PRIORITIES)
    assert list(map_spellings(map(str, range(4)), number_scale="1-is-urgent").values()) == list(reversed(PRIORITIES))
    assert list(map_spellings(["10", "20", "30", "40"], number_scale="highest-is-urgent").values()) == list(PRIORITIES)
    assert map_spellings(map(str, range(1, 11)), number_scale="1-is-urgent")["10"] == "low"
    assert map_spellings(["1", "3"], {"3": "critical"}) == {"3": "critical"}


@pytest.mark.parametrize(
    ("seen", "levels"),
    [
        (["1-Особая", "2-Высокая", "3-Средняя", "4-Низкая"], ["critical", "high", "medium", "low"]),
        (["P1-Пожар", "P4-Low"], ["critical", "low"]),
        (["Wichtigste (3)", "Mittel (2)", "Niedrig (1)"], ["critical", "medium", "low"]),
        (["1 - Baja", "2 - Normal", "3 - Extrema"], ["low", "medium", "critical"]),
        (["1. Top", "2. High", "3. Low"], ["critical", "high", "low"]),
    ],
)
def test_an_unknown_word_beside_a_number_is_placed_where_known_words_show_the_direction(seen, levels):
    assert map_spellings(seen) == dict(zip(seen, levels, strict=True))


def test_without_a_known_direction_a_numbered_word_waits_for_the_map():
    assert map_spellings(["1-Особая", "2-Обычная", "4 часа"]) == {"2-Обычная": "medium"}
    assert map_spellings(["1-Fire", "2-Smoke"]) == {}
    assert map_spellings(["1-Fire", "2-Smoke"], number_scale="1-is-urgent") == {"1-Fire": "critical", "2-Smoke": "high"}
    assert map_spellings(["2-Crit", "1-Low", "3-Low", "4-Что"]) == {
        "2-Crit": "critical",
        "1-Low": "low",
        "3-Low": "low",
    }


def test_a_map_names_the_label_of_a_cell_and_may_keep_a_word_for_nothing(tmp_path):
    path = tmp_path / "desk.toml"
    path.write_text('[queue]\n"VPN=on" = "Network"\nseveral = "first"\n[assignee]\nNone = "None"\n')
    mapping = parse_mapping([str(path), "queue.Unassigned=Unassigned", 'category."A, B"=none'])
    assert mapping.labels == {
        "queue": {"VPN=on": "Network", "Unassigned": "Unassigned"},
        "assignee": {"None": "None"},
        "category": {"A, B": ""},
    }
    assert mapping.first_of_several == {"queue"}
    assert parse_mapping([str(path), "queue.several=all"]).first_of_several == frozenset()
    for wrong in ("queue.several=last", "queue.=Network", "queue.Network="):
        with pytest.raises(BadInput, match=r"use first|name a spelling"):
            parse_mapping([wrong])


def test_an_unknown_spelling_is_left_out_and_never_guessed():
    assert map_spellings(["", "so la la", "-", "?", "12 34", "Priority", "🔥", "no", "очень"]) == {}


@given(st.lists(st.text(max_size=20)), st.sampled_from(["", "1-is-urgent", "highest-is-urgent"]))
def test_any_spellings_are_a_level_or_left_out(seen, numbers):
    assert set(map_spellings(seen, number_scale=numbers).values()) <= set(PRIORITIES)
    assert all(parse_bare_number(text) is None or isinstance(parse_bare_number(text), int) for text in seen)


def test_a_map_is_a_file_or_single_lines_and_the_later_wins(tmp_path):
    path = tmp_path / "desk.toml"
    path.write_text(
        'dates = "month-first"\n[columns]\nbody = "Текст обращения"\nx_product = "Продукт"\n'
        '[priority]\n"Срочно" = "high"\nnumbers = "1 is urgent"\n[moves]\nat = "Когда"\n'
        '[parent.queue]\n"VPN" = "Network"\n"Wi-Fi 2.4" = "Radio"\n',
        encoding="utf-8-sig",
    )
    result = parse_mapping([str(path), "body=Описание", "priority.a=b=low", 'subject="Тема"', "priority.3=none",
                      'parent.queue.Wi-Fi 2.4=Network', 'parent.Category."a=b"="Письма"'])  # fmt: skip
    assert result == ColumnMapping(
        columns={"body": "Описание", "x_product": "Продукт", "subject": "Тема"},
        priority={"Срочно": "high", "a=b": "low", "3": ""},
        numbers="1-is-urgent",
        dates="month",
        moves={"at": "Когда"},
        parents={"queue": {"VPN": "Network", "Wi-Fi 2.4": "Network"}, "category": {"a=b": "Письма"}},
    )


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ("boddy=Text", "Did you mean 'body'"),
        ("body=", "name the column"),
        ("x_=a", "not a column of ours"),
        ("priority.Срочно=asap", "low, medium, high, critical"),
        ("priority.=high", "write priority.Theirs=high"),
        ("priority.numbers=maybe", "1-is-urgent or highest-is-urgent"),
        ("dates=whenever", "day-first or month-first"),
        ("parent.priority.low=x", "labels of category, queue, assignee have parents"),
        ("parent.VPN=Network", "labels of category, queue, assignee have parents"),
        ("parent.queue.=Network", "name a label and its parent"),
        ("parent.queue.VPN=", "name a label and its parent"),
        ("delimiter=ab", "a delimiter is one character"),
        ("delimiter=x", "a delimiter is one character"),
        ("sheet=", "name the sheet"),
        ("moves.when=x", "id, at, actor, field, from, to"),
        ("nothing.toml", "not a readable TOML file"),
    ],
)
def test_what_a_map_says_wrong_is_named_with_what_would_be_right(item, says):
    with pytest.raises(BadInput, match=says):
        parse_mapping([item])


def test_a_map_says_where_the_table_is(tmp_path):
    path = tmp_path / "desk.toml"
    path.write_text('sheet = "Tickets"\nrecords = "data.issues"\n')
    found = parse_mapping([str(path), "delimiter=¤"]).location
    assert (found.sheet, found.records, found.delimiter) == ("Tickets", "data.issues", "¤")
    for text, delimiter in (("tab", "\t"), ("\\t", "\t"), ("\t", "\t"), (";", ";"), ("semicolon", ";"), ("' '", " ")):
        assert parse_mapping([f"delimiter={text}"]).location.delimiter == delimiter


def test_a_mapping_is_kept_and_what_is_said_now_wins():
    kept = parse_mapping(["body=Text", "id=No", "dates=month-first"]).to_json()
    found = parse_mapping(["id=Key"]).with_stored(kept)
    assert (found.columns, found.dates) == ({"id": "Key", "body": "Text"}, "month")
    assert parse_mapping(["id=Key"]).with_stored({"columns": 5, "dates": []}).columns == {"id": "Key"}


def test_a_toml_file_with_an_unknown_section_is_a_sentence(tmp_path):
    path = tmp_path / "desk.toml"
    path.write_text("[colums]\nbody = 'x'\n")
    with pytest.raises(
        BadInput, match=r"sections are \[columns\], \[priority\], \[moves\], \[queue\] and \[parent\.queue\]"
    ):
        parse_mapping([str(path)])


def table(*names: str) -> RecordTable:
    columns, repeated = unique_columns(names)
    return RecordTable("t.csv", columns, iter([]), repeated=repeated)


def test_columns_are_matched_whatever_their_case_and_the_unused_are_named():
    columns = match_columns(table(" ID ", "BODY", "X_Product", "Status"), ColumnMapping())
    assert columns.columns == {"id": "ID", "body": "BODY"}
    assert columns.custom_fields == (("product", "X_Product"),)
    assert columns.ignored == ("Status",)


def test_a_mapped_column_takes_the_place_of_one_with_our_name():
    columns = match_columns(table("id", "body", "Text"), parse_mapping(["body=text"]))
    assert columns.columns == {"id": "id", "body": "Text"}
    assert columns.ignored == ("body",)


def test_a_repeated_column_gives_its_first_value_or_the_one_with_its_number():
    assert match_columns(table("id", "body", "Comment", "Comment"), ColumnMapping()).ignored == (
        "Comment",
        "Comment (2)",
    )
    row = {"id": "7", "Component/s": " ", "Component/s (2)": "Network", "Component/s (3)": "VPN"}
    columns = table("id", "Component/s", "Component/s", "Component/s")
    for theirs, value in (("component/s", "Network"), ("Component/s (1)", " "), ("Component/s (3)", "VPN")):
        mapping = parse_mapping([f"queue={theirs}"])
        check_mapping(mapping, [columns])
        match = match_columns(columns, mapping)
        assert match.join_repeated(row)[match.columns["queue"]] == value
    assert match_columns(table("id", "body", "Body"), ColumnMapping()).repeated == (("body", ("Body (2)",)),)


def test_a_mapped_column_must_be_in_one_of_the_files():
    result = parse_mapping(["body=Text"])
    check_mapping(result, [table("id", "body"), table("id", "text")])
    with pytest.raises(BadInput, match=r"Did you mean 'Test'\?"):
        check_mapping(result, [table("id", "Test")])


def test_a_file_without_text_says_what_was_found_and_the_line_to_add():
    strange = table(*[f"колонка {n}" for n in range(10_000)])
    with pytest.raises(BadInput, match=r"and 9,980 more.*--map body=\"колонка 0\""):
        check_columns(strange, match_columns(strange))
    subject_only = table("id", "subject")
    check_columns(subject_only, match_columns(subject_only))


@given(st.dictionaries(st.sampled_from(["id", "subject", "body", "created_at", "x_a"]), st.text()))
def test_any_row_is_a_ticket(values):
    ticket = to_ticket(values, match_columns(table("id", "subject", "body", "created_at", "x_a")))
    assert ticket.body == values.get("body", "")
    assert ticket.created_at is None or ticket.created_at.tzinfo is UTC
