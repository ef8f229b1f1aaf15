"""Nothing is no label: words of seven languages for it are known, and labels that look like them are kept."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskyard.domain.missing_labels import find_missing, means_nothing

NOTHING = {
    "marks": r"""- | -- | — | … | ? | [] | {} | '' | (-)""",
    "programs": r"""NULL | null | (null) | <NULL> | 'NULL' | nan | NaN | NaT | None | nil | \N | \\N | <NA> |
        undefined | N/A | n / a | n.a. | Ｎ／Ａ | #N/A | #Н/Д | #NV | #REF! | #ЗНАЧ! | #¡VALOR! | #NAME? | #DIV/0! |
        (blank) | -- None -- | False | NULL NULL | n/a n/a | N/A (not applicable) | None, None | &nbsp; | <br> |
        &lt;null&gt; | (missing)""",
    "en": r"""Unassigned | Not assigned | Not yet assigned | not specified | No queue | No assignee | Group: none |
        Unknown | Queue not set | Uncategorized | TBD | To be determined | Nobody | -- Select -- |
        Please select a category | Un-assigned | No category assigned | No data available | Pending assignment""",
    "ru": r"""Не указано | не указана | НЕ ЗАДАН | Не назначен | Исполнитель не назначен | Группа отсутствует |
        Пока не назначен | Не определён | неопределенный | Нераспределенные | Без категории | Нет | Нет данных |
        н/д | (пусто) |
        Неизвестно | Выберите значение | не опред. | Ожидает назначения | Не применяется""",
    "de": r"""Nicht zugewiesen | noch nicht zugeordnet | Keine Angabe | k. A. | Kein Bearbeiter | Ohne Zuordnung |
        (Leer) | Unbekannt | nicht verfügbar | Bitte wählen | trifft nicht zu | Kein |
        Wartet auf Zuweisung | unkategorisiert""",
    "es": r"""Sin asignar | No asignado | no especificada | Sin categoría | Ninguno | (en blanco) | vacío | s/d |
        No aplica | Desconocido | Seleccione una opción | por definir | Pendiente de asignar |
        Sin definición""",
    "pt": r"""Não atribuído | não informada | Sem categoria | Nenhum | em branco | vazio | Não se aplica |
        Desconhecido | Selecione | Sem responsável | n/i | Aguardando atribuição""",
    "uk": r"""Не вказано | не призначено | Не визначений | Без категорії | Немає | Немає даних | порожньо |
        Невідомо | Оберіть | Оберіть категорію | не застосовується""",
    "fr": r"""Non assigné | non affectée | Non renseigné | Sans catégorie | Pas de groupe | Aucun | (vide) |
        Inconnu | sans objet | Sélectionnez | Néant | À déterminer | Aucune donnée | En attente d'affectation""",
}
LABELS = """Отсутствует | None of the above | Null modem | ND | NV | Other | Прочее | General | Unassigned devices |
    Unknown caller | No signal | No service | Нет интернета | Без звука | Не работает | Keine Verbindung |
    Sin servicio | Sem sinal | Sans fil | 🔥 | Queue | Группа | Select | Missing | No group policy | 0 |
    1 | C# | Без НДС | nicht erreichbar | Nancy | ★★★ | Void | Unknown / Other | Unassigned - Berlin | No data plan |
    Нет данных о заказе | Artikel fehlt | Sans données mobiles | Pending | Fehlteile | awaiting parts | TBC Bank"""


@pytest.mark.parametrize("words", NOTHING.values(), ids=NOTHING)
def test_words_for_nothing_of_seven_languages_name_no_label(words):
    assert [word for word in words.split("|") if not means_nothing(word.strip())] == []


def test_labels_that_look_like_such_words_are_labels():
    assert [word for word in LABELS.split("|") if means_nothing(word.strip())] == []


def test_na_is_a_region_only_beside_other_regions_and_with_many_tickets():
    assert find_missing({"NA": 40, "EMEA": 30, "APAC": 30, "NULL": 2}) == ({"NULL"}, {"NA": "EMEA"})
    assert find_missing({"NA": 40, "US": 30, "Europe": 30})[1] == {"NA": "US"}
    assert find_missing({"NA": 40, "DE": 30, "FR": 30, "ZA": 9})[1] == {"NA": "DE"}
    assert find_missing({"NA": 4, "EMEA": 30, "APAC": 30})[0] == {"NA"}
    assert find_missing({"NA": 40, "IT": 30, "Network": 30, "Payroll": 30})[0] == {"NA"}
    assert find_missing({"n/a": 40, "EMEA": 30, "APAC": 30})[0] == {"n/a"}


def test_no_is_an_answer_only_beside_yes():
    assert find_missing({"Нет": 40, "Да": 30})[1] == {"Нет": "Да"}
    assert find_missing({"Нет": 40, "Сеть": 30})[0] == {"Нет"}
    assert find_missing({"False": 40, "True": 30})[1] == {"False": "True"}


@given(st.text(max_size=80))
def test_any_text_is_a_label_or_nothing_and_without_a_letter_or_picture_it_is_nothing(text):
    found = means_nothing(text)
    assert found or len(text) > 60 or not text.isascii() or any(c.isalnum() for c in text)


def test_a_hostile_cell_is_judged_at_once():
    start = time.perf_counter()
    for part in ("не ", "no ", "select a ", "#", "(", "queue ", "n/", "\u0301"):
        means_nothing((part * 200)[:60])
        means_nothing(part * 100_000)
    assert time.perf_counter() - start < 0.5
