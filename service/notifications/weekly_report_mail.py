"""The weekly report by e-mail: the page, and the PDF where there is one, attached to a mail of one sentence."""

from datetime import UTC, datetime
from email.message import EmailMessage

from deskyard.reports.i18n import N_, Language, Words
from deskyard.settings import settings
from service.notifications.smtp import Smtp
from service.pages.layout import LOCALES

SUBJECT = N_("How routing did last week")
TOLD = N_("The report is attached. It opens without a network.")


def send(url: str, name: str, page: str, pdf: bytes | None, language: Language) -> str:
    """Send it to the addresses in the URL (see `Smtp`), which are returned. Raises what `Smtp.send` raises."""
    channel = Smtp.opened(url, allowed=settings().notify_allow, language=language.value)
    words = Words(language, LOCALES)
    mail = channel.blank(name, str(words.gettext(SUBJECT)), datetime.now(UTC))
    mail.set_content(f"{words.gettext(TOLD)}\n")
    _attach(mail, page.encode(), "text", "html", f"{name}.html")
    if pdf is not None:
        _attach(mail, pdf, "application", "pdf", f"{name}.pdf")
    channel.hand_over(mail)
    return ", ".join(channel.to)


def _attach(mail: EmailMessage, content: bytes, kind: str, of: str, name: str) -> None:
    mail.add_attachment(content, maintype=kind, subtype=of, filename=name)
