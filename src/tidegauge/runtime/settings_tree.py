"""The tree of settings: every name, its default, its range, and one line on what it means.

All of it is frozen, and refuses names it does not know. Times end in `_s` and are in seconds; sizes
named notional are in quote. `settings.py` loads it; `settings_example.py` writes it out.
"""

import os
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from annotated_types import Ge, Gt, Le
from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from .settings_notify import NotifySettings
from .settings_serve import ServeSettings
from .settings_types import (
    FREEZE,
    Bps,
    DatabaseUrl,
    DayHours,
    HomePath,
    Notional,
    OtlpUrl,
    ProxyUrl,
    Ratio,
    RestUrl,
    Seconds,
    Section,
    SymbolKey,
    VenueKey,
    WsUrl,
    grouped,
    listed,
    lowered,
)


def default_data_dir(
    environ: Mapping[str, str] | None = None, platform: str = sys.platform
) -> Path:
    """Return where this platform keeps an application's data."""
    environ = os.environ if environ is None else environ
    named = Path(environ.get("XDG_DATA_HOME", ""))
    if platform != "darwin" and named.is_absolute():  # the XDG rules ignore a relative path
        return named / "tidegauge"
    try:
        home = Path.home()
    except RuntimeError:
        # A container's user may have no home at all.
        return Path.cwd() / ".tidegauge"
    if platform == "darwin":
        return home / "Library" / "Application Support" / "tidegauge"
    return home / ".local" / "share" / "tidegauge"


class Endpoint(Section):
    """Hosts to use for a venue in place of its own."""

    ws_url: WsUrl | None = Field(default=None, description="WebSocket host (wss:// or ws://)")
    rest_url: RestUrl | None = Field(default=None, description="REST host (https:// or http://)")


class SymbolSettings(Section):
    """What a symbol is called on each venue, and what is asked of it."""

    instruments: Annotated[Mapping[VenueKey, str | None], *FREEZE] = Field(
        default_factory=dict,
        description="the venue's own name for it; none: not on that venue; "
        "a venue not listed: its usual name",
    )
    execution_size: Notional | None = Field(
        default=None, description="what is to be executed at once, in quote"
    )


class ReadingSettings(Section):
    """What is measured on every book, and how often it is kept."""

    bands_bps: Annotated[tuple[Bps, ...], BeforeValidator(listed), Field(min_length=1)] = Field(
        default=(10, 50, 100), description="depth is measured within these distances of the mid"
    )
    imbalance_levels: Annotated[int, Ge(1), Le(1_000)] = Field(
        default=10, description="levels a side that the imbalance counts"
    )
    notionals: Annotated[tuple[Notional, ...], BeforeValidator(listed), Field(min_length=1)] = (
        Field(
            default=(Decimal(100_000), Decimal(500_000), Decimal(1_000_000)),
            description="sizes whose fill is measured, in quote",
        )
    )
    max_size_bps: Annotated[tuple[Bps, ...], BeforeValidator(listed)] = Field(
        default=(10,), description="slippage within which the largest size is looked for"
    )
    write_every_s: Seconds = Field(default=1.0, description="how often a book's reading is stored")
    sample_every_s: Seconds = Field(
        default=1.0, description="how often a book's reading enters its windows"
    )
    conflate_after_s: Seconds = Field(
        default=0.1, description="a venue whose updates wait longer than this is behind"
    )
    conflate_every_s: Seconds = Field(
        default=0.25, description="how often a book is read while its venue is behind"
    )

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for name in ("bands_bps", "notionals", "max_size_bps"):
            values = getattr(self, name)
            if list(values) != sorted(set(values)):
                raise ValueError(f"{name} must rise, and name nothing twice")
        return self


class FeedSettings(Section):
    """Sockets, reconnects, and how much of a book is kept."""

    book_levels_kept: Annotated[int, Ge(100), Le(100_000)] = Field(
        default=5_000, description="levels a side that are kept; the rest is dropped"
    )
    reconnect_base_s: Seconds = Field(default=1.0, description="first wait before connecting again")
    reconnect_cap_s: Seconds = Field(
        default=30.0, description="longest wait before connecting again"
    )
    healthy_after_s: Seconds = Field(
        default=60.0, description="a connection this old is healthy: the wait starts small again"
    )
    open_timeout_s: Seconds = Field(default=10.0, description="longest time to open a connection")
    close_timeout_s: Seconds = Field(default=2.0, description="longest time to close one")
    mailbox: Annotated[int, Ge(16), Le(1_048_576)] = Field(
        default=4_096, description="frames that may wait before the feed resyncs"
    )
    roll_hours_utc: DayHours | None = Field(
        default=None,
        description="hours in which connections are replaced before their venue ends them, such as "
        "03:00-04:30; none: any",
    )
    weight_share: Ratio = Field(
        default=0.5, description="how much of a venue's REST weight is ours to use"
    )
    catalogue_every_s: Seconds = Field(
        default=3_600.0, description="how often instruments are looked up again"
    )
    refused_retry_s: Seconds = Field(
        default=3_600.0, description="how long a venue that refuses us is left alone"
    )
    audit_every_s: Seconds | None = Field(
        default=300.0, description="how often a book is compared with REST; none: never"
    )
    book_range_kept_bps: Annotated[int, Ge(100), Le(10_000)] | None = Field(
        default=None,
        description="how far from the best price levels are kept, in bps; none: any distance",
    )
    max_frame_mb: Annotated[int, Ge(1), Le(1_024)] = Field(
        default=16, description="largest frame accepted, in MiB"
    )

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if self.reconnect_cap_s < self.reconnect_base_s:
            raise ValueError("reconnect_cap_s must be at least reconnect_base_s")
        return self


