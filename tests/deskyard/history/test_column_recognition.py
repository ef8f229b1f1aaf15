"""Columns are recognised by name and by content, or asked for all at once."""

import shlex

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deskyard.errors import BadInput
from deskyard.history.column_recognition import ColumnProfile, format_map_line, recognise_columns
from deskyard.history.columns import match_columns, parse_mapping, resolve_columns
from deskyard.tabular.records import RecordTable, Row, unique_columns

BODIES = [f"Hello, the printer on floor {n} does not print since the update, please help" for n in range(40)]
DATES = [f"2025-01-{n % 28 + 1:02} 10:00" for n in range(40)]
QUEUES = [("IT", "HR", "Network")[n % 3] for n in range(40)]
IDS = [str(1000 + n) for n in range(40)]


def table(**columns):
    return from_columns({name.replace("_", " "): cells for name, cells in columns.items()})


def from_columns(columns):
    names, repeated = unique_columns(list(columns))
    rows = [
        Row(n, dict(zip(names, cells, strict=True))) for n, cells in enumerate(zip(*columns.values(), strict=True), 2)
    ]
    return RecordTable("t.csv", names, iter(rows), repeated=repeated)


def recognised(found, *maps, **more):
    return resolve_columns(found, parse_mapping(maps), **more)[0].columns


def refusal(found, *maps, **more):
    with pytest.raises(BadInput) as caught:
        resolve_columns(found, parse_mapping(maps), **more)
    return str(caught.value)


def test_what_is_recognised_is_said_and_our_own_names_win():
    found = table(id=IDS, Created=DATES, body=BODIES, Description=BODIES, Group=QUEUES)
    mapping, notes = resolve_columns(found, parse_mapping([]))
    assert mapping.columns == {"created_at": "Created", "queue": "Group"}
    assert notes == [
        'columns recognised: created_at="Created", queue="Group"; --map changes what is wrong',
        "long texts that are not used: 'Description'",
    ]


def test_long_texts_and_dates_are_known_without_a_telling_name():
    assert recognised(table(A=IDS, Was=BODIES, Wann=DATES, queue=QUEUES)) == {"body": "Was", "created_at": "Wann"}


def test_a_vague_name_counts_only_where_the_cells_agree():
    assert recognised(table(id=IDS, Date=DATES, Type=QUEUES, text=BODIES))["category"] == "Type"
    assert "category" not in recognised(table(id=IDS, Type=IDS, text=BODIES))
    assert "created_at" not in recognised(table(id=IDS, Date=QUEUES, text=BODIES, queue=QUEUES))


def test_two_bodies_are_asked_for_with_one_whole_line():
    said = refusal(table(Key=IDS, text_en=BODIES, text_fr=[one + "!" for one in BODIES], Group=QUEUES, Created=DATES))
    assert 'body may be "text fr" or "text en"' in said
    line = said[said.index("--map") :]
    maps = shlex.split(line)[1::2]
    assert maps == ["id=Key", "created_at=Created", "queue=Group", "body=text fr"]


def test_the_proposed_line_is_accepted():
    columns = {"Key": IDS, 'say "it"': BODIES, "`it` $x": [one + "!" for one in BODIES], "Group": QUEUES}
    said = refusal(from_columns(columns))
    maps = shlex.split(said[said.index("--map") :])[1::2]
    assert recognised(from_columns(columns), *maps)["body"] in columns


def test_a_body_or_dates_that_would_be_ignored_stop_the_run():
    assert "notes" in refusal(table(id=IDS, subject=IDS, notes=BODIES, queue=QUEUES))
    assert "created_at=none" in refusal(table(id=IDS, body=BODIES, Updated=DATES, queue=QUEUES))
    assert "created_at may be" in refusal(table(id=IDS, body=BODIES, A=DATES, B=DATES[::-1], queue=QUEUES))


def test_columns_of_the_same_times_are_not_asked_about():
    spelt = [text.replace("-", "/") for text in DATES]
    assert recognised(table(id=IDS, body=BODIES, A=DATES, B=spelt, queue=QUEUES)) == {"created_at": "A"}


def test_of_two_columns_with_a_fitting_name_the_one_with_fitting_cells_is_taken():
    empty = [""] * 40
    assert recognised(table(id=IDS, body=BODIES, Team=empty, Department=QUEUES)) == {"queue": "Department"}
    found = table(id=IDS, Title=QUEUES, Summary=BODIES, Description=BODIES, queue=QUEUES)
    assert recognised(found)["subject"] == "Summary"
    nested = ['[{"id": "7", "name": "IT"}]'] * 20 + ["[]"] * 20
    assert recognised(table(id=IDS, body=BODIES, Components=nested, Group=QUEUES)) == {"queue": "Group"}


