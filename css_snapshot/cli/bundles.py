"""Options that belong together: an attrs class each, instead of long signatures.

A command may take a parameter of an attrs class; on the command line, the class's
fields stand in its place, with the option that their type is annotated with.
"""

from collections.abc import Iterator, Mapping
from inspect import Parameter
from typing import Any

import attrs


def expanded(parameters: Mapping[str, Parameter]) -> list[Parameter]:
    """Answer the parameters of a command as the command line sees them.

    Those of its first parameter, which all commands have, come last.

    Args:
        parameters: The parameters of its function.
    """
    first, *others = parameters.values()
    found = [leaf for one in (*others, first) for leaf in _leaves(one)]
    # An argument must come before what is only known by its name.
    return sorted(found, key=lambda leaf: leaf.kind)


def gathered(
    parameters: Mapping[str, Parameter], values: Mapping[str, object]
) -> dict[str, object]:
    """Answer the arguments of a command's function, from those of the command line.

    Args:
        parameters: The parameters of its function.
        values: What the command line says, by the names that `expanded` answered.
    """
    return {
        name: _built(parameter.annotation, values)
        if attrs.has(parameter.annotation)
        else values[name]
        for name, parameter in parameters.items()
    }


def _leaves(parameter: Parameter) -> Iterator[Parameter]:
    if not attrs.has(parameter.annotation):
        yield parameter
        return
    for field in _options(parameter.annotation):
        default = Parameter.empty if field.default is attrs.NOTHING else field.default
        leaf = Parameter(
            field.name, Parameter.KEYWORD_ONLY, default=default, annotation=field.type
        )
        yield from _leaves(leaf)


def _built(bundle: type[Any], values: Mapping[str, object]) -> object:
    return bundle(
        **{
            field.name: _built(field.type, values)
            if field.type is not None and attrs.has(field.type)
            else values[field.name]
            for field in _options(bundle)
        }
    )


def _options(bundle: type[attrs.AttrsInstance]) -> Iterator["attrs.Attribute[Any]"]:
    return (field for field in attrs.fields(bundle) if field.init)
