"""Holds exchanges of the Selling Partner API against Amazon's own models (Swagger 2.0).

In: lines of the simulator's journal. Out: a list of findings, empty when every request and every answer fits.
The models are Amazon's and not part of this repository: `models_folder()` is None where they are missing, and the
tests say so.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT4

ROOT = Path(__file__).resolve().parents[2]
FILES = (
    "orders-api-model/orders_2026-01-01.json",
    "solicitations-api-model/solicitations.json",
    "messaging-api-model/messaging.json",
    "sellers-api-model/sellers.json",
    "reports-api-model/reports_2021-06-30.json",
    "notifications-api-model/notifications.json",
)
Json = dict[str, Any]


def models_folder() -> Path | None:
    """The folder with Amazon's models beside the checkout, or None."""
    folder = ROOT.parent / "shared" / "sp-api-models" / "models"
    return folder if folder.is_dir() else None


@dataclass(frozen=True)
class Described:
    """One operation as Amazon's model describes it, with the definitions that it refers to."""

    name: str
    description: Json
    document: Json


@cache
def operations(folder: Path) -> dict[str, Described]:
    """Every operation of the models, by its name."""
    found = {}
    for file in FILES:
        document = json.loads((folder / file).read_text())
        _arrays_by_items(document)
        for methods in document["paths"].values():
            for description in methods.values():
                if isinstance(description, dict) and "operationId" in description:
                    found[description["operationId"]] = Described(description["operationId"], description, document)
    return found


def findings(exchanges: Iterable[Json], folder: Path) -> list[str]:
    """Everything in these exchanges that Amazon's models do not allow. Planned troubles are left out."""
    known = operations(folder)
    found = []
    for exchange in exchanges:
        if exchange["fault"] or exchange["operation"] == "unknown":
            continue
        described = known[exchange["operation"]]
        where = f"{exchange['method']} {exchange['path']} ({exchange['status']})"
        found += [f"{where}: {finding}" for finding in _answer(described, exchange)]
        if exchange["status"] < 400:
            # What was refused need not fit the model: that is what it was refused for.
            found += [f"{where}: {finding}" for finding in _request(described, exchange)]
    return found


def read_journal(path: Path) -> list[Json]:
    """The exchanges of a journal file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def _arrays_by_items(value: Any) -> None:
    """Amazon limits lists with `maxLength`, which means nothing for lists: read it as `maxItems`."""
    if isinstance(value, dict):
        if value.get("type") == "array":
            for wrong, right in (("maxLength", "maxItems"), ("minLength", "minItems")):
                if wrong in value:
                    value[right] = value.pop(wrong)
        for each in value.values():
            _arrays_by_items(each)
    elif isinstance(value, list):
        for each in value:
            _arrays_by_items(each)


def _request(described: Described, exchange: Json) -> Iterable[str]:
    parameters = {each["name"]: each for each in described.description["parameters"]}
    given: dict[str, list[str]] = {}
    for name, value in exchange["query"]:
        given.setdefault(name, []).append(value)
    for name in given:
        if parameters.get(name, {}).get("in") != "query":
            yield f"the model knows no query parameter {name}"
    for name, parameter in parameters.items():
        if parameter["in"] == "query":
            yield from _parameter(parameter, given.get(name))
        elif parameter["in"] == "body":
            yield from _errors(parameter["schema"], exchange["body"], described.document)
            yield from _unknown_fields(parameter["schema"], exchange["body"], described.document)
    if exchange["body"] is not None and not any(each["in"] == "body" for each in parameters.values()):
        yield "the model knows no body"
    if "x-amz-access-token" not in exchange["header_names"]:
        yield "no access token was sent"


def _parameter(parameter: Json, values: list[str] | None) -> Iterable[str]:
    if values is None:
        if parameter["required"]:
            yield f"the required parameter {parameter['name']} is missing"
        return
    if parameter["type"] == "array":
        parts = [part for value in values for part in value.split(",")]
        schema = {key: parameter[key] for key in ("items", "maxItems") if key in parameter} | {"type": "array"}
        yield from _errors(schema, parts, {})
    elif len(values) != 1:
        yield f"{parameter['name']} was sent {len(values)} times"
    elif parameter["type"] == "integer" and not re.fullmatch("[0-9]+", values[0]):
        yield f"{parameter['name']} is not a number"
    elif parameter.get("format") == "date-time" and not re.fullmatch(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})", values[0]
    ):
        yield f"{parameter['name']} is not an instant in ISO 8601 with an offset"


def _unknown_fields(schema: Json, body: Any, document: Json) -> Iterable[str]:
    """A request's fields that the model does not name: the model would let them pass, Amazon need not."""
    name = schema.get("$ref", "").rpartition("/")[2]
    known = document["definitions"].get(name, schema).get("properties", {})
    for field in body or {}:
        if field not in known:
            yield f"the model knows no field {field}"


def _answer(described: Described, exchange: Json) -> Iterable[str]:
    answer = described.description["responses"].get(str(exchange["status"]))
    if answer is None:
        yield "the model knows no such status"
        return
    for header in answer.get("headers", {}):
        if header.lower() not in exchange["response_header_names"]:
            yield f"the answer lacks the header {header}"
    yield from _errors(answer["schema"], exchange["response"], described.document)


def _errors(schema: Json, value: Any, document: Json) -> Iterable[str]:
    whole = {"definitions": document.get("definitions", {}), "allOf": [schema]}
    registry: Registry[Any] = Registry().with_resource("", DRAFT4.create_resource(whole))
    validator = Draft4Validator(whole, registry=registry, format_checker=FormatChecker())
    for error in validator.iter_errors(value):
        yield f"{'/'.join(str(each) for each in error.absolute_path)}: {error.message}"