def test_a_short_description_beside_a_detailed_one_is_the_subject():
    short = [f"printer {n} stuck" for n in range(40)]
    found = table(id=IDS, Description=short, Detailed_Description=BODIES, queue=QUEUES)
    assert recognised(found) == {"body": "Detailed Description", "subject": "Description"}


def test_a_creation_time_holds_digits_and_seconds_since_1970_count_under_its_name():
    assert recognised(table(id=IDS, body=BODIES, Opened=QUEUES, queue=QUEUES, Registered=DATES)) == {
        "created_at": "Registered"
    }
    seconds = [str(1_736_154_180 + 3600 * n) for n in range(40)]
    assert recognised(table(id=IDS, body=BODIES, created_ts=seconds, queue=QUEUES)) == {"created_at": "created ts"}
    assert "created_at" not in recognised(table(id=IDS, body=BODIES, phone=seconds, queue=QUEUES))


KINDS = {"i": IDS, "d": DATES, "b": BODIES, "q": QUEUES, "-": [""] * 40, "a": [BODIES[0], ""] * 20,
         "s": [f"{text.split(',')[1][:20]} {n}" for n, text in enumerate(BODIES)], "l": DATES[::-1]}  # fmt: skip
"""Ids, dates, bodies, labels, nothing, answers, subjects, later dates."""


@pytest.mark.parametrize(
    ("export", "ours"),
    [
        ("Clé de ticket:i|Résumé:s|Composants:q|Personne assignée:q|Création:d|Mise à jour:l|Description:b",
         "id=Clé de ticket|queue=Composants|assignee=Personne assignée|created_at=Création|body=Description"),
        ("Vorgangsschlüssel:i|Zusammenfassung:s|Vorgangstyp:q|Komponenten:q|Erstellt:d|Aktualisiert:l|Beschreibung:b",
         "id=Vorgangsschlüssel|category=Vorgangstyp|queue=Komponenten|created_at=Erstellt|body=Beschreibung"),
        ("Код:i|Тема:s|Тип задачи:q|Компоненты:q|Создано:d|Обновлено:l|Описание:b",
         "id=Код|category=Тип задачи|queue=Компоненты|created_at=Создано"),
        ("number:i|sys_created_on:l|opened_at:d|short_description:s|description:b|assignment_group:q|close_notes:a",
         "id=number|created_at=opened_at|subject=short_description|queue=assignment_group"),
        ("Número:i|Breve descripción:s|Grupo de asignación:q|Abierto:d|Descripción:b", "subject=Breve descripción"),
        ("Conversation ID:i|Conversation started at (UTC):d|Team currently assigned:q|Last closed at:l|First message:b",
         "id=Conversation ID|created_at=Conversation started at (UTC)|queue=Team currently assigned"),
        ("Title:s|Description:b|Issue ID:i|Created At (UTC):d|Updated At (UTC):l|Closed At (UTC):l|Labels:q",
         "id=Issue ID|created_at=Created At (UTC)|resolved_at=Closed At (UTC)|category=Labels"),
        ("Номер:i|Описание:b|Контрагент (отдел):q|Ответственный (команда):q|Время регистрации:d|Срок закрытия:l",
         "queue=Ответственный (команда)|created_at=Время регистрации"),
        ("Отметка времени:d|Опишите вашу проблему:b|К какому отделу относится вопрос?:q",
         "created_at=Отметка времени|body=Опишите вашу проблему|queue=К какому отделу относится вопрос?"),
        ("Meldungsnummer:i|Kurzbeschreibung (Details):s|Anfrage:b|Erstellungsdatum:d|Bearbeitergruppe:q",
         "id=Meldungsnummer|subject=Kurzbeschreibung (Details)|body=Anfrage|queue=Bearbeitergruppe"),
        ("Datensatz-ID:i|Ticketname:s|Erstellungsdatum:d|Ticketbeschreibung:b|Kategorie:q",
         "id=Datensatz-ID|subject=Ticketname|body=Ticketbeschreibung|category=Kategorie"),
        ("ID:i|Заголовок:s|Дата открытия:d|Последнее изменение:l|Назначено - Группа специалистов:q|Описание:b",
         "queue=Назначено - Группа специалистов|created_at=Дата открытия"),
        ("Responsável: Equipe:q|Cliente: Organização:q|Número:i|Assunto:s|Aberto em:d|Descrição:b",
         "queue=Responsável: Equipe|created_at=Aberto em"),
        ("Ключ запиту:i|Резюме:s|Тип запиту:q|Компоненти:q|Створено:d|Опис:b",
         "id=Ключ запиту|subject=Резюме|category=Тип запиту|queue=Компоненти"),
    ],
)  # fmt: skip
def test_an_export_is_read_without_a_map(export, ours):
    named = dict(column.rsplit(":", 1) for column in export.split("|"))
    found = recognised(from_columns({name: KINDS[kind] for name, kind in named.items()}))
    for pair in ours.split("|"):
        our_name, _, theirs = pair.partition("=")
        assert found.get(our_name) == theirs


