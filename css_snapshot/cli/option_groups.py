"""Groups of options that many commands share: an attrs class each.

A command may take a parameter of an attrs class; on the command line, the class's
fields stand in its place, with the option that their type is annotated with.
"""

from collections.abc import Iterator, Mapping
from inspect import Parameter
from typing import Any

import attrs


def expanded(parameters: Mapping[str, Parameter]) -> list[Parameter]:
    """Return the parameters of a command as the command line sees them.

    Those of its first parameter, which all commands have, come last.

    Args:
        parameters: The parameters of its function.
    """
    first, *others = parameters.values()
    return [leaf for one in (*others, first) for leaf in _leaves(one)]


def gathered(
    parameters: Mapping[str, Parameter], values: Mapping[str, object]
) -> dict[str, object]:
    """Return the arguments of a command's function, from those of the command line.

    Args:
        parameters: The parameters of its function.
        values: What the command line says, by the names that `expanded` returned.
    """
    return {
        name: _value(parameter.annotation, name, values)
        for name, parameter in parameters.items()
    }


def _leaves(parameter: Parameter) -> Iterator[Parameter]:
    if not attrs.has(parameter.annotation):
        yield parameter.replace(kind=Parameter.KEYWORD_ONLY)
        return
    for field in _options(parameter.annotation):
        default = Parameter.empty if field.default is attrs.NOTHING else field.default
        yield from _leaves(
            Parameter(
                field.name,
                Parameter.KEYWORD_ONLY,
                default=default,
                annotation=field.type,
            )
        )


def _value(annotation: Any, name: str, values: Mapping[str, object]) -> object:
    if not attrs.has(annotation):
        return values[name]
    return annotation(
        **{
            field.name: _value(field.type, field.name, values)
            for field in _options(annotation)
        }
    )


def _options(group: type[attrs.AttrsInstance]) -> Iterator["attrs.Attribute[Any]"]:
    return (field for field in attrs.fields(group) if field.init)