class DatabaseSettings(Section):
    """Where rows go; without a URL, a private PostgreSQL under `data_dir`."""

    url: DatabaseUrl | None = Field(
        default=None, description="any PostgreSQL 15 or newer: postgresql://user@host:5432/name"
    )
    password: SecretStr | None = Field(
        default=None, description="its password, kept out of the URL"
    )
    pg_bin: HomePath | None = Field(
        default=None, description="folder of the PostgreSQL programs that the private server uses"
    )
    batch_rows: Annotated[int, Ge(1), Le(100_000)] = Field(
        default=250, description="rows written at once"
    )
    queue_rows: Annotated[int, Ge(1), Le(10_000_000)] = Field(
        default=50_000,
        description="rows that may wait in memory while neither the disk nor the database takes any",
    )
    command_timeout_s: Seconds = Field(default=10.0, description="longest time for one statement")
    keep_days: Annotated[int, Ge(1), Le(36_500)] | None = Field(
        default=30, description="days that readings are kept; their rollups stay; none: for ever"
    )

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if self.batch_rows > self.queue_rows:
            raise ValueError(
                f"batch_rows ({self.batch_rows}) must not exceed queue_rows ({self.queue_rows})"
            )
        return self


class SpoolSettings(Section):
    """What waits on disk, below `data_dir`, for a database that is away."""

    max_mb: Annotated[int, Ge(64), Le(1_048_576)] = Field(
        default=4096,
        description="most it may take, in MiB; from three quarters on readings thin out",
    )
    keep_days: Annotated[float, Gt(0), Le(3_650)] = Field(
        default=7.0, description="days after which readings that still wait are given up"
    )


class LoggingSettings(Section):
    """What the daemon says of itself, on standard error."""

    level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(lowered)] = (
        Field(default="info", description="the least that is worth a line")
    )
    format: Annotated[Literal["auto", "json", "console"], BeforeValidator(lowered)] = Field(
        default="auto",
        description="lines of JSON, or for people; auto is for people when on a terminal",
    )


class TracingSettings(Section):
    """Traces of what frames caused, for whoever collects them by OpenTelemetry."""

    otlp_endpoint: OtlpUrl | None = Field(
        default=None,
        description="where spans are sent, by OTLP over HTTP: http://localhost:4318/v1/traces; "
        "none: nowhere",
    )


Venues = Annotated[tuple[VenueKey, ...], BeforeValidator(listed), Field(min_length=1)]
AlikeGroup = Annotated[tuple[SymbolKey, ...], BeforeValidator(listed), Field(min_length=2)]
QuotesAlike = Annotated[tuple[AlikeGroup, ...], BeforeValidator(grouped)]


def _usual_symbols() -> dict[str, SymbolSettings]:
    return {
        f"{base}USDT": SymbolSettings(
            instruments={
                "binance": f"{base}USDT",
                "binance-futures": f"{base}USDT",
                "bybit-spot": f"{base}USDT",
                "bybit-linear": f"{base}USDT",
                "hyperliquid": base,
            }
        )
        for base in ("BTC", "ETH")
    }


class Settings(BaseSettings):
    """Everything that can be set. Build it by `load_settings`, which knows where values come from.

    By itself it holds the built-in defaults and what it is given, and reads no environment.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True
    )

    data_dir: HomePath = Field(
        default_factory=default_data_dir, description="folder for the private database and its like"
    )
    rules: HomePath | None = Field(
        default=None,
        description="file of the rules; none: config/rules.yaml, if there is one",
    )
    venues: Venues = Field(
        default=("binance", "binance-futures", "bybit-spot", "bybit-linear", "hyperliquid"),
        description="venues to monitor; a family name such as bybit means all of its markets",
    )
    proxy: ProxyUrl | None = Field(
        default=None, description="HTTPS proxy for every venue: http://host:port"
    )
    quotes_alike: QuotesAlike = Field(
        default=(("USDT", "USDC", "USD"),), description="quotes that count as one another"
    )
    endpoints: Annotated[Mapping[VenueKey, Endpoint], *FREEZE] = Field(
        default_factory=dict, description="hosts to use for a venue in place of its own"
    )
    symbols: Annotated[Mapping[SymbolKey, SymbolSettings], *FREEZE] = Field(
        default_factory=_usual_symbols, description="our symbols, and their name on each venue"
    )
    exposures: Annotated[Mapping[SymbolKey, Notional], *FREEZE] = Field(
        default_factory=dict,
        description="how much of an asset is held, in quote, by asset; `tidegauge exposure set` says "
        "otherwise for a while",
    )
    readings: ReadingSettings = Field(default_factory=ReadingSettings)
    feed: FeedSettings = Field(default_factory=FeedSettings)
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    spool: SpoolSettings = Field(default_factory=SpoolSettings)
    notify: NotifySettings = Field(default_factory=NotifySettings)
    serve: ServeSettings = Field(default_factory=ServeSettings)
    logging: LoggingSettings = Field(default_factory=LoggingSettings)
    tracing: TracingSettings = Field(default_factory=TracingSettings)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what is handed in: the layers are read, and told apart, by `load_settings`."""
        return (init_settings,)