def test_a_body_by_its_name_alone_is_asked_for_where_another_column_has_the_texts():
    assert 'body may be "Info" or "Description"' in refusal(
        table(id=IDS, Description=QUEUES, Info=BODIES, queue=QUEUES)
    )
    _, notes = resolve_columns(table(id=IDS, body=BODIES, Steps=BODIES, queue=QUEUES), parse_mapping([]))
    assert notes == ["long texts that are not used: 'Steps'"]


def test_none_says_that_there_is_no_such_column():
    found = table(id=IDS, subject=BODIES, notes=BODIES, Updated=DATES, queue=QUEUES)
    assert match_columns(found, parse_mapping(["body=none"])).columns.keys() == {"id", "subject", "queue"}
    resolve_columns(found, parse_mapping(["body=none", "created_at=none"]))


def test_times_are_not_asked_for_where_the_order_is_that_of_the_file_or_only_predicted():
    recognised(table(id=IDS, body=BODIES, Updated=DATES, queue=QUEUES), timed=False)
    assert "created_at" not in recognised(table(id=IDS, body=BODIES, Updated=DATES), use="predict")


def test_a_table_without_anything_to_predict_asks_for_it():
    said = refusal(table(id=IDS, body=BODIES, Kram=QUEUES))
    assert 'no column is known to be predicted, and queue may be "Kram"' in said
    recognised(table(id=IDS, body=BODIES, Kram=QUEUES), use="predict")


def test_a_number_that_repeats_is_no_id_and_rows_are_numbered():
    _, notes = resolve_columns(table(Number=["1", "2"] * 20, body=BODIES, queue=QUEUES), parse_mapping([]))
    assert any("rows are numbered (row-1, row-2" in note for note in notes)


def test_a_repeated_column_is_recognised_and_said():
    found = from_columns({"Issue key": IDS, "Description": BODIES, "Component/s": QUEUES})
    names, repeated = unique_columns(["Issue key", "Description", "Component/s", "Component/s"])
    rows = [Row(n, {**row.values, names[3]: ""}) for n, row in enumerate(found, 2)]
    mapping, notes = resolve_columns(RecordTable("t.csv", names, iter(rows), repeated=repeated), parse_mapping([]))
    assert mapping.columns["queue"] == "Component/s"
    assert any("'Component/s' occurs 2 times: the first value" in note for note in notes)


def test_a_file_without_a_header_is_told_without_its_data():
    names, repeated = unique_columns(["1000", "2025-01-06 10:00", "Hello, " * 30, "IT"])
    said = refusal(RecordTable("t.csv", names, iter([]), repeated=repeated))
    assert "has no header" in said
    assert "Hello" not in said


def test_a_message_about_very_many_or_very_long_names_is_short():
    assert len(refusal(from_columns({f"{n} " + "x" * 50_000: ["a"] for n in range(300)}))) < 1500
    assert format_map_line({"id": 'a "b"', "body": "c d"}) == """--map id='a "b"' --map body="c d\""""


NAMES = st.sampled_from(["id", "Date", "Description", "text_a", "text_b", "Group", "Type", "x", "Updated", "№", ""])


@settings(suppress_health_check=list(HealthCheck), max_examples=60)
@given(
    st.lists(NAMES, min_size=1, max_size=6), st.lists(st.sampled_from(["", "a", BODIES[0], DATES[0], "7"]), max_size=8)
)
def test_any_table_is_matched_or_refused_in_a_sentence(names, cells):
    columns, repeated = unique_columns(names)
    rows = [Row(n, dict.fromkeys(columns, cell)) for n, cell in enumerate(cells)]
    try:
        mapping, _ = resolve_columns(RecordTable("t.csv", columns, iter(rows), repeated=repeated), parse_mapping([]))
        assert {"subject", "body"} & {*mapping.columns, *columns} or not rows
    except BadInput as error:
        assert "t.csv" in str(error)  # noqa: PT017 - either outcome is right


@given(st.lists(st.text(max_size=50), max_size=20))
def test_any_cells_have_a_profile(cells):
    profile = ColumnProfile.build(cells)
    assert 0 <= profile.filled <= 1
    assert {profile.holds_dates, profile.holds_bodies, profile.holds_labels, profile.holds_ids} <= {True, False}


def test_recognition_reads_only_a_sample():
    def rows():
        for n in range(10_000):
            assert n < 2_000, "far more rows were read than are looked at"
            yield Row(n, {"Key": str(n), "Description": BODIES[0]})

    assert recognise_columns(RecordTable("t.csv", ["Key", "Description"], rows()), {}, {}).columns["id"] == "Key"
