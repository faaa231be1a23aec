"""CloudFormation templates: reading them quickly, and who depends on whom."""

import functools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from moto.cloudformation.exceptions import ValidationError

Template = dict[str, Any]
SUBSTITUTE = re.compile(r"\$\{([^!${}][^${}]*)\}")
# What may change without anything being deployed.
ASIDE = frozenset({"Description", "Metadata"})


def parse_template(text: str) -> Template:
    """Read JSON or YAML; JSON first, because YAML takes seconds for a large stack.

    :raises ValidationError: it is neither, or has no resources.
    """
    try:
        template = json.loads(text)
    except ValueError:
        template = _parse_yaml(text)
    if not isinstance(template, dict) or not isinstance(template.get("Resources"), dict):
        raise ValidationError(
            message="Template format error: At least one Resources member must be defined."
        )
    normal: Template = _normalise(template)
    return normal


def _parse_yaml(text: str) -> object:
    try:
        return yaml.load(text, Loader=_loader())  # noqa: S506 -- a SafeLoader
    except yaml.YAMLError as error:
        raise ValidationError(
            message=f"Template format error: YAML not well-formed. {error}"
        ) from error


@functools.cache
def _loader() -> type[yaml.SafeLoader]:
    """Make a loader that knows ``!Ref`` and leaves dates alone, as CloudFormation does."""

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        pass

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith("timestamp")]
        for first, resolvers in Loader.yaml_implicit_resolvers.items()
    }
    Loader.add_multi_constructor("!", _construct)
    return Loader


def _construct(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    key = tag if tag in {"Ref", "Condition"} else f"Fn::{tag}"
    if isinstance(node, yaml.SequenceNode):
        return {key: loader.construct_sequence(node, deep=True)}
    if isinstance(node, yaml.MappingNode):
        return {key: loader.construct_mapping(node, deep=True)}
    return {key: loader.construct_scalar(node)}


def _normalise(value: Any) -> Any:  # noqa: ANN401 -- any part of a template
    """Write every GetAtt as ``[resource, attribute]``, the one form that moto reads."""
    if isinstance(value, list):
        return [_normalise(each) for each in value]
    if not isinstance(value, dict):
        return value
    target = value.get("Fn::GetAtt")
    if target and len(value) == 1:
        parts = target.split(".") if isinstance(target, str) else target
        rest = parts[1:] if all(isinstance(part, str) for part in parts) else []
        return {"Fn::GetAtt": [parts[0], ".".join(rest) if rest else parts[1]]}
    return {key: _normalise(each) for key, each in value.items()}


def find_names(value: object) -> Iterator[str]:
    """Find what a part of a template refers to, with Ref, GetAtt or Sub."""
    if isinstance(value, list):
        for each in value:
            yield from find_names(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _find_in(key, each)


def _find_in(key: str, value: object) -> Iterator[str]:
    if key == "Ref" and isinstance(value, str):
        yield value
    elif key == "Fn::GetAtt" and isinstance(value, list):
        yield value[0]
    else:
        yield from find_names(value)
    if key == "Fn::Sub":
        text, known = (value, {}) if isinstance(value, str) else _sub_with_map(value)
        names = (name.split(".")[0].strip() for name in SUBSTITUTE.findall(text))
        yield from (name for name in names if name not in known)


def _sub_with_map(value: object) -> tuple[str, Mapping[str, Any]]:
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):  # noqa: PLR2004
        return value[0], value[1]
    return "", {}


def order(resources: Mapping[str, Any]) -> list[str]:
    """Put the resources so that each comes after what it needs.

    :raises ValidationError: they need each other in a circle.
    """
    ordered: dict[str, None] = {}
    for name in resources:
        _visit(name, resources, ordered, ())
    return list(ordered)


def _visit(
    name: str, resources: Mapping[str, Any], ordered: dict[str, None], path: tuple[str, ...]
) -> None:
    if name in ordered:
        return
    if name in path:
        circle = ", ".join(sorted(path[path.index(name) :]))
        raise ValidationError(message=f"Circular dependency between resources: [{circle}]")
    for need in _needs(resources[name]):
        if need in resources:
            _visit(need, resources, ordered, (*path, name))
    ordered[name] = None


def _needs(resource: Mapping[str, Any]) -> list[str]:
    depends = resource.get("DependsOn", [])
    named = [depends] if isinstance(depends, str) else list(depends)
    return [*named, *find_names(resource.get("Properties", {}))]


def check_references(template: Template) -> None:
    """Refuse a template that refers to what it does not define.

    :raises ValidationError: as AWS words it.
    """
    known = template["Resources"].keys() | (template.get("Parameters") or {}).keys()
    for part in ("Resources", "Outputs"):
        names = {*find_names(template.get(part) or {})}
        if part == "Resources":
            names |= {need for each in template[part].values() for need in _needs(each)}
        unknown = sorted(n for n in names if n not in known and not n.startswith("AWS::"))
        if unknown:
            raise ValidationError(
                message="Template format error: Unresolved resource dependencies "
                f"[{', '.join(unknown)}] in the {part} block of the template"
            )


def is_same(old: Template, new: Template) -> bool:
    """Tell whether nothing would be deployed."""
    keys = (old.keys() | new.keys()) - ASIDE
    return all((old.get(key) or {}) == (new.get(key) or {}) for key in keys)
