"""What each model takes, read from the published tables in ``contract/``, and what is wrong with a body."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

Body = Mapping[str, Any]
Spec = Mapping[str, Any]
TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str, "uri": str, "boolean": bool, "array": list, "object": dict, "integer": int,
    "number": (int, float),
}  # fmt: skip


@dataclass(frozen=True)
class Contract:
    """One model page as data; ``parameters`` is None where no page was published."""

    slug: str
    kind: str
    response: str
    latency: float
    price: Mapping[str, Any]
    parameters: Mapping[str, Spec] | None
    sizes: Mapping[str, Mapping[str, tuple[int, int]]] | None = None
    fps: int = 24


class Problem(NamedTuple):
    """One thing wrong with a body. ``fixed``: outside a fixed set, which is refused up front."""

    text: str
    fixed: bool = False


@cache
def contracts() -> Mapping[str, Contract]:
    """Every model the sandbox serves, by slug."""
    pages = sorted(Path(__file__).with_name("contract").glob("*.json"))
    read = [Contract(**json.loads(page.read_text("utf-8"))) for page in pages]
    return {contract.slug: contract for contract in read}


def problems(contract: Contract, body: Body) -> list[Problem]:
    """Everything wrong with ``body``, in the order of the model page."""
    found = list(_fields(contract.parameters or {}, body, ""))
    return found or list(_across(contract.kind, effective(contract, body)))


def effective(contract: Contract, body: Body) -> dict[str, Any]:
    """The parameters the model works with: known names only, unset ones at their published default."""
    if contract.parameters is None:
        return dict(body)
    asked = {
        name: spec.get("default") if _unset(spec, body.get(name)) else body[name]
        for name, spec in contract.parameters.items()
    }
    return {name: value for name, value in asked.items() if value is not None}


def cost(contract: Contract, body: Body) -> float:
    """The sandbox price in US dollars. Published ends, fitted middles: not the service's own table."""
    params, price = effective(contract, body), contract.price
    if "table" in price:
        return float(price["table"][f"{params['mode']} {params['duration']}"])
    if "per_second" in price:
        spoken = "voices" if params.get("voice_ids") else "sound"
        tier = spoken if params["generate_audio"] else "silent"
        return round(int(params["duration"]) * float(price["per_second"][tier]), 6)
    return float(params.get("credits", price["each"]))


def _unset(spec: Spec, value: object) -> bool:
    return value is None or (value == "" and bool(spec.get("empty_is_unset")))


def _fields(parameters: Mapping[str, Spec], body: Body, prefix: str) -> Iterator[Problem]:
    for name, spec in parameters.items():
        value, path = body.get(name), prefix + name
        if spec.get("required") and value in (None, ""):
            yield Problem(f"{path.capitalize()} is Mandatory and must be {_noun(spec)}")
        elif not _unset(spec, value):
            yield from _value(spec, value, path)


def _value(spec: Spec, value: object, path: str) -> Iterator[Problem]:
    if spec.get("also_as_string") and isinstance(value, str) and value.isdecimal():
        value = int(value)
    if not isinstance(value, TYPES[spec["type"]]) or (isinstance(value, bool) and spec["type"] != "boolean"):
        yield Problem(f"{path} must be {_noun(spec)}")
    elif isinstance(value, list):
        if len(value) > spec.get("max_items", len(value)):
            yield Problem(f"{path} must have at most {spec['max_items']} items")
        for index, item in enumerate(value):
            yield from _value(spec["items"], item, f"{path}[{index}]")
    elif isinstance(value, dict):
        names = spec.get("any_of", ())
        if names and not any(value.get(name) for name in names):
            yield Problem(f"{path} needs {' or '.join(names)}")
        yield from _fields(spec["parameters"], value, f"{path}.")
    else:
        yield from _scalar(spec, value, path)


def _scalar(spec: Spec, value: Any, path: str) -> Iterator[Problem]:
    if "choices" in spec and value not in spec["choices"]:
        yield Problem(f"{path} must be one of {', '.join(map(str, spec['choices']))}", fixed=True)
    if "min" in spec and not spec["min"] <= value <= spec["max"]:
        yield Problem(f"{path} must be between {spec['min']} and {spec['max']}")
    if "max_length" in spec and len(value) > spec["max_length"]:
        yield Problem(f"{path} must have at most {spec['max_length']} characters")
    if "seconds" in spec and not (value.isdecimal() and 1 <= int(value) <= spec["seconds"]):
        yield Problem(f"{path} must be a whole number of seconds from 1 to {spec['seconds']}")
    if spec["type"] == "uri" and not value.startswith(("http://", "https://")):
        yield Problem(f"{path} must be a public http or https URL")


def _across(kind: str, body: Body) -> Iterator[Problem]:
    axis = body.get("camera_control_config") and body.get("camera_control_config_value")
    if body.get("camera_control_type") == "simple" and not axis:
        yield Problem("camera_control_type simple needs one axis and a value")
    if sum(int(shot.get("duration") or 5) for shot in body.get("multi_prompt") or ()) > 15:
        yield Problem("multi_prompt segments must not last longer than 15 seconds together")
    if kind == "voice" and not str(body.get("voice_url", "")).startswith(("http://", "https://")):
        yield Problem("Voice_url is Mandatory and must be string")


def _noun(spec: Spec) -> str:
    return "string" if spec["type"] == "uri" else str(spec["type"])
