"""Where the translations of the pages are."""

from pathlib import Path
from typing import Final

LOCALES: Final = Path(__file__).parents[1] / "locales"
