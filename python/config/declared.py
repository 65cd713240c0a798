"""What a configuration model declares, looked up by path: allowed values in words, and where a key belongs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from python.config.problems import Path, dotted, listed

Node = dict[str, Any]


def number_words(noun: str, node: Node) -> str:
    lowest, above = node.get("minimum"), node.get("exclusiveMinimum")
    highest, below = node.get("maximum"), node.get("exclusiveMaximum")
    if lowest is not None and lowest == highest:
        return str(lowest)
    if lowest is not None and highest is not None:
        return f"{noun} from {lowest} to {highest}"
    bounds = (
        (f"at least {lowest}", lowest),
        (f"above {above}", above),
        (f"at most {highest}", highest),
        (f"below {below}", below),
    )
    limits = " and ".join(text for text, bound in bounds if bound is not None)
    of = "of " if limits.startswith("at least") else ""
    return f"{noun} {of}{limits}".rstrip()


class Declaration:
    """The JSON schema of a model, with its references resolved on the way."""

    def __init__(self, schema: Node) -> None:
        self._schema = schema

    @classmethod
    def of(cls, model: type[BaseModel]) -> Declaration:
        return cls(model.model_json_schema(by_alias=True))

    def resolved(self, node: Node) -> Node:
        if "$ref" in node:
            return self._schema["$defs"][node["$ref"].rpartition("/")[2]]
        return node

    def section(self, node: Node) -> Node | None:
        """The section that `node` is or, where it may be left out with null, would be; None for a plain value."""
        choices = [self.resolved(choice) for choice in self.resolved(node).get("anyOf", [node])]
        return next((found for choice in choices if "properties" in (found := self.resolved(choice))), None)

    def keys(self, path: Path) -> dict[str, Node]:
        """The keys of the section at `path` with their declarations; empty where there is no section."""
        node = self._schema
        for part in path:
            section = self.section(node)
            if section is None or part not in section["properties"]:
                return {}
            node = section["properties"][part]
        section = self.section(node)
        return section["properties"] if section else {}

    @cached_property
    def sections(self) -> list[tuple[Path, dict[str, Node]]]:
        """Every section with its path and its keys, the outer ones first."""
        return list(self._sections_from(()))

    def _sections_from(self, path: Path) -> Iterator[tuple[Path, dict[str, Node]]]:
        keys = self.keys(path)
        if keys:
            yield path, keys
        for key in keys:
            yield from self._sections_from((*path, key))

    def homes(self, key: str) -> list[str]:
        """Dotted paths of all keys of this name."""
        return [dotted((*path, key)) for path, keys in self.sections if key in keys]

    def node(self, path: Path) -> Node:
        """What is declared at `path`, an index leading into a list; empty when nothing is."""
        for depth, part in enumerate(path):
            if isinstance(part, int):
                return self._item(self.node(path[:depth]), part)
        return self.keys(path[:-1]).get(str(path[-1]), {}) if path else self._schema

    def _item(self, node: Node, index: int) -> Node:
        for choice in self.resolved(node).get("anyOf", [node]):
            if "prefixItems" in choice:
                return choice["prefixItems"][min(index, len(choice["prefixItems"]) - 1)]
            if "items" in choice:
                return choice["items"]
        return {}

    def words(self, node: Node) -> str:
        """What is allowed, in words: "an integer of at least 1 or null"."""
        node = self.resolved(node)
        if "anyOf" in node:
            return " or ".join(self.words(choice) for choice in node["anyOf"])
        if "enum" in node or "const" in node:
            values = node.get("enum", [node.get("const")])
            return listed(values) if len(values) == 1 else f"one of {listed(values)}"
        match node.get("type"):
            case "integer":
                return number_words("an integer", node)
            case "number":
                return number_words("a number", node)
            case "boolean":
                return "true or false"
            case "null":
                return "null"
            case "string":
                return self._text_words(node)
            case "array":
                return self._list_words(node)
            case "object":
                keys = ", ".join(node.get("properties", {}))
                return f"a section {{{keys}}}" if keys else "a section {...}"
        return "any value"

    @staticmethod
    def _text_words(node: Node) -> str:
        if node.get("examples"):
            return f"a text such as {listed(node['examples'])}"
        return "a text that is not empty" if node.get("minLength") else "a text"

    def _list_words(self, node: Node) -> str:
        if "prefixItems" in node:
            return f"a list of {len(node['prefixItems'])}: " + ", ".join(
                self.words(item) for item in node["prefixItems"]
            )
        few = "a list of one or more, each" if node.get("minItems") else "a list, each"
        return f"{few} {self.words(node.get('items', {}))}"
