"""Settings: paths, the database and secrets, read once from the environment. Everything else is in the policy.

A setting `name` is the variable `DESKYARD_NAME`, unless it says otherwise. `DESKYARD_HOME` holds the database, bundles,
logs and MLflow's files; nothing outside it is read. Without it the database is in `./var` and bundles are in
`./models`, as a checkout expects.
"""

from functools import cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

HISTORY_FOLDER_PREFIX: Final = ".history-"
"""Prefix of the temporary folders in `Settings.state` that hold the desk's tickets as a table during a training."""


class Settings(BaseSettings):
    """The settings of the environment; immutable."""

    model_config = SettingsConfigDict(
        env_prefix="DESKYARD_", env_ignore_empty=True, frozen=True, extra="ignore", use_attribute_docstrings=True
    )

    home: Path | None = None
    """Folder of the database, models, logs and secrets. If it is not set, `./var` and `./models` are used."""

    database_url: str = ""
    """SQLAlchemy URL of the database; a SQLite file in the home folder if it is not set."""

    public_url: str = ""
    """Address at which people reach the service, for links in notifications and for sign-in with OpenID Connect."""

    time_zone: ZoneInfo = ZoneInfo("UTC")
    """Time zone of the desk for pages and reports, such as `Europe/Moscow`."""

    pull_interval: float = Field(default=60.0, ge=1)
    """Seconds between two reads of a connected help desk."""

    store_timeout: float = Field(default=20.0, gt=0)
    """Seconds that a connected help desk has to answer."""

    notify_allow: tuple[str, ...] = ()
    """Private hosts and networks that notifications may be sent to."""

    oidc_issuer: str = ""
    """Address of the OpenID Connect provider at which people sign in."""

    oidc_client_id: str = ""
    """Identifier of this service at the OpenID Connect provider."""

    oidc_client_secret: str = ""
    """Secret of this service at the OpenID Connect provider."""

    oidc_claim: str = "preferred_username"
    """Claim of the OpenID Connect provider that holds the name of the user."""

    oidc_role: str = ""
    """Role that people get who sign in with OpenID Connect and are no user yet; if it is not set, they are refused."""

    mlflow_tracking_uri: str = Field(default="", validation_alias="MLFLOW_TRACKING_URI")
    """Address of the MLflow store; a SQLite file in the home folder if it is not set."""

    @property
    def oidc_missing(self) -> tuple[str, ...]:
        """The settings that sign-in with OpenID Connect still needs; empty if it is complete, or not wanted at all."""
        needed = {
            "DESKYARD_OIDC_ISSUER": self.oidc_issuer,
            "DESKYARD_OIDC_CLIENT_ID": self.oidc_client_id,
            "DESKYARD_PUBLIC_URL": self.public_url,
        }
        begun = self.oidc_issuer or self.oidc_client_id or self.oidc_client_secret or self.oidc_role
        return tuple(name for name, value in needed.items() if begun and not value)

    @property
    def models(self) -> Path:
        """The folder of bundles and of the file that names the champion."""
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
        """The URI where MLflow keeps runs and registered models: MLFLOW_TRACKING_URI, else a SQLite file in `state`."""
        return self.mlflow_tracking_uri or f"sqlite:///{(self.state / 'mlflow.db').absolute()}"

    @property
    def artifact_uri(self) -> str:
        """The folder of the files of MLflow runs, as a URI; empty if MLFLOW_TRACKING_URI is set, which then decides
        it."""
        return "" if self.mlflow_tracking_uri else (self.state / "mlflow-artifacts").absolute().as_uri()


@cache
def settings() -> Settings:
    """The process's settings. Tests that change the environment call `settings.cache_clear()`."""
    return Settings()
