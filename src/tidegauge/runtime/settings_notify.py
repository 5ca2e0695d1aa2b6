"""The branch of settings that says how people are told. Whom to tell of what is in the rules."""

import re
from collections.abc import Mapping
from typing import Annotated, Self

from annotated_types import Gt, Le
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from tidegauge.sinks.notify.guard import Guard
from tidegauge.sinks.notify.spelling import Service, Spelled, plainly, spelled

from .settings_types import FREEZE, Seconds, Section, WholeSecret, WrongBelow, listed, venue_key


def _spelled(value: WholeSecret) -> WholeSecret:
    spelled(value.get_secret_value())
    return value


def _webhook(value: WholeSecret) -> WholeSecret:
    if spelled(value.get_secret_value()).service is not Service.WEBHOOK:
        raise ValueError("must be an https:// address")
    return value


def _name(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9-]{1,64}", name, re.ASCII):
        raise ValueError("must be a name of letters, digits and hyphens")
    return name


ChannelKey = Annotated[str, BeforeValidator(venue_key), AfterValidator(_name)]
ChannelUrl = Annotated[WholeSecret, AfterValidator(_spelled)]
PingUrl = Annotated[WholeSecret, AfterValidator(_webhook)]
Hosts = Annotated[tuple[str, ...], BeforeValidator(listed)]


class ChannelSettings(Section):
    """One way to tell somebody."""

    url: ChannelUrl = Field(
        description="its address; see docs/operations.md, Notifications, for how each is written"
    )
    fallback: ChannelKey | None = Field(
        default=None, description="the channel that is told too when this one does not take a page"
    )
    fallback_after_s: Seconds = Field(default=60.0, description="after so long")
    timeout_s: Annotated[float, Gt(0), Le(300), Field(allow_inf_nan=False)] = Field(
        default=10.0, description="longest time for one attempt"
    )


class NotifySettings(Section):
    """How people are told: channels by name, which the rules send pages to."""

    channels: Annotated[Mapping[ChannelKey, ChannelSettings], *FREEZE] = Field(
        default_factory=dict, description="names that the rules may route to"
    )
    allow_hosts: Hosts = Field(
        default=(), description="hosts that may be private, or be spoken to by http or plain SMTP"
    )
    dead_man_url: PingUrl | None = Field(
        default=None,
        description="asked for again and again while all is well; none: nobody is told",
    )
    dead_man_every_s: Annotated[float, Gt(0), Le(3_600), Field(allow_inf_nan=False)] = Field(
        default=60.0, description="how often"
    )

    @model_validator(mode="after")
    def _fit(self) -> Self:
        guard = Guard(self.allow_hosts)
        for name, channel in self.channels.items():
            if (wrong := plainly(spelled_of(channel.url), guard.lists)) is not None:
                raise WrongBelow(wrong, "channels", name, "url")
            self._check_fallback(name)
        if self.dead_man_url is not None:
            wrong = plainly(spelled_of(self.dead_man_url), guard.lists)
            if wrong is not None:
                raise WrongBelow(wrong, "dead_man_url")
        return self

    def _check_fallback(self, name: str) -> None:
        """Follow the fallbacks of a channel to their end. Raises `WrongBelow` where there is none."""
        way = [name]
        while (after := self.channels[way[-1]].fallback) is not None:
            if after not in self.channels:
                known = ", ".join(sorted(self.channels))
                said = f"names the channel {after!r}, which there is not; known: {known}"
                raise WrongBelow(said, "channels", way[-1], "fallback")
            if after in way:
                said = f"leads back: {' -> '.join([*way[way.index(after) :], after])}"
                raise WrongBelow(said, "channels", way[-1], "fallback")
            way.append(after)


def spelled_of(url: WholeSecret) -> Spelled:
    """Take an address of the settings apart."""
    return spelled(url.get_secret_value())
