"""A command with many options: a dataclass lists them, and the command's function takes one instance of it."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import wraps
from typing import Any, TypeVar, get_type_hints

_Options = TypeVar("_Options")


def options_from_dataclass(options: type[_Options]) -> Callable[[Callable[[_Options], None]], Callable[..., None]]:
    """A decorator that makes a command for typer from a function of one dataclass, whose fields are its options.

    The fields are annotated like the parameters of a command (`Annotated[int, typer.Option(...)]`); optional ones have
    a default or a default factory.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Options:
    ...     n: int
    ...     name: str = "IT"
    >>> @options_from_dataclass(Options)
    ... def command(options: Options) -> None:
    ...     print(options)
    >>> str(inspect.signature(command))
    "(*, n: int, name: str = 'IT') -> None"
    >>> command(n=3)
    Options(n=3, name='IT')
    """

    def decorate(run: Callable[[_Options], None]) -> Callable[..., None]:
        hints = get_type_hints(options, include_extras=True)

        @wraps(run)
        def command(**values: Any) -> None:
            run(options(**values))

        parameters = [
            inspect.Parameter(
                one.name, inspect.Parameter.KEYWORD_ONLY, default=_default(one), annotation=hints[one.name]
            )
            for one in fields(options)  # type: ignore[arg-type]
        ]
        command.__signature__ = inspect.Signature(parameters, return_annotation=None)  # type: ignore[attr-defined]
        command.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": None}
        return command

    return decorate


def _default(field: Any) -> Any:
    if field.default is not MISSING:
        return field.default
    return inspect.Parameter.empty if field.default_factory is MISSING else field.default_factory()
