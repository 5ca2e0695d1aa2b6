"""Whatever the description of the API allows, or forbids, is answered as it says, and never by a crash."""

import asyncio
import contextlib
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.support.api_over import Api, api_over
from tests.support.cli import PATIENCE_S
from tests.support.windowed import daemon

from tidegauge.sinks.connect import Database

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 300 if os.environ.get("TIDEGAUGE_CAMPAIGN") == "1" else 5
"""Of each operation and each kind: what it allows, and what it does not."""


def tried(api: Api) -> Counter[tuple[str, int]]:
    """Ask every operation of the description in made-up ways; count its answers by their status."""
    schema = schemathesis.openapi.from_dict(api.app.openapi())
    headers = {"Authorization": f"Bearer {api.tokens.operate}"}
    answers: Counter[tuple[str, int]] = Counter()
    with requests.Session() as session:
        session.trust_env = False
        for found in schema.get_all_operations():
            assert isinstance(found, Ok)
            operation = found.ok()
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

                @given(case=operation.as_strategy(generation_mode=mode))
                @settings(
                    max_examples=EXAMPLES,
                    database=None,
                    deadline=None,
                    phases=[Phase.explicit, Phase.generate],
                    suppress_health_check=list(HealthCheck),
                )
                def ask(case: schemathesis.Case[Any]) -> None:
                    answer = case.call(
                        base_url=api.url, session=session, headers=headers, timeout=PATIENCE_S
                    )
                    case.validate_response(answer, checks=CHECKS)
                    answers[case.operation.label, answer.status_code] += 1

                with contextlib.suppress(Unsatisfiable):  # without a parameter nothing is forbidden
                    ask()
    return answers


# It is the venues, in another thread, that draw from `random` meanwhile.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
async def test_made_up_requests_are_answered_as_the_description_says(
    database: Database, tmp_path: Path
) -> None:
    """Of a daemon that runs, with its database: no server error among them."""
    async with daemon(tmp_path, database) as app, api_over(tmp_path, app.settings) as api:
        answers = await asyncio.to_thread(tried, api)
        operations = sum(map(len, api.app.openapi()["paths"].values()))
    assert len({label for label, _status in answers}) == operations
    assert {200, 404, 422} <= {status for _label, status in answers}
    assert not [each for each in answers if each[1] >= 500]
