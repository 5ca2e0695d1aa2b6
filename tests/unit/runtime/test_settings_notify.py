"""Settings of notifications: what is wrong is refused with its place, and no address is shown."""

from pathlib import Path

import pytest

from tidegauge.core.errors import OperatorError
from tidegauge.runtime.settings import Loaded, describe, load_settings, secrets

SLACK = "https://hooks.slack.com/services/T0CANARY1/B0CANARY2/cAnArY-token-0003"
MAIL = "smtps://bot:p4ss-CANARY@mail.example.com?from=a@example.com&to=b@example.com"


def loaded(tmp_path: Path, text: str = "", **environ: str) -> Loaded:
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    named = {f"TIDEGAUGE_NOTIFY__{name}": value for name, value in environ.items()}
    return load_settings(config=file, environ=named, dotenv=None)


def test_a_channel_is_made_of_one_variable(tmp_path: Path) -> None:
    """Its name is part of the variable's; an underscore in it stands for a hyphen."""
    found = loaded(
        tmp_path, CHANNELS__SLACK__URL=SLACK, CHANNELS__ON_CALL__URL=MAIL, ALLOW_HOSTS="am,10.0.0.5"
    )
    notify = found.settings.notify
    assert sorted(notify.channels) == ["on-call", "slack"]
    slack = notify.channels["slack"]
    assert slack.url.get_secret_value() == SLACK
    assert (slack.fallback, slack.fallback_after_s, slack.timeout_s) == (None, 60.0, 10.0)
    assert notify.allow_hosts == ("am", "10.0.0.5")
    assert found.origins["notify.channels.slack.url"] == "TIDEGAUGE_NOTIFY__CHANNELS__SLACK__URL"


def test_a_file_and_the_environment_make_one_channel_together(tmp_path: Path) -> None:
    """The address is a secret and comes from the environment; the rest may be read by anybody."""
    text = "notify:\n  channels:\n    slack:\n      fallback: mail\n      fallback_after_s: 30\n"
    found = loaded(tmp_path, text, CHANNELS__SLACK__URL=SLACK, CHANNELS__MAIL__URL=MAIL)
    assert found.settings.notify.channels["slack"].fallback == "mail"
    assert found.settings.notify.channels["slack"].fallback_after_s == 30


def test_no_part_of_an_address_is_shown(tmp_path: Path) -> None:
    """The path of a webhook is its password; the log is told what to mask."""
    found = loaded(
        tmp_path,
        CHANNELS__SLACK__URL=SLACK,
        CHANNELS__MAIL__URL=MAIL,
        DEAD_MAN_URL="https://hc-ping.com/0f8fad5b-CANARY-469f",
    )
    shown = {key: value for key, value, _origin in describe(found) if key.endswith("url")}
    assert {shown[key] for key in shown if key.startswith("notify.")} == {"********"}
    assert "CANARY" not in repr(found.settings) + str(describe(found))
    masked = secrets(found.settings)
    for part in ("T0CANARY1", "cAnArY-token-0003", "p4ss-CANARY", "0f8fad5b-CANARY-469f"):
        assert part in masked


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fallback: pager", "names the channel 'pager', which there is not; known: mail, slack"),
        ("fallback: slack", "leads back: slack -> slack"),
    ],
)
def test_a_fallback_that_leads_nowhere_is_refused_with_its_line(
    tmp_path: Path, text: str, said: str
) -> None:
    """Found at the start, not in the night in which it is needed."""
    text = f"notify:\n  channels:\n    slack:\n      {text}\n      timeout_s: 5\n"
    with pytest.raises(OperatorError) as refused:
        loaded(tmp_path, text, CHANNELS__SLACK__URL=SLACK, CHANNELS__MAIL__URL=MAIL)
    line = f"({tmp_path / 'settings.yaml'}, line 4)"
    assert str(refused.value) == f"notify.channels.slack.fallback: {said} {line}"


def test_fallbacks_in_a_circle_are_refused(tmp_path: Path) -> None:
    """A page would go round in it for ever."""
    with pytest.raises(OperatorError) as refused:
        loaded(
            tmp_path,
            CHANNELS__A__URL=SLACK,
            CHANNELS__A__FALLBACK="b",
            CHANNELS__B__URL=MAIL,
            CHANNELS__B__FALLBACK="c",
            CHANNELS__C__URL=MAIL,
            CHANNELS__C__FALLBACK="b",
        )
    assert str(refused.value) == (
        "notify.channels.c.fallback: leads back: b -> c -> b"
        " (TIDEGAUGE_NOTIFY__CHANNELS__C__FALLBACK)"
    )


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("CHANNELS__X__URL", "ftp://CANARY/", "url is (secret), but must begin with https://"),
        (
            "CHANNELS__X__URL",
            "http://CANARY/x",
            "url: must begin with https, or its host be listed",
        ),
        ("CHANNELS__X__URL", "slack+http://h/CANARY", "url: must begin with https: this service"),
        ("CHANNELS__X__URL", "telegram+https://h/CANARY", "url is (secret), but must be written"),
        ("DEAD_MAN_URL", SLACK, "dead_man_url is (secret), but must be an https:// address"),
        ("DEAD_MAN_URL", "http://CANARY/x", "dead_man_url: must begin with https, or its host"),
        (
            "CHANNELS__X__TIMEOUT_S",
            "0",
            "timeout_s is '0', but must be more than 0 and at most 300",
        ),
        (
            "CHANNELS__X__FALLBACK",
            "a b",
            "fallback is 'a b', but must be a name of letters, digits and hyphens",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_by_name_and_not_repeated(
    tmp_path: Path, variable: str, value: str, said: str
) -> None:
    """With the variable it came from."""
    environ = {"CHANNELS__X__URL": MAIL, variable: value}
    with pytest.raises(OperatorError) as refused:
        loaded(tmp_path, **environ)
    assert said in str(refused.value)
    assert f"(TIDEGAUGE_NOTIFY__{variable})" in str(refused.value)
    assert "CANARY" not in str(refused.value)


def test_a_channel_without_an_address_is_refused(tmp_path: Path) -> None:
    """Its other settings say that somebody meant to have one."""
    with pytest.raises(OperatorError, match=r"notify\.channels\.slack\.url"):
        loaded(tmp_path, CHANNELS__SLACK__TIMEOUT_S="3")


def test_http_is_taken_of_hosts_that_are_listed(tmp_path: Path) -> None:
    """An Alertmanager beside us needs no TLS."""
    found = loaded(
        tmp_path,
        CHANNELS__AM__URL="alertmanager+http://am:9093",
        CHANNELS__HOOK__URL="http://am/x",
        DEAD_MAN_URL="http://AM./ping",
        ALLOW_HOSTS="am",
    )
    assert len(found.settings.notify.channels) == 2
