"""The options that several commands share."""

from typing import get_args

import pytest

from tidegauge.faces import options

SHARED = [name for name in vars(options) if name[0].isupper() and name not in ("Annotated", "Path")]


@pytest.mark.parametrize("name", SHARED)
def test_every_shared_option_has_a_long_name_and_help(name: str) -> None:
    """Help is all that many will ever read."""
    option = get_args(getattr(options, name))[-1]
    flags = (option.default, *option.param_decls)
    assert all(flag.startswith("--") for flag in flags)
    assert option.help.endswith(".")
