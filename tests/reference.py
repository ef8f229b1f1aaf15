"""The pages of docs/reference (`make reference`), made from the code: commands, policy, settings, API and metrics."""

import inspect
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from pydantic import AliasChoices

from deskyard.auth.api_keys import ROLES
from deskyard.cli.main import COMMANDS, open_command
from deskyard.policy.keys import POLICY_KEYS, table_names
from deskyard.settings import Settings
from service.app import create_app
from service.auth.authorization import PERMISSIONS, UNAUTHENTICATED_ROUTES
from service.http.metrics import Metrics

FOLDER: Final = Path(__file__).parent.parent / "docs" / "reference"

MADE: Final = "<!-- Made by `make reference` from the code. Change the code, not this page. -->"

CONNECTION_VARIABLES: Final = {
    "DESKYARD_SECRET_NAME": "Password or token of the connection NAME (upper case, `-` as `_`), instead of a file in "
    "`secrets/`.",
    "DESKYARD_HOOK_SECRET_NAME": "Secret of the webhooks of the connection NAME, likewise.",
    "DESKYARD_AUDIT_KEY_ERASURE": "Key for the hashes of erased names, instead of a file in `secrets/`.",
    "DESKYARD_ENCODER": "Folder of the sentence encoder that a bundle needs, where it is no longer in the place it was "
    "trained from.",
}
"""Variables that are read by name: they exist for each connection, or only for some bundles."""


def all_pages() -> dict[str, str]:
    """The Markdown of each page by its file name."""
    return {
        "README.md": overview_page(),
        "commands.md": commands_page(),
        "policy.md": policy_page(),
        "settings.md": settings_page(),
        "api.md": api_page(openapi()),
        "metrics.md": metrics_page(),
    }


def overview_page() -> str:
    """What the other pages hold."""
    rows = [
        ("[commands.md](commands.md)", "every command of `deskyard` with its arguments and options"),
        ("[policy.md](policy.md)", "the keys of a policy file"),
        ("[settings.md](settings.md)", "the environment variables"),
        ("[api.md](api.md)", "the HTTP API: operations, parameters, members of requests and responses"),
        ("[metrics.md](metrics.md)", "what `/metrics` exports for Prometheus"),
    ]
    return page(
        "Reference",
        "Made from the code of this version. Terms are explained in [the glossary](../glossary.md).",
        [*table(("page", "content"), rows)],
    )


# Commands


@cache
def commands() -> dict[str, Any]:
    """Every command that can be called, by the words that call it; a group stands before its commands."""
    found: dict[str, Any] = {}
    for name in COMMANDS:
        command = open_command(name)
        found[name] = command
        found |= {f"{name} {under}": one for under, one in getattr(command, "commands", {}).items()}
    return found


def parameters(command: Any) -> list[Any]:
    """A command's arguments and options that its help shows."""
    return [one for one in command.params if not one.hidden]


def commands_page() -> str:
    """The page of commands."""
    found = commands()
    rows = [(f"[`{name}`](#{slug(f'deskyard {name}')})", line) for name, (_, line) in COMMANDS.items()]
    parts = [*table(("command", "what it does"), rows)]
    for name, command in found.items():
        parts += ["", f"{'##' if name in COMMANDS else '###'} deskyard {name}", "", *help_lines(command.help or "")]
        if under := [one for one in found if one.startswith(f"{name} ")]:
            links = ", ".join(f"[`{one}`](#{slug(f'deskyard {one}')})" for one in under)
            parts += ["", f"Commands: {links}."]
        if shown := parameters(command):
            parts += ["", *table(("argument or option", "value", "default", "meaning"), map(parameter_row, shown))]
    return page("Commands", "`deskyard COMMAND --help` prints the same on the command line.", parts)


