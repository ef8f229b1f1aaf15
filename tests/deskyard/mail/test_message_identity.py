"""A mail is the same mail if its sender, Date and text are, whatever a mailing list wrote beneath the text."""

import time

from hypothesis import given
from hypothesis import strategies as st

from deskyard.mail.message_identity import fingerprint, remove_list_footers

FOOTERS = (
    "\n_______________\nHelp mailing list\nTo unsubscribe: https://lists.example.org/mailman/listinfo/help\n",
    "\n-- \nYou received this message because you are subscribed to the group. To unsubscribe, write to x@x.org\n",
    "\n----------\nЧтобы отписаться от рассылки, нажмите https://lists.example.org\n",
    "\n==========\nUm sich abzumelden, schreiben Sie an help-leave@example.org\n",
    "\n########\nTo unsubscribe from the list, follow https://listserv.example.org\n",
    "\n_._,_._,_\nGroups.io Links: Unsubscribe: https://groups.io/unsub\n",
    "\n*****\nPour vous désabonner de cette liste de diffusion : https://listes.example.org\n",
)


def test_footers_of_lists_and_white_space_make_no_other_mail():
    mail = fingerprint("ann@x.org", "Sun, 01 Mar 2026", "It is down.\n-- \nAnn")
    for footer in FOOTERS:
        assert fingerprint("Ann@x.org", "Sun,  01 Mar 2026", " It is  down.\r\n-- \r\nAnn" + footer) == mail
    assert fingerprint("ann@x.org", "Sun, 01 Mar 2026", "It is down.\n-- \nAnn" + "".join(FOOTERS[:3])) == mail


def test_another_sender_date_or_text_makes_another_mail():
    given = ("ann@x.org", "Sun, 01 Mar 2026", "It is down.")
    changed = [("bob@x.org", *given[1:]), (given[0], "Mon", given[2]), (*given[:2], "It is up."), given]
    assert len({fingerprint(*one) for one in changed}) == 4


@given(st.text(max_size=300))
def test_a_text_without_a_rule_keeps_its_words(text):
    text = text.translate(dict.fromkeys(map(ord, "_=*~#-")))
    assert remove_list_footers(text) == text.rstrip()


def test_nobody_can_make_a_text_that_takes_long():
    began = time.process_time()
    for text in ("_" * 1_000_000, "-----\n" * 200_000, "\n" * 1_000_000, "&amp" * 200_000):
        fingerprint("a", "b", text)
    assert time.process_time() - began < 3
