"""Lines that introduce quoted replies are recognised, and sentences that only look like them are not."""

import textwrap

import pytest

from deskyard.text.attributions import attribution_length

ATTRIBUTIONS = [
    "On Tue, Feb 3, 2026 at 10:00 AM The Support Team Of Ours <help-desk@ourdesk.example> wrote:",
    "Support Team <help-desk@ourdesk.example> wrote on 3 Feb 2026 at 10:00:",
    "Am Di., 3. Feb. 2026 um 10:00 Uhr schrieb Support Team <help-desk@ourdesk.example>:",
    "El mar, 3 feb 2026 a las 10:00, Support Team (<help-desk@ourdesk.example>) escribió:",
    "Em ter., 3 de fev. de 2026 às 10:00, Support Team <help-desk@ourdesk.example> escreveu:",
    "Support Team <help-desk@ourdesk.example> escreveu (terça, 3/02/2026 à(s) 10:00):",
    "Le mar. 3 févr. 2026 à 10:00, Support Team <help-desk@ourdesk.example> a écrit :",
    "вт, 3 февр. 2026 г. в 10:00, Служба поддержки <help-desk@ourdesk.example>:",
    "Вторник, 3 февраля 2026, 10:00 +03:00 от Служба поддержки <help-desk@ourdesk.example>:",
    '03.02.2026, 10:00, "Служба поддержки" <help-desk@ourdesk.example>:',
    "3 февр. 2026 г., в 10:00, Служба поддержки <help-desk@ourdesk.example> написал(а):",
    "вт, 3 лют. 2026 р. о 10:00 Служба підтримки <help-desk@ourdesk.example> пише:",
    "Am Dienstag, 3. Februar 2026 um 10:00 MEZ hat Support <help-desk@ourdesk.example> Folgendes geschrieben:",
    "---- On Tue, 03 Feb 2026 10:00:00 +0100 Support Team <help-desk@ourdesk.example> wrote ---",
    "---- В вт, 03 фев 2026 10:00:00 +0300 Служба поддержки <help-desk@ourdesk.example> написал(а) ----",
    "On Tuesday, 3 February 2026 at 10:00, Support Team said:",
    "3. Feb. 2026, 10:00 von help-desk@ourdesk.example:",
]


@pytest.mark.parametrize("line", ATTRIBUTIONS)
@pytest.mark.parametrize("width", [500, 60, 40])
def test_an_attribution_is_recognised_in_seven_languages_however_it_is_wrapped(line, width):
    lines = textwrap.wrap(line, width, break_on_hyphens=False)
    assert attribution_length([*lines, "", "What is wrong?"], 0) == len(lines)


@pytest.mark.parametrize(
    "line",
    [
        "Клиент Иванов пишет:",
        "Вчера в 10:00 клиент написал:",
        "The user wrote on 03.02.2026:",
        "Ошибка 03.02.2026 10:00:",
        "My address is <ann@example.org>:",
        "I wrote to Ann on Monday",
        "Am 3. Februar um 10:00 war der Drucker kaputt.",
        "New users from 03.02.2026, to be added by ann@example.org:",
    ],
)
def test_a_sentence_that_ends_in_a_colon_is_no_attribution(line):
    assert attribution_length([line, "It does not start"], 0) == 0
