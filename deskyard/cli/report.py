"""The doors of `deskyard report`: a training run's report again, or how routing did in a week."""

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
from deskyard.reports import weekly_page as weekly
from deskyard.reports.i18n import Language, preferred_language
from deskyard.reports.report_files import PAGE_FILE, read_figures, write_page
from deskyard.reports.training_page import render_report
from deskyard.settings import settings

MAIL_SENDER = "service.notifications.weekly_report_mail:send_report"
"""Where mails are sent, reached by name at the moment of the call."""


def report(
    model: Annotated[
        str, typer.Argument(metavar="[BUNDLE]", help="A folder or a name; the champion if not said.")
    ] = "",
    lang: Annotated[Language | None, typer.Option(help="The page's language; that of LANG if not said.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the page here; report-WEEK.html for a week.")] = None,
    week: Annotated[bool, typer.Option("--week", help="How routing did: the last week that is over.")] = False,
    of: Annotated[str, typer.Option(help="With --week: a day of another week, as 2026-01-31.")] = "",
    pdf: Annotated[bool, typer.Option("--pdf", help="With --week: beside the page, the same as PDF.")] = False,
    taxonomy: Annotated[
        str, typer.Option(help="With --week: the names of today (now), or of the day tickets came (then).")
    ] = CURRENT_NAMES,
    mail: Annotated[
        str,
        typer.Option(
            envvar="DESKYARD_REPORT_MAIL", help="With --week: also send it, smtp://user:password@host/to@x?from=desk@x"
        ),
    ] = "",
) -> None:
    """Make the report of a bundle's training run again, or the weekly report on routing: one HTML file that opens
    without a network.

    Texts of tickets are not kept, so only `deskyard train --with-texts` can show them.

    Example: `deskyard report --lang ru --out report.html`, or every Monday `deskyard report --week --pdf`
    """
    language = lang or preferred_language(os.environ)
    if week:
        _write_weekly_report(of, taxonomy, language, out, pdf=pdf, mail=mail)
        return
    if of or pdf:
        raise BadInput("--of and --pdf belong to the weekly report: add --week.")
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
        week = weekly.make_week_query(date.fromisoformat(day) if day else today - timedelta(days=7))
    except (ValueError, OverflowError) as error:
        raise BadInput("--of takes a day, as 2026-01-31.") from error
    asked, figures = _load_panels(week, taxonomy, today)
    page = weekly.render_week(asked, figures, language, settings().public_url)
    name = f"report-{asked.first.isocalendar().year}-W{asked.first.isocalendar().week:02}"
    path = out if out is not None else Path(f"{name}.html")
    write_page(path, page)
    typer.echo(path)
    printed = weekly.render_pdf(page) if pdf else None
    if printed is not None:
        try:
            path.with_suffix(".pdf").write_bytes(printed)
        except OSError as error:
            raise BadInput(f"{path.with_suffix('.pdf')} can't be written: name another file.") from error
        typer.echo(path.with_suffix(".pdf"))
    if mail:
        module, _, function = MAIL_SENDER.partition(":")
        to = getattr(importlib.import_module(module), function)(mail, name, page, printed, language)
        typer.echo(f"Sent to {to}.")


def _load_panels(week: ReportQuery, taxonomy: str, today: date) -> tuple[ReportQuery, Mapping[str, Mapping[str, Any]]]:
    """What is asked in those names, and what the panels show, after all that happened is counted."""
    with desk_database() as database:
        rollups.refresh_rollups(database, settings().time_zone)
        with database.reading() as conn:
            policy = Policies.current(conn).policy
            first, last, turns = week.first.isoformat(), week.last.isoformat(), policy.build_ledger(today).changes
            asked = ReportQuery.from_params(first, last, today, taxonomy=taxonomy, taxonomy_changes=turns)
            question = PanelInputs(asked, today, _load_active_bundle(conn), policy)
            return asked, {name: panel(conn, question) for name, panel in PANELS.items()}


def _load_active_bundle(conn: Connection) -> Bundle | None:
    """The model in use; None where there is none, or it can't be opened: its contracts are then not told."""
    active = active_model.get_active(conn)
    try:
        return bundle.load_bundle(bundle.find_by_digest(settings().models, active.digest)) if active else None
    except DeskyardError:
        return None
