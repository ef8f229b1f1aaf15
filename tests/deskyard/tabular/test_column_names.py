"""Names of columns as ten help desks export them, in seven languages."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskyard.tabular.column_names import (
    NameStrength,
    count_known_names,
    is_answer_name,
    is_other_time_name,
    match_name,
    split_name,
)

EXPORTS = {
    "Zendesk": "id=Id created_at=Created_at subject=Subject body=Description queue=Group assignee=Assignee "
    "priority=Priority requester=Requester organisation=Organization channel=Via category=Ticket_type",
    "Jira": "id=Issue_key created_at=Created subject=Summary body=Description queue=Component/s category=Issue_Type "
    "priority=Priority assignee=Assignee requester=Reporter resolved_at=Resolved",
    "ServiceNow": "id=Number created_at=Opened subject=Short_description body=Description queue=Assignment_group "
    "assignee=Assigned_to category=Category priority=Priority requester=Caller channel=Contact_type resolved_at=Closed",
    "Freshdesk": "id=Ticket_ID created_at=Created_time subject=Subject queue=Group assignee=Agent priority=Priority "
    "channel=Source category=Type first_response_at=Initial_response_time resolved_at=Resolved_time",
    "HubSpot": "id=Ticket_ID created_at=Create_date subject=Ticket_name body=Ticket_description assignee=Ticket_owner "
    "category=Category priority=Priority channel=Source resolved_at=Close_date",
    "GLPI (fr)": "id=ID subject=Titre body=Description created_at=Date_d'ouverture category=Catégorie "
    "priority=Priorité queue=Attribué_à_-_Groupe_de_techniciens requester=Demandeur_-_Demandeur "
    "assignee=Attribué_à_-_Technicien",
    "GLPI (pt)": "id=ID subject=Título body=Descrição created_at=Data_de_abertura category=Categoria "
    "priority=Prioridade requester=Requerente queue=Atribuído_a_-_Grupo_técnico",
    "OTRS (de)": "id=Ticketnummer created_at=Erstellt subject=Betreff queue=Warteschlange priority=Priorität "
    "assignee=Besitzer requester=Kundenbenutzer category=Typ body=Nachricht",
    "Znuny (en)": "id=Ticket# created_at=Created subject=Title queue=Queue assignee=Owner category=Type body=Body",
    "Zammad (de)": "id=# subject=Titel created_at=Erstellt_am queue=Gruppe priority=Priorität body=Inhalt",
    "osTicket": "id=Ticket_Number created_at=Date_Created subject=Subject requester=From priority=Priority "
    "queue=Department category=Help_Topic channel=Source assignee=Agent_Assigned",
    "Zoho": "id=Ticket_Id created_at=Created_Time subject=Subject body=Description assignee=Ticket_Owner "
    "queue=Team priority=Priority channel=Channel requester=Contact_Name category=Category",
    "Spanish": "id=Número_de_ticket created_at=Fecha_de_creación subject=Asunto body=Descripción queue=Grupo_asignado "
    "priority=Prioridad category=Categoría assignee=Asignado_a requester=Solicitante resolved_at=Fecha_de_cierre",
    "Russian": "id=Номер_заявки created_at=Дата_создания subject=Тема body=Текст_обращения queue=Группа_исполнителей "
    "priority=Приоритет category=Категория assignee=Исполнитель requester=Заявитель channel=Источник",
    "Ukrainian": "id=Номер_заявки created_at=Дата_створення subject=Тема body=Опис queue=Черга priority=Пріоритет "
    "category=Категорія assignee=Виконавець requester=Заявник",
    "French": "id=Numéro created_at=Créé_le subject=Objet body=Message queue=Groupe assignee=Assigné_à",
    "API of Jira": "id=key created_at=fields.created subject=fields.summary body=fields.description "
    "queue=fields.components.name category=fields.issuetype.name assignee=fields.assignee.displayName",
}


@pytest.mark.parametrize("desk", EXPORTS)
def test_the_columns_of_an_export_are_known_by_their_names(desk):
    for pair in EXPORTS[desk].split():
        ours, _, theirs = pair.partition("=")
        theirs = theirs.replace("_", " ") if "." not in theirs else theirs
        assert ours in match_name(theirs), theirs


@pytest.mark.parametrize(
    "name",
    ["Status", "Tags", "Resolution", "Last updated", "Дата закрытия заявки x", "Close notes", "Ответ сотрудника",
     "split", "Комментарии", "Customer Age", "Sub category", "Подкатегория", "fields.status.name", "", "_", "№№"],
)  # fmt: skip
def test_other_columns_are_no_columns_of_ours(name):
    assert not {"body", "created_at", "category", "queue", "subject"} & match_name(name).keys()


def test_what_was_written_later_and_other_times_are_known_by_name():
    assert all(map(is_answer_name, ["Resolution notes", "Решение", "Lösung", "Respuesta", "Commentaire", "Відповідь"]))
    assert all(
        map(is_other_time_name, ["Updated", "Due by Time", "Дата изменения", "Zuletzt geändert", "Fecha de cierre"])
    )
    assert not any(map(is_answer_name, ["Description", "Текст", "Nachricht"]))
    assert not any(map(is_other_time_name, ["Created at", "Дата создания", "Erstellt", "Fecha de apertura"]))


def test_a_clear_name_is_stronger_than_a_vague_one_and_a_word_of_a_name():
    assert match_name("Created at")["created_at"].strength == NameStrength.STRONG
    assert match_name("Дата")["created_at"].strength == NameStrength.WEAK
    assert match_name("Topic_group")["queue"].strength == NameStrength.CONTAINED
    assert match_name("Category")["category"].rank < match_name("Issue type")["category"].rank


@given(st.text(max_size=300))
def test_any_name_has_words_and_meanings(name):
    assert all(isinstance(word, str) for word in split_name(name))
    assert count_known_names([name]) in (0, 1, 2, 3)


def test_long_and_many_names_cost_no_time():
    names = ["a." * 100_000, "_" * 100_000, "Aa" * 100_000, *(f"created {n}" for n in range(5_000))]
    began = time.perf_counter()
    count_known_names(names)
    for name in names[:300]:
        match_name(name)
    assert time.perf_counter() - began < 1
