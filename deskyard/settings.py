"""Settings: places, the database and secrets, read once from the environment. Everything else is policy.

`DESKYARD_HOME` holds the database, bundles, logs and MLflow's files, and nothing outside it is read. Unset, databases
lie in `./var` and bundles in `./models`, which is where a checkout wants them. `DESKYARD_PUBLIC_URL` is the address at
which people reach this service, for links in notices; `DESKYARD_TIME_ZONE` the desk's own (`Europe/Moscow`; UTC unless
said), for pages and reports; `DESKYARD_NOTIFY_ALLOW` (a JSON list of hosts and networks) names
the private addresses to which notices may go. `DESKYARD_OIDC_ISSUER`, `_CLIENT` and `_SECRET`
let people sign in at an OpenID Connect provider by the name in `_CLAIM`, and who is no user yet becomes one of
`DESKYARD_OIDC_ROLE`, if that is set. A help desk is read every `DESKYARD_PULL_EVERY` seconds, and has
`DESKYARD_STORE_TIMEOUT` seconds to answer.
"""

from functools import cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

HISTORY_FOLDER_PREFIX: Final = ".history-"
"""How folders in `Settings.state` begin that hold the desk's tickets as a table, while it is read."""


class Settings(BaseSettings):
    """What the environment says; frozen."""

    model_config = SettingsConfigDict(env_prefix="DESKYARD_", env_ignore_empty=True, frozen=True, extra="ignore")

    home: Path | None = None
    database_url: str = ""
    public_url: str = ""
    time_zone: ZoneInfo = ZoneInfo("UTC")
    pull_every: float = Field(default=60.0, ge=1)
    store_timeout: float = Field(default=20.0, gt=0)
    notify_allow: tuple[str, ...] = ()
    oidc_issuer: str = ""
    oidc_client: str = ""
    oidc_secret: str = ""
    oidc_claim: str = "preferred_username"
    oidc_role: str = ""
    mlflow_tracking_uri: str = Field(default="", validation_alias="MLFLOW_TRACKING_URI")

    @property
    def models(self) -> Path:
        """The folder of bundles, with the champion's name in `CHAMPION_FILE`."""
        return self.home / "models" if self.home else Path("models")

    @property
    def state(self) -> Path:
        """The folder of the database and logs."""
        return self.home or Path("var")

    @property
    def database(self) -> str:
        """The database's SQLAlchemy URL: DESKYARD_DATABASE_URL, else a SQLite file in `state`."""
        return self.database_url or f"sqlite:///{(self.state / 'deskyard.db').absolute()}"

    @property
    def tracking_uri(self) -> str:
        """Where MLflow keeps runs and registered models: MLFLOW_TRACKING_URI, else a SQLite file in `state`."""
        return self.mlflow_tracking_uri or f"sqlite:///{(self.state / 'mlflow.db').absolute()}"

    @property
    def artifact_uri(self) -> str:
        """The folder of what runs leave beside figures, as a URI; empty where MLFLOW_TRACKING_URI decides it."""
        return "" if self.mlflow_tracking_uri else (self.state / "mlflow-artifacts").absolute().as_uri()


@cache
def settings() -> Settings:
    """The process's settings. Tests that change the environment call `settings.cache_clear()`."""
    return Settings()