def parameter_row(parameter: Any) -> tuple[str, str, str, str]:
    """One argument or option as a row."""
    is_option = parameter.param_type_name == "option"
    names = ", ".join(f"`{one}`" for one in [*parameter.opts, *parameter.secondary_opts])
    if not is_option:
        names = f"`{parameter.metavar.strip('[]') if parameter.metavar else parameter.name.upper()}`"
    meaning = " ".join((parameter.help or "").split())
    if parameter.envvar:
        meaning += f" Environment: `{parameter.envvar}`."
    return names, value_of(parameter), default_of(parameter), meaning


def value_of(parameter: Any) -> str:
    """What may be written for a parameter."""
    kind = parameter.type_descriptor.annotation
    several = get_origin(kind) is list
    kind = get_args(kind)[0] if several else kind
    if getattr(parameter, "is_flag", False):
        return "—"
    if isinstance(kind, type) and issubclass(kind, Enum):
        value = ", ".join(f"`{one.value}`" for one in kind)
    elif get_origin(kind) is Literal:
        value = ", ".join(f"`{one}`" for one in get_args(kind))
    elif parameter.metavar and parameter.param_type_name == "option":
        value = f"`{parameter.metavar}`"
    else:
        value = {int: "whole number", float: "number", Path: "file"}.get(kind, "text")
    if parameter.min is not None or parameter.max is not None:
        low, high = parameter.min, parameter.max
        value += f", {low} to {high}" if high is not None else f", at least {low}"
    return value + (" (repeatable)" if several else "")


def default_of(parameter: Any) -> str:
    """A parameter's default as a cell."""
    default = parameter.default
    if parameter.required:
        return "required"
    if default is True:
        return f"`{parameter.opts[0]}`"
    if default is None or default is False or default in ("", ()):
        return "—"
    return f"`{default.value if isinstance(default, Enum) else default}`"


def help_lines(text: str) -> Iterator[str]:
    """A help text as Markdown: its paragraphs, each on one line."""
    for i, paragraph in enumerate(re.split(r"\n\s*\n", inspect.cleandoc(text))):
        yield from [""] if i else []
        yield " ".join(paragraph.replace("\b", "").split())


# Policy


def policy_page() -> str:
    """The page of policy keys."""
    parts: list[str] = []
    for name in table_names():
        header = "Top of the file" if not name else f"`[{name}]`"
        rows = [(f"`{one.name}`", one.value, one.default, one.meaning) for one in POLICY_KEYS if one.table == name]
        parts += ["", f"## {header}", "", *table(("key", "value", "default", "meaning"), rows)]
    introduction = (
        "The keys of the TOML file that `deskyard policy export` writes and that `deskyard policy import` and "
        "`PUT /v1/policy` read. Upper-case words stand for names: a target (category, priority, queue, assignee), a "
        "queue, a connection, a category. The most specific rule wins: a target in a queue, the queue, the "
        "connection, the target, the top of the file. How to use it: [for administrators](../administrator.md#policy)."
    )
    return page("Policy", introduction, parts[1:])


# Settings


def settings_rows() -> list[tuple[str, str, str, str]]:
    """Variable, value, default and meaning of each setting."""
    rows = []
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        variable = alias.choices[0] if isinstance(alias, AliasChoices) else alias or f"DESKYARD_{name.upper()}"
        default = field.default
        shown = "—" if default is None or default in ("", ()) else f"`{default}`"
        rows.append((f"`{variable}`", setting_value(field.annotation), shown, field.description or ""))
    return rows


def setting_value(annotation: Any) -> str:
    """What a variable of that type may hold."""
    text = str(annotation)
    names = {
        "Path": "folder",
        "tuple": "JSON list",
        "float": "seconds",
        "int": "number",
        "ZoneInfo": "name of a time zone",
    }
    return next((value for name, value in names.items() if name in text), "text")


