"""What a single setting may be: the types, with their ranges, that the tree is made of."""

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from annotated_types import Ge, Gt, Le
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
)

Key = TypeVar("Key")
Value = TypeVar("Value")


TIME = r"([01]\d|2[0-3]):[0-5]\d"
"""A time of the day."""


def venue_key(name: object) -> object:
    """Spell a venue as we do; an underscore stands for the hyphen no variable may have."""
    return name.strip().lower().replace("_", "-") if isinstance(name, str) else name


def symbol_key(name: object) -> object:
    """Spell a symbol as we do: in capitals."""
    return name.strip().upper() if isinstance(name, str) else name


def listed(value: object) -> object:
    """Read a comma-separated list, which is how a variable holds one."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def grouped(value: object) -> object:
    """Read groups set apart by semicolons."""
    if isinstance(value, str):
        return tuple(part for part in value.split(";") if part.strip())
    return value


def lowered(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _url(*schemes: str) -> AfterValidator:
    def check(value: Any) -> Any:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        wanted = " or ".join(f"{scheme}://" for scheme in schemes)
        try:
            parts = urlsplit(text)
            sound = parts.scheme in schemes and (parts.port is None or parts.port > 0)
        except ValueError:
            # The reason may quote the password; it is not passed on.
            sound = False
        if not sound or any(character.isspace() for character in text):
            raise ValueError(f"must be a URL that begins with {wanted}")
        return value

    return AfterValidator(check)


def _with_host(value: Any) -> Any:
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not urlsplit(text).hostname:
        raise ValueError("must be a URL with a host")
    return value


class WholeSecret(SecretStr):
    """An address of which no part may be read: a webhook's path is its password."""


class WrongBelow(ValueError):
    """What is wrong lies below the group that was judged: `path` leads there."""

    def __init__(self, said: str, *path: str) -> None:
        super().__init__(said)
        self.path = path


def _hours(text: str) -> str:
    if not re.fullmatch(f"{TIME}-{TIME}", text, re.ASCII) or text[:5] == text[6:]:
        raise ValueError("must be two times of the day such as 03:00-04:30")
    return text


def _expanded(path: Path) -> Path:
    if "\0" in str(path):
        raise ValueError("must be a path")
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError("names a home directory that is not known") from None


def _frozen(value: Mapping[Key, Value]) -> Mapping[Key, Value]:
    return MappingProxyType(dict(value))


FREEZE = (AfterValidator(_frozen), PlainSerializer(dict))

VenueKey = Annotated[str, BeforeValidator(venue_key), Field(min_length=1, max_length=64)]
SymbolKey = Annotated[str, BeforeValidator(symbol_key), Field(min_length=1, max_length=64)]
Seconds = Annotated[float, Gt(0), Le(86_400), Field(allow_inf_nan=False)]
Ratio = Annotated[float, Gt(0), Le(1), Field(allow_inf_nan=False)]
Harm = Annotated[float, Ge(0), Le(20), Field(allow_inf_nan=False)]
Notional = Annotated[Decimal, Gt(0), Le(10**12)]
Bps = Annotated[int, Ge(1), Le(5_000)]
WsUrl = Annotated[str, _url("wss", "ws"), AfterValidator(_with_host)]
RestUrl = Annotated[str, _url("https", "http"), AfterValidator(_with_host)]
ProxyUrl = Annotated[SecretStr, _url("https", "http"), AfterValidator(_with_host)]
OtlpUrl = Annotated[SecretStr, _url("https", "http"), AfterValidator(_with_host)]
DatabaseUrl = Annotated[SecretStr, _url("postgresql", "postgres")]
DayHours = Annotated[str, AfterValidator(_hours)]
HomePath = Annotated[Path, AfterValidator(_expanded)]


class Section(BaseModel):
    """A group of settings: frozen, strict about names, silent about values in errors."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True
    )
