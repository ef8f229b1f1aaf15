"""The weekly report by e-mail, with the page and, if there is one, the PDF attached."""

from datetime import UTC, datetime
from email.message import EmailMessage

from deskyard.reports.i18n import N_, Language, Translator
from deskyard.settings import settings
from service.notifications.smtp import SmtpChannel
from service.runtime.locales import LOCALES

SUBJECT = N_("Weekly routing report")
BODY = N_("The report is attached and can be opened offline.")


def send_report(url: str, name: str, page: str, pdf: bytes | None, language: Language) -> str:
    """Send the report and return its recipients, which are those of the URL (see `SmtpChannel`). Raises what
    `SmtpChannel.send` raises."""
    channel = SmtpChannel.from_url(url, allowed=settings().notify_allow, language=language.value)
    translator = Translator(language, LOCALES)
    mail = channel.new_mail(name, str(translator.gettext(SUBJECT)), datetime.now(UTC))
    mail.set_content(f"{translator.gettext(BODY)}\n")
    _attach(mail, page.encode(), "text", "html", f"{name}.html")
    if pdf is not None:
        _attach(mail, pdf, "application", "pdf", f"{name}.pdf")
    channel.send_mail(mail)
    return ", ".join(channel.to)


def _attach(mail: EmailMessage, content: bytes, kind: str, subtype: str, name: str) -> None:
    mail.add_attachment(content, maintype=kind, subtype=subtype, filename=name)