def settings_page() -> str:
    """The page of settings."""
    options: dict[str, list[str]] = {}
    for name, command in commands().items():
        for parameter in parameters(command):
            if parameter.envvar:
                options.setdefault(parameter.envvar, []).append(f"`deskyard {name} {parameter.opts[0]}`")
    header = ("variable", "value", "default", "meaning")
    introduction = (
        "Settings are environment variables, read once when a process starts. What the model may do is not here but in "
        "[the policy](policy.md). How to use them: [for administrators](../administrator.md#settings)."
    )
    by_name = ((f"`{name}`", meaning) for name, meaning in CONNECTION_VARIABLES.items())
    in_place = ((f"`{name}`", ", ".join(where)) for name, where in sorted(options.items()))
    parts = [
        *table(header, settings_rows()),
        *("", "## Variables of connections and bundles", "", *table(("variable", "meaning"), by_name)),
        *("", "## Variables in place of options", "", *table(("variable", "in place of"), in_place)),
    ]
    return page("Settings", introduction, parts)


# API


@cache
def openapi() -> dict[str, Any]:
    """The description of the API, from an app over an empty database."""
    with tempfile.TemporaryDirectory() as home:
        app: FastAPI = create_app(Settings(home=Path(home)))
        try:
            return app.openapi()
        finally:
            app.state.context.database.close()


def api_page(described: Mapping[str, Any]) -> str:
    """The page of the API."""
    schemas: Mapping[str, Any] = described["components"]["schemas"]
    by_tag: dict[str, list[tuple[str, str, Any]]] = {}
    for path, item in described["paths"].items():
        for method, operation in item.items():
            by_tag.setdefault(operation["tags"][0], []).append((method.upper(), path, operation))
    errors = common_errors(described)
    parts: list[str] = []
    for tag, operations in by_tag.items():
        parts += ["", f"## {tag.capitalize()}"]
        for method, path, operation in operations:
            parts += ["", *operation_lines(method, path, operation, errors)]
    parts += ["", "## Errors", "", "What a status means, unless an operation says otherwise.", ""]
    parts += table(("status", "meaning"), errors.items())
    parts += ["", "## Members", "", "Members of requests and responses, by model."]
    for name in sorted(schemas):
        parts += ["", *schema_lines(name, schemas[name])]
    introduction = (
        "A running service shows the same at `/docs` and gives the OpenAPI description at `/openapi.json`. Requests "
        "carry `Authorization: Bearer KEY` once a key exists (`deskyard key create`). Each operation names the roles "
        "that may use it. Errors are `application/problem+json` (RFC 9457); [Errors](#errors) says what a status means."
    )
    return page("API", introduction, parts[1:])


def operation_lines(method: str, path: str, operation: Mapping[str, Any], errors: Mapping[str, str]) -> Iterator[str]:
    """One operation: what it does, who may use it, what it takes and answers."""
    yield f"### {method} {path}"
    yield ""
    yield from help_lines(operation.get("description", ""))
    yield ""
    yield f"Roles: {roles(method, path)}."
    rows = [
        (f"`{one['name']}`", one["in"], type_text(one.get("schema", {})), one_line(one.get("description", "")))
        for one in operation.get("parameters", ())
    ]
    if rows:
        yield from ("", *table(("parameter", "in", "value", "meaning"), rows))
    if body := operation.get("requestBody"):
        kinds = ", ".join(f"`{kind}`: {type_text(one.get('schema', {}))}" for kind, one in body["content"].items())
        yield from ("", f"Body: {kinds}.")
    successes, own_errors = [], []
    for status, answer in sorted(operation["responses"].items()):
        meaning = one_line(answer.get("description", "")).replace("Successful Response", "—")
        if int(status) < 400:
            content = answer.get("content", {}).values()
            successes.append((status, ", ".join(type_text(one.get("schema", {})) for one in content) or "—", meaning))
        else:
            own_errors.append(status if errors.get(status) == meaning else f"{status} ({meaning})")
    yield from ("", *table(("status", "response", "meaning"), successes), "", f"Errors: {', '.join(own_errors)}.")


def common_errors(described: Mapping[str, Any]) -> dict[str, str]:
    """Statuses of errors, each with the meaning that most operations give it."""
    meanings: dict[str, Counter[str]] = {}
    for item in described["paths"].values():
        for operation in item.values():
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    meanings.setdefault(status, Counter())[one_line(answer.get("description", ""))] += 1
    return {status: counted.most_common(1)[0][0] for status, counted in sorted(meanings.items())}


