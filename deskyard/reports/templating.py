"""The Jinja environment of report and page templates: values are escaped, and undefined variables are errors."""

from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deskyard.reports.i18n import Translator

TEMPLATES_FOLDER: Final = Path(__file__).parent / "templates"


def make_environment(translator: Translator, *more: Path) -> Environment:
    """An environment with the templates of reports and those of the folders `more`, which come first."""
    made = Environment(
        loader=FileSystemLoader([*more, TEMPLATES_FOLDER]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"_": translator.gettext, "ngettext": translator.ngettext, "words": translator}
    return made
