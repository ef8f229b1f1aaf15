"""Settings: paths, the database and secrets, read once from the environment. Everything else is in the policy.

A setting `name` is the variable `DESKYARD_NAME`, unless it says otherwise; its value may also be in the file that
`DESKYARD_NAME_FILE` names (`deskyard.environment`). `DESKYARD_HOME` holds the database, bundles,
logs and MLflow's files; nothing outside it is read. Without it the database is in `./var` and bundles are in
`./models`, as a checkout expects.
"""

import difflib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from deskyard.errors import BadInput

HISTORY_FOLDER_PREFIX: Final = ".history-"
"""Prefix of the temporary folders in `Settings.state` that hold the desk's tickets as a table during a training."""

OTHER_VARIABLES: Final = (
    "DESKYARD_AUDIT_KEY_ERASURE", "DESKYARD_ENCODER", "DESKYARD_MLFLOW", "DESKYARD_NOTIFY_SECRET", "DESKYARD_PASSWORD",
    "DESKYARD_REPORT_MAIL", "DESKYARD_SECRET",
)  # fmt: skip
"""Variables that are no settings: a command or a bundle reads them."""

_CONNECTION_PREFIXES: Final = ("DESKYARD_SECRET_", "DESKYARD_HOOK_SECRET_")


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

    pull_interval: float = Field(default=60.0, ge=1, allow_inf_nan=False)
    """Seconds between two reads of a connected help desk."""

    store_timeout: float = Field(default=20.0, gt=0, allow_inf_nan=False)
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

    @field_validator("public_url", "oidc_issuer")
    @classmethod
    def _is_web_address(cls, address: str) -> str:
        parts = urlsplit(address)
        if address and (parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc):
            raise ValueError("it must be an address such as https://desk.example.org, without a name and a password")
        return address

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
    """The process's settings. Raises BadInput, which names the variable but never its value.

    Tests that change the environment call `settings.cache_clear()`.
    """
    try:
        return Settings()
    except ValidationError as error:
        wrong = (f"{_variable(str(one['loc'][0]))} can't be used: {_sentence(one['msg'])}" for one in error.errors())
        raise BadInput("; ".join(wrong)) from None
    except SettingsError as error:
        raise BadInput('DESKYARD_NOTIFY_ALLOW can\'t be used: it must be a JSON list such as ["10.0.0.0/8"]') from error


def find_unknown_variables(names: Iterable[str]) -> Iterator[str]:
    """A sentence for each of `names` that begins with `DESKYARD_` and is no variable that deskyard reads."""
    known = [*map(_variable, Settings.model_fields), *OTHER_VARIABLES]
    for name in sorted(names):
        if name.startswith("DESKYARD_") and name not in known and not name.startswith(_CONNECTION_PREFIXES):
            near = "".join(f" (did you mean {found}?)" for found in difflib.get_close_matches(name, known, 1, 0.9))
            yield f"{name} is no setting and does nothing{near}"


def _variable(field: str) -> str:
    """The variable of a setting."""
    if field not in Settings.model_fields:  # pydantic names a field with an alias by this
        return field
    return str(Settings.model_fields[field].validation_alias or f"DESKYARD_{field.upper()}")


def _sentence(message: str) -> str:
    """A message of pydantic as the end of a sentence."""
    return message.removeprefix("Value error, ").replace("Input should be", "it must be")
