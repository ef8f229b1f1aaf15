"""All text of any HTML is read, quotations that mail programs mark are found, and no mark-up is costly."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deskyard.text.cleaning import clean, to_plain_text
from deskyard.text.html_text import MAX_GROWTH, html_to_text, unescape_once
from deskyard.text.quoted_replies import strip_quoted

MATTER = "The ethernet socket in room five drops the link every minute"
QUOTE = "Please tell us what is wrong with the payslip."
BY = "Support &lt;s@o.example&gt;"
MINE, THEIRS = f"<div>{MATTER}</div>", f"<blockquote>{QUOTE}</blockquote>"
REPLIES = {
    "Gmail": f'{MINE}<br><div class="gmail_quote"><div class="gmail_attr">On Tue, Feb 3, 2026 at 10:00 AM {BY} wrote:'
    f'<br></div><blockquote class="gmail_quote" style="margin:0 0 0 .8ex"><div>{QUOTE}</div></blockquote></div>',
    "Gmail, no attribution": f'{MINE}<div class="gmail_quote">{THEIRS}</div>',
    "Gmail, another language": f'{MINE}<div class="gmail_quote"><div class="gmail_attr">ti 3. helmik. 2026 klo 10.00'
    f" {BY} kirjoitti:</div>{THEIRS}</div>",
    "Thunderbird": f'<p>{MATTER}</p><div class="moz-cite-prefix">Le 03/02/2026 à 10:00, Support a écrit&nbsp;:</div>'
    f'<blockquote type="cite" cite="mid:x"><p>{QUOTE}</p></blockquote>',
    "Apple": f'{MINE}<div id="AppleMailSignature">Cora Lind, Dept of Things</div><div><br><blockquote type="cite">'
    f"On 3 Feb 2026, at 10:00, {BY} wrote:<br></blockquote></div><blockquote type='cite'>{QUOTE}</blockquote>",
    "Outlook": f'<p class="MsoNormal">{MATTER}<o:p></o:p></p><o:p>&nbsp;</o:p><div style="border-top:solid red">'
    f"<p><b>Von:</b> {BY}<br><b>Gesendet:</b> Dienstag<br><b>An:</b> Cora<br><b>Betreff:</b> AW: q</p></div>{QUOTE}",
    "Outlook, another language": f'{MINE}<hr tabindex="-1"><div id="divRplyFwdMsg"><b>Fra:</b> {BY}<br><b>Sendt:</b>'
    f" tirsdag<br><b>Emne:</b> SV: q<div>&nbsp;</div></div><div>{QUOTE}</div>",
    "a mere blockquote": f"{MINE}{THEIRS}",
    "Yahoo": f'{MINE}<div class="yahoo_quoted"><div>{QUOTE}</div></div>',
    "mail.ru": f"{MINE}<div>Вторник, 3 февраля 2026, 10:00 +03:00 от {BY}:</div>{THEIRS}",
    "Yandex": f'{MINE}<div>03.02.2026, 10:00, "S" &lt;s@o.example&gt;:</div>{THEIRS}',
    "Zimbra": f'{MINE}<hr id="zwchr"><div data-marker="__HEADERS__"><b>De: </b>{BY}<br><b>À: </b>'
    f"C<br><b>Envoyé: </b>Mardi<br><b>Objet: </b>Re: q</div><div data-marker='__QUOTED_TEXT__'>{QUOTE}</div>",
}


@pytest.mark.parametrize("html", REPLIES.values(), ids=REPLIES)
def test_a_quotation_that_a_mail_program_marks_is_no_word_of_the_author(html):
    assert strip_quoted(html_to_text(html)) == MATTER
    assert clean(html, "Re: q") == MATTER
    assert QUOTE in html_to_text(html)


def test_a_forward_in_html_is_the_matter():
    header_rows = "<tr><th>Subject: </th><td>q</td></tr><tr><th>From: </th><td>Cora &lt;c@c.example&gt;</td></tr>"
    apple_headers = "<div><b>From: </b>Cora</div><div><b>Subject: </b>q</div><br>"
    gmail = "---------- Forwarded message ---------<br>From: Cora &lt;c@c.example&gt;<br><br>"
    forwards = [
        f"-------- Forwarded Message --------<table class='moz-email-headers-table'>{header_rows}</table><br>{MATTER}",
        f"<blockquote type='cite'><div>Begin forwarded message:</div>{apple_headers}{MATTER}</blockquote>",
        f"<div class='gmail_quote'>{gmail}{MATTER}</div>",
    ]
    for forward in forwards:
        assert clean(f"<p>Please take this</p>{forward}", "q").split() == f"Please take this {MATTER}".split()


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a</p><p>b<br>c</p>", "a\n\nb\nc"),
        ("<div>a</div><div><br></div><div>b</div>", "a\n\nb"),
        ("<ul><li>x<li>y</ul><ol><li>q<li>w</ol>", "* x\n* y\n\n1. q\n2. w"),
        ("<table><tr><td>1<td>2</tr><tr><th>3</th></tr></table>", "1  2\n3"),
        ("<pre>k\n  l</pre>", "k\n  l"),
        ("<style>p { color: red }</style><title>t</title><script>x()</script><!-- no -->a", "a"),
        ("<p title='a > b'>x</p>", "x"),
        ("x<blockquote style='border:none'>a</blockquote>", "x\n\n> a"),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>c", "> a\n>\n> > b\n\nc"),
        ("<p style='display:none'>hidden</p>", "hidden"),
        ("a <!--[if mso]>no<![endif]--><![if !mso]>yes<![endif]>", "a yes"),
    ],
)
def test_html_is_laid_out_in_lines(html, text):
    assert html_to_text(html) == text


@pytest.mark.parametrize(
    ("broken", "kept"),
    [
        ("<div>a <your name> b", "a <your name> b"),
        ("<div>write to <ann@example.org>", "write to <ann@example.org>"),
        ('<p><a href="x>click</a> here, "quoted" <b>t</b>', 'click here, "quoted" t'),
        ("<p>a <!-- b", "a b"),
        ("<p><style> b", "b"),
        ("<p>3 < 4 and <b", "3 < 4 and"),
        ("<p My printer is broken", "My printer is broken"),
        ("<div>" * 10_000 + "deep", "deep"),
    ],
)
def test_text_of_broken_or_deep_mark_up_is_kept(broken, kept):
    assert " ".join(html_to_text(broken).split()) == kept


def test_a_pasted_picture_costs_none_of_the_length_that_is_read():
    picture = "data:image/png;base64," + "QUJD" * 1_000_000
    assert clean(f'<p>Hello</p><img src="{picture}"><p>{MATTER}</p>').split("\n\n") == ["Hello", MATTER]
    assert clean(f"Hello\n![]({picture})\n{MATTER}").split("\n") == ["Hello", "![]( )", MATTER]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("&lt;p&gt;Hello,&nbsp;I&nbsp;can&#39;t &amp;amp; wait&lt;/p&gt;", "Hello, I can't & wait"),
        ("&#60;p&#62;x &#38; y&#60;/p&#62;", "x & y"),
        ("R&amp;D &lt;b&gt;", "R&D"),
        ("<p>use &lt;br&gt; here</p>", "use <br> here"),
        ("?a=1&copy=2&lt=3", "?a=1&copy=2&lt=3"),
        ("Printer&nbspbroken, &nbsp;again", "Printer broken,  again"),
        ("<![CDATA[Printer <b>broken</b>]]>", "Printer broken"),
        ("No VPN\\r\\n\\r\\nRoom 5\\nSecond floor", "No VPN\n\nRoom 5\nSecond floor"),
        ("C:\\new\\names are gone", "C:\\new\\names are gone"),
        ("the feed says <![CDATA[ ]]> and <nothing>", "the feed says <![CDATA[ ]]> and <nothing>"),
        ("Hello_x000D_\nworld_x0009_5 and _x0041_", "Hello\nworld\t5 and _x0041_"),
        ("Принтер &quot;HP&quot; &mdash; не печатает", 'Принтер "HP" — не печатает'),
    ],
)
def test_escaped_text_is_unescaped_once_and_then_tags_go(raw, text):
    assert to_plain_text(raw).strip() == text


def test_escapes_are_undone_once():
    assert unescape_once("&amp;lt;") == "&lt;"


def test_lines_of_a_plain_text_with_a_few_tags_stay_lines():
    assert to_plain_text("one\ntwo <b>bold</b>\nthree") == "one\ntwo bold\nthree"


HOSTILE = [
    "<", "<a ", '<a "', "<a '\"", '<p x="> <', "<!--", "<![", "<?", "</", "&", "&#", "&lt;", "<style>", "<head>",
    "<ul><li>", "<ol><li>x", "<blockquote>a", "<blockquote><pre>\n", "<table><tr><td>", "<div style='padding:9em'>a",
    "<td colspan=9999>x", "<pre>\n", "<br>", "<p class=gmail_quote>", "<div class=gmail_signature>x",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_no_two_kilobytes_of_html_cost_much_and_the_cost_grows_with_the_length_alone(piece):
    def seconds(length):
        begin = time.process_time()
        text = html_to_text((piece * length)[:length])
        assert len(text) <= MAX_GROWTH * length
        return time.process_time() - begin

    assert min(seconds(2_000) for _ in range(3)) < 0.05
    assert seconds(100_000) < 2.5


PIECES = st.sampled_from(
    ["<p>", "</p>", "<div class='gmail_quote'>", "<blockquote>", "</blockquote>", "<pre>", "<!--", "-->", "<", ">", "'",
     '"', "=", "&lt;", "&", "<style>", "</style>", "\n", " ", "<li>", "<td>", "<br", "a@b.c"]
)  # fmt: skip
TAGS = st.sampled_from(["<p>", "<b>", "</i>", "<br>", "<ul><li>", "<blockquote>", "</div>", "<a href='x > y'>"])


@given(st.lists(PIECES | st.text("xyz <>", max_size=8), max_size=40).map("".join))
@settings(max_examples=200)
def test_any_html_is_read_and_its_text_is_bounded(html):
    text = html_to_text(html)
    assert len(text) <= MAX_GROWTH * len(html) + 30
    assert to_plain_text(html) == to_plain_text(html)


@given(st.lists(TAGS, max_size=20))
@settings(max_examples=50)
def test_every_word_between_tags_is_kept(tags):
    html = "".join(f"{tag}word{n} " for n, tag in enumerate(tags))
    found = html_to_text(html).split()
    assert [word for word in found if word.startswith("word")] == [f"word{n}" for n in range(len(tags))]
