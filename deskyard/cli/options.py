"""Commands with many options: a dataclass lists them, and the command takes one value of it."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import wraps
from typing import Any, TypeVar, get_type_hints

_Asked = TypeVar("_Asked")


def takes(options: type[_Asked]) -> Callable[[Callable[[_Asked], None]], Callable[..., None]]:
    """Make a command for typer of a function of one dataclass, whose fields are its arguments and options.

    The fields are annotated as parameters of a command are (`Annotated[int, typer.Option(...)]`) and need a default,
    plain or of a factory, where a value need not be given.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Asked:
    ...     n: int
    ...     name: str = "IT"
    >>> @takes(Asked)
    ... def command(asked: Asked) -> None:
    ...     print(asked)
    >>> str(inspect.signature(command))
    "(*, n: int, name: str = 'IT') -> None"
    >>> command(n=3)
    Asked(n=3, name='IT')
    """

    def made(run: Callable[[_Asked], None]) -> Callable[..., None]:
        hints = get_type_hints(options, include_extras=True)

        @wraps(run)
        def command(**said: Any) -> None:
            run(options(**said))

        parameters = [
            inspect.Parameter(
                one.name, inspect.Parameter.KEYWORD_ONLY, default=_default(one), annotation=hints[one.name]
            )
            for one in fields(options)  # type: ignore[arg-type]
        ]
        command.__signature__ = inspect.Signature(parameters, return_annotation=None)  # type: ignore[attr-defined]
        command.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": None}
        return command

    return made


def _default(field: Any) -> Any:
    if field.default is not MISSING:
        return field.default
    return inspect.Parameter.empty if field.default_factory is MISSING else field.default_factory()
