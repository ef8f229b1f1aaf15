"""Decides whether a text says what it is about: "nothing works, help!" does not, and the requester should be asked.

Words that occur in every request ("hello", "please", "не работает") carry no information; a text without two other
words is vague. The lists are English and Russian.
"""

from typing import Final

from deskyard.text.cleaning import clean, stem, words

MIN_INFORMATIVE_WORDS: Final = 2
"""Different informative words that a text needs in order not to be vague."""

_STOP_WORDS: Final = """
a an the i im my me we our us you your it its is isnt are am was be do does doesnt did not no dont cant can could will
would wont to of in on at for and or but so if this that these there here what why how when with from by as any all
hi hello hey dear please help need asap urgent urgently thanks thank regards good morning day evening team support
problem problems issue issues error errors something nothing anything everything thing things stuff work works working
worked broke broken fix fixed again still now today already just very really some one since get got have has had
а без бы был была были было в вам вас во вот все всё вы да для до его ее её если есть еще ещё же за здесь и из или им их
к как ко кто ли меня мне мой моя мы на надо нам нас не нет ни но ну о об он она они от очень по под пока при с сам со
так там то тоже тут ты у уже что чтобы это эта этот я здравствуйте здравствуй привет добрый доброе день утро вечер
пожалуйста прошу помогите помощь помочь срочно спасибо проблема проблемы проблему вопрос ошибка ошибку ничего ничто
что-то всё-таки работает работают работать заработало сломалось сломался сломалась сломали сломано нужно нужна нужен
опять снова сейчас сегодня вчера вообще совсем почему когда где можно нельзя
"""

_STOP_STEMS: Final = frozenset(word for text in _STOP_WORDS.split() for word in words(text))


def is_vague(text: str) -> bool:
    """Whether a text does not say what it is about.

    >>> is_vague("Nothing works, help!!!"), is_vague("Ничего не работает, помогите срочно")
    (True, True)
    >>> is_vague("The printer is on fire")
    False
    >>> is_vague("Не печатает принтер"), is_vague("   "), is_vague("Пожалуйста, VPN")
    (False, True, True)
    """
    return len(set(informative_words(text))) < MIN_INFORMATIVE_WORDS


def informative_words(text: str) -> list[str]:
    """The stems of the informative words of a text, in order.

    >>> informative_words("Hello! The printer is on fire, please help")
    ['printer', 'fire']
    """
    return [stem(word) for word in words(clean(text)) if word not in _STOP_STEMS and not word.isdigit()]
