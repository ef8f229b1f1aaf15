"""Vague texts are recognised in two languages, and texts with information are never taken for vague."""

import pytest

from deskyard.text.informativeness import is_vague


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Help!",
        "Nothing works!!!",
        "Hello, it does not work again, please fix it asap. Thanks",
        "Ничего не работает!",
        "Здравствуйте! У меня опять проблема, помогите срочно, пожалуйста",
        "<p>Не работает</p>",
        "???",
        "12345",
    ],
)
def test_what_tells_nothing_is_vague(text):
    assert is_vague(text)


@pytest.mark.parametrize(
    "text",
    [
        "The VPN drops",
        "Password reset",
        "Не печатает принтер",
        "Прошу согласовать отпуск",
        "Der Drucker druckt nicht",
        "error 0x80070005 in Excel",
    ],
)
def test_two_words_of_the_matter_are_enough(text):
    assert not is_vague(text)
