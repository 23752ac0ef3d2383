"""Data against a JSON schema of kfpipe's own: decided fast, explained where it fails, in the schema's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from kfpipe.files.text import DataPath
from kfpipe.wording import described, echoed, listed

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What does not fit, at `path` inside of the data."""

    path: DataPath
    what: str
    expected: str | None = None


class Shape:
    """What some data may hold. `schema` refers to nothing but its own `$defs`, and is not to be changed."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema

    def fits(self, data: Any) -> bool:
        """Whether kfpipe can read this."""
        return bool(self._gate.is_valid(data))

    def faults(self, data: Any) -> Iterator[Fault]:
        """Why `data` does not fit: at least one reason."""
        found = dict.fromkeys(self._explained(error) for error in self._explainer.iter_errors(data))
        yield from found or self._unexplained(data)

    def _unexplained(self, data: Any) -> Iterator[Fault]:
        """The two validators disagree, as they do about a line break at the end of a text; the stricter is right."""
        for error in self._gate.iter_errors(data):
            yield Fault(path=tuple(error.instance_path), what="this does not fit the format")

    def _explained(self, error: Any) -> Fault:
        """A failure of the explaining validator (a `jsonschema.ValidationError`) in a reader's words."""
        path = tuple(error.absolute_path)
        if error.validator == "anyOf":
            inner = max(error.context, key=lambda one: (len(one.absolute_path), one.validator != "type"))
            if len(inner.absolute_path) > len(path) or inner.validator in ("required", "additionalProperties"):
                return self._explained(inner)
        match error.validator:
            case "required":
                missing = [f"`{name}`" for name in error.validator_value if name not in error.instance]
                return Fault(path=path, what=f"{listed(missing, 'and')} is missing")
            case "unevaluatedProperties" | "additionalProperties":
                known = self._names_in(error.schema)
                unknown = [echoed(name) for name in error.instance if name not in known]
                return Fault(path=path, what=f"{listed(unknown or ['a field'], 'and')} is not allowed here")
        name = next((step for step in reversed(path) if isinstance(step, str)), None)
        what = f"the {'value' if name is None else f'field `{name}`'} is {described(error.instance)}"
        return Fault(path=path, what=what, expected=self._descriptions.get(name or ""))

    def _names_in(self, schema: Mapping[str, Any]) -> set[str]:
        """The fields that an object of this schema may have."""
        referred = self._schema["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else {}
        return {*schema.get("properties", ()), *(self._names_in(referred) if referred else ())}

    @cached_property
    def _descriptions(self) -> dict[str, str]:
        """What each field is for, in the schema's words."""
        found: dict[str, str] = {}
        pending: list[Any] = [self._schema]
        while pending:
            schema = pending.pop()
            if isinstance(schema, dict):
                for name, value in schema.get("properties", {}).items():
                    if "description" in value:
                        found.setdefault(name, value["description"])
                pending.extend(schema.values())
        return found

    @cached_property
    def _gate(self) -> jsonschema_rs.Draft202012Validator:
        return jsonschema_rs.Draft202012Validator(self._schema)

    @cached_property
    def _explainer(self) -> Draft202012Validator:
        from jsonschema import Draft202012Validator  # slow to load, and only what does not fit needs it

        return Draft202012Validator(self._schema)
