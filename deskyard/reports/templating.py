"""HTML: what fills the templates of reports in one language, with every value escaped and none missing.

In come words, out comes an environment of templates; it holds no figures.
"""

from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deskyard.reports.i18n import Translator

TEMPLATES_FOLDER: Final = Path(__file__).parent / "templates"


def make_environment(translator: Translator, *more: Path) -> Environment:
    """The templates of reports, and those in other folders, which come first; they say things in these words."""
    made = Environment(
        loader=FileSystemLoader([*more, TEMPLATES_FOLDER]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"_": translator.gettext, "ngettext": translator.ngettext, "words": translator}
    return made
