"""The weekly report by e-mail: the page, and the PDF where there is one, attached to a mail of one sentence."""

from datetime import UTC, datetime
from email.message import EmailMessage

from deskyard.reports.i18n import N_, Language, Translator
from deskyard.settings import settings
from service.notifications.smtp import SmtpChannel
from service.runtime.locales import LOCALES

SUBJECT = N_("How routing did last week")
BODY = N_("The report is attached. It opens without a network.")


def send_report(url: str, name: str, page: str, pdf: bytes | None, language: Language) -> str:
    """Send it to the addresses in the URL (see `SmtpChannel`), which are returned. Raises what `SmtpChannel.send`
    raises."""
    channel = SmtpChannel.from_url(url, allowed=settings().notify_allow, language=language.value)
    words = Translator(language, LOCALES)
    mail = channel.new_mail(name, str(words.gettext(SUBJECT)), datetime.now(UTC))
    mail.set_content(f"{words.gettext(BODY)}\n")
    _attach(mail, page.encode(), "text", "html", f"{name}.html")
    if pdf is not None:
        _attach(mail, pdf, "application", "pdf", f"{name}.pdf")
    channel.send_mail(mail)
    return ", ".join(channel.to)


def _attach(mail: EmailMessage, content: bytes, kind: str, subtype: str, name: str) -> None:
    mail.add_attachment(content, maintype=kind, subtype=subtype, filename=name)