def roles(method: str, path: str) -> str:
    """Who may use an operation."""
    if path in UNAUTHENTICATED_ROUTES:
        return "everybody"
    for (allowed_method, route), allowed in PERMISSIONS.items():
        if allowed_method == method and re.sub(r":\w+}", "}", route) == path:
            return ", ".join(role for role in ROLES if role in allowed)
    raise KeyError(f"{method} {path} has no line in PERMISSIONS")


def schema_lines(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    """One model: what it is, and its members."""
    yield f"### {name}"
    yield ""
    yield from help_lines(schema.get("description", ""))
    required = schema.get("required", ())
    rows = [
        (
            f"`{member}`",
            type_text(one) + ("" if member in required else " (optional)"),
            one_line(one.get("description", "")),
        )
        for member, one in schema.get("properties", {}).items()
    ]
    if rows:
        yield from ("", *table(("member", "value", "meaning"), rows))


def type_text(schema: Mapping[str, Any]) -> str:
    """A JSON Schema's type in a few words, models as links."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{slug(name)})"
    if "anyOf" in schema or "oneOf" in schema:
        return " or ".join(dict.fromkeys(type_text(one) for one in schema.get("anyOf") or schema["oneOf"]))
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    kind = schema.get("type", "anything")
    if isinstance(kind, list):
        return " or ".join(kind)
    if kind == "array":
        return f"list of {type_text(schema.get('items', {}))}{limits(schema)}"
    if kind == "object":
        inside = schema.get("additionalProperties")
        return f"object of {type_text(inside)}" if isinstance(inside, Mapping) and inside else "object"
    return {"date-time": "time", "date": "date"}.get(schema.get("format", ""), kind) + limits(schema)


def limits(schema: Mapping[str, Any]) -> str:
    """The bounds of a value, length or number of items."""
    low = schema.get("minimum", schema.get("minLength", schema.get("minItems")))
    high = schema.get("maximum", schema.get("maxLength", schema.get("maxItems")))
    unit = {"string": " characters", "array": " items"}.get(schema.get("type", ""), "")
    if low is not None and high is not None:
        return f", {low:,} to {high:,}{unit}"
    if high is not None:
        return f", at most {high:,}{unit}"
    return f", at least {low:,}{unit}" if low else ""


# Metrics


def metric_rows() -> list[tuple[str, str, str, str]]:
    """Name, type, labels and meaning of each metric."""
    registry = next(value for value in vars(Metrics()).values() if isinstance(value, CollectorRegistry))
    rows = []
    for collector in registry._collector_to_names:
        described = next(iter(collector.describe()))
        suffix = {"counter": "_total"}.get(described.type, "")
        labels = ", ".join(f"`{one}`" for one in collector._labelnames) or "—"
        rows.append((f"`{described.name}{suffix}`", described.type, labels, described.documentation))
    return rows


def metrics_page() -> str:
    """The page of metrics."""
    return page(
        "Metrics",
        "What `GET /metrics` exports for Prometheus. No label contains a ticket's text or a queue's name.",
        [*table(("metric", "type", "labels", "meaning"), metric_rows())],
    )


# Markdown


def page(title: str, introduction: str, parts: Sequence[str]) -> str:
    """A whole page."""
    return "\n".join([MADE, "", f"# {title}", "", introduction, "", *parts]) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table's lines."""
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def one_line(text: str) -> str:
    """A text without line breaks."""
    return " ".join(text.split())


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading (https://github.com/gjtorikian/html-pipeline, toc_filter).

    >>> slug("`[queues.QUEUE]`"), slug("GET /v1/tickets/{id}"), slug("Renaming, merging")
    ('queuesqueue', 'get-v1ticketsid', 'renaming-merging')
    """
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def write_pages() -> None:
    """Write all pages; a page that is no longer made is removed."""
    FOLDER.mkdir(exist_ok=True)
    made = all_pages()
    for old in FOLDER.glob("*.md"):
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_pages()
