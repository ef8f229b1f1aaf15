"""`deskyard report`: the report of a training run again, or the weekly report on routing."""

import importlib
import os
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from deskyard.analytics import rollups
from deskyard.analytics.panels import PANELS, PanelInputs
from deskyard.analytics.query import CURRENT_NAMES, ReportQuery
from deskyard.db.database import desk_database
from deskyard.errors import BadInput, DeskyardError
from deskyard.policy.versions import Policies
from deskyard.registry import active_model, bundle
from deskyard.registry.bundle import Bundle
from deskyard.reports import weekly_page
from deskyard.reports.i18n import Language, preferred_language
from deskyard.reports.report_files import PAGE_FILE, read_figures, write_page
from deskyard.reports.training_page import render_report
from deskyard.settings import settings

MAIL_SENDER = "service.notifications.weekly_report_mail:send_report"
"""The function that sends mails, imported when it is called."""


def report(
    model: Annotated[
        str, typer.Argument(metavar="[BUNDLE]", help="A bundle's folder or name; the champion if left out.")
    ] = "",
    lang: Annotated[Language | None, typer.Option(help="The language of the page; that of LANG if left out.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="The file to write; for a week report-WEEK.html if left out.")
    ] = None,
    week: Annotated[bool, typer.Option("--week", help="Write the weekly report: the last complete week.")] = False,
    day: Annotated[str, typer.Option(help="With --week: a day of another week, such as 2026-01-31.")] = "",
    pdf: Annotated[bool, typer.Option("--pdf", help="With --week: also write it as PDF.")] = False,
    taxonomy: Annotated[
        str,
        typer.Option(
            help="With --week: labels by their names of today (current) or of the day when tickets came (original)."
        ),
    ] = CURRENT_NAMES,
    mail: Annotated[
        str,
        typer.Option(
            envvar="DESKYARD_REPORT_MAIL", help="With --week: also mail it, smtp://user:password@host/to@x?from=desk@x"
        ),
    ] = "",
) -> None:
    """Write the report of a bundle's training run again, or the weekly report on routing: one HTML file that needs no
    network.

    Texts of tickets are not kept, so only `deskyard train --with-texts` can show them.

    Example: `deskyard report --lang ru --out report.html`, or every Monday `deskyard report --week --pdf`
    """
    language = lang or preferred_language(os.environ)
    if week:
        _write_weekly_report(day, taxonomy, language, out, pdf=pdf, mail=mail)
        return
    if day or pdf:
        raise BadInput("--day and --pdf are options of the weekly report: add --week.")
    folder = bundle.find_bundle(settings().models, model)
    document = read_figures(folder, bundle.load_bundle(folder).digest)
    path = out if out is not None else folder / PAGE_FILE
    write_page(path, render_report(document, language))
    typer.echo(path)


def _write_weekly_report(
    day: str, taxonomy: str, language: Language, out: Path | None, *, pdf: bool, mail: str
) -> None:
    today = datetime.now(settings().time_zone).date()
    try:
        week = weekly_page.make_week_query(date.fromisoformat(day) if day else today - timedelta(days=7))
    except (ValueError, OverflowError) as error:
        raise BadInput("--day takes a day such as 2026-01-31.") from error
    query, figures = _load_panels(week, taxonomy, today)
    page = weekly_page.render_week(query, figures, language, settings().public_url)
    name = f"report-{query.first.isocalendar().year}-W{query.first.isocalendar().week:02}"
    path = out if out is not None else Path(f"{name}.html")
    write_page(path, page)
    typer.echo(path)
    pdf_bytes = weekly_page.render_pdf(page) if pdf else None
    if pdf_bytes is not None:
        try:
            path.with_suffix(".pdf").write_bytes(pdf_bytes)
        except OSError as error:
            raise BadInput(f"{path.with_suffix('.pdf')} can't be written: name another file.") from error
        typer.echo(path.with_suffix(".pdf"))
    if mail:
        module, _, function = MAIL_SENDER.partition(":")
        to = getattr(importlib.import_module(module), function)(mail, name, page, pdf_bytes, language)
        typer.echo(f"Sent to {to}.")


def _load_panels(week: ReportQuery, taxonomy: str, today: date) -> tuple[ReportQuery, Mapping[str, Mapping[str, Any]]]:
    """The query of the week in these names, and the figures of all panels, with the rollups refreshed first."""
    with desk_database() as database:
        rollups.refresh_rollups(database, settings().time_zone)
        with database.reading() as conn:
            policy = Policies.current(conn).policy
            first, last = week.first.isoformat(), week.last.isoformat()
            taxonomy_changes = policy.build_ledger(today).changes
            query = ReportQuery.from_params(first, last, today, taxonomy=taxonomy, taxonomy_changes=taxonomy_changes)
            inputs = PanelInputs(query, today, _load_active_bundle(conn), policy)
            return query, {name: panel(conn, inputs) for name, panel in PANELS.items()}


def _load_active_bundle(conn: Connection) -> Bundle | None:
    """The bundle in use; None where there is none or it can't be opened: the report is then without contracts."""
    active = active_model.get_active(conn)
    try:
        return bundle.load_bundle(bundle.find_by_digest(settings().models, active.digest)) if active else None
    except DeskyardError:
        return None
