"""The base of all messages: dataclasses that check and convert what they are given, and that know their JSON form."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import enum
import json
import pathlib
import typing
import uuid
from typing import Any, Optional, TypeVar, Union

from .errors import InvalidValue
from .texts import duration_text, parse_duration, parse_time, time_text

M = TypeVar("M", bound="BaseAPIModel")


class BaseAPIModel:
    """A message. Every subclass is a dataclass; its fields take what converts without loss: text for UUIDs, enums,
    paths and durations, any sequence for sets and lists, dictionaries for messages. `InvalidValue` names the field
    that does not fit."""

    def __post_init__(self) -> None:
        for name, kind in _hints(type(self)).items():
            setattr(self, name, _convert(kind, getattr(self, name), f"{type(self).__name__}.{name}"))

    def to_dict(self) -> dict[str, Any]:
        """Its JSON form. What is None is left out."""
        return {field: encode(value) for field, value in vars(self).items() if value is not None}

    @classmethod
    def from_dict(cls: type[M], data: Any) -> M:
        """From its JSON form. Fields that this version does not know are ignored."""
        if isinstance(data, cls):
            return data
        if not isinstance(data, dict):
            raise InvalidValue(f"{cls.__name__}: expected an object, got {data!r:.80}")
        known = {name: data[name] for name in _hints(cls) if name in data}
        try:
            return cls(**known)
        except TypeError:
            missing = [name for name in _required(cls) if name not in known]
            raise InvalidValue(f"{cls.__name__}: {', '.join(missing)} missing in {data!r:.200}") from None

    # The few functions of pydantic's models that programs for pynetmito use.
    def model_dump(self, *, mode: str = "python", exclude_none: bool = False) -> dict[str, Any]:
        """`mode="json"`: JSON values, else Python's."""
        if mode == "json":
            return {name: encode(value) for name, value in vars(self).items() if value is not None or not exclude_none}
        return {name: _plain(value) for name, value in vars(self).items() if value is not None or not exclude_none}

    def model_dump_json(self, *, indent: Optional[int] = None) -> str:
        return json.dumps(self.model_dump(mode="json"), indent=indent)

    @classmethod
    def model_validate(cls: type[M], data: Any) -> M:
        return cls.from_dict(data)

    @classmethod
    def model_validate_json(cls: type[M], text: Union[str, bytes]) -> M:
        return cls.from_dict(json.loads(text))

    def model_copy(self: M, *, update: Optional[dict[str, Any]] = None, deep: bool = False) -> M:
        twin = copy.deepcopy(self) if deep else copy.copy(self)
        for name, value in (update or {}).items():
            setattr(twin, name, value)
        return twin


_known_hints: dict[Any, dict[str, Any]] = {}


def _hints(model: Any) -> dict[str, Any]:
    """The fields of a message and their types."""
    known = _known_hints.get(model)
    if known is None:
        hints = typing.get_type_hints(model)
        known = _known_hints[model] = {field.name: hints[field.name] for field in dataclasses.fields(model)}
    return known


def _required(model: Any) -> list[str]:
    return [
        field.name
        for field in dataclasses.fields(model)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, BaseAPIModel):
        return value.model_dump()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def encode(value: Any) -> Any:
    """JSON values for what messages hold. Sets come sorted, so that equal messages are equal texts."""
    if isinstance(value, BaseAPIModel):
        return value.to_dict()
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (uuid.UUID, pathlib.PurePath)):
        return str(value)
    if isinstance(value, datetime.datetime):
        return time_text(value)
    if isinstance(value, datetime.timedelta):
        return duration_text(value)
    if isinstance(value, (set, frozenset)):
        return sorted(encode(item) for item in value)
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    if isinstance(value, dict):
        return {encode(key): encode(item) for key, item in value.items()}
    return value


def _convert(kind: Any, value: Any, where: str) -> Any:
    origin = typing.get_origin(kind)
    if origin is Union:
        return _convert_union(typing.get_args(kind), value, where)
    if origin is not None:
        return _convert_collection(origin, typing.get_args(kind), value, where)
    if kind is Any:
        return value
    try:
        return _convert_plain(kind, value)
    except InvalidValue as error:
        raise InvalidValue(f"{where}: {error}") from None
    except (ValueError, TypeError, AttributeError):
        raise InvalidValue(f"{where}: {value!r:.80} is no {kind.__name__}") from None


def _convert_union(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    first: Optional[InvalidValue] = None
    for kind in kinds:
        if kind is not type(None):
            try:
                return _convert(kind, value, where)
            except InvalidValue as error:
                first = first or error
    raise first or InvalidValue(f"{where}: {value!r:.80} does not fit")


def _convert_collection(origin: Any, kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    if origin is dict:
        if not isinstance(value, dict):
            raise InvalidValue(f"{where}: {value!r:.80} is no dictionary")
        return {
            _convert(kinds[0], key, where): _convert(kinds[1], item, f"{where}[{key!r}]") for key, item in value.items()
        }
    if isinstance(value, (str, bytes, dict)) or not hasattr(value, "__iter__"):
        raise InvalidValue(
            f"{where}: {value!r:.80} is no {origin.__name__}; give a list"
            + (" such as [" + repr(value) + "]" if isinstance(value, str) else "")
        )
    if origin is tuple:
        items = list(value)
        if len(items) != len(kinds):
            raise InvalidValue(f"{where}: {len(kinds)} values needed, not {len(items)}")
        return tuple(_convert(kind, item, where) for kind, item in zip(kinds, items))
    return origin(_convert(kinds[0], item, f"{where}[{index}]") for index, item in enumerate(value))


def _convert_plain(kind: Any, value: Any) -> Any:
    if isinstance(kind, type) and issubclass(kind, BaseAPIModel):
        return kind.from_dict(value)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(value)
    if kind is datetime.timedelta:
        return parse_duration(value)
    if kind is datetime.datetime:
        return value if isinstance(value, datetime.datetime) else parse_time(value)
    if kind is uuid.UUID:
        return value if isinstance(value, uuid.UUID) else uuid.UUID(value)
    if kind is pathlib.Path:
        return pathlib.Path(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind is int and isinstance(value, str):
        return int(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ValueError
    return value
