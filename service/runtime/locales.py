"""The folder of the translations of the pages."""

from pathlib import Path
from typing import Final

LOCALES: Final = Path(__file__).parents[1] / "locales"
