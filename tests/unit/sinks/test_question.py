"""Questions as files: what is read from them, and that each is written as it should be."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.errors import OperatorError
from tidegauge.sinks.question import Question, question, questions, read_question

ALL = questions()
EXAMPLE = """\
-- Who is here?
--
-- As far as
-- anybody knows.
--
-- Columns
--   name       of it
--   age, size  in years, and in quote
--              at most
-- Parameters
--   symbol     such as BTCUSDT
--   most       how many
--
-- psql -v symbol=BTCUSDT -f who.sql
\\if :{?most} \\else \\set most 10 \\endif
\\if :{?word} \\else \\set word 'it''s' \\endif

SELECT name -- not :'this'
  FROM t
 WHERE symbol = :'symbol' AND word <> ':''most''' AND at::date > :'symbol'::date
 LIMIT :'most'::bigint;
"""


def by_name(asked: Question) -> str:
    return asked.name


def test_a_file_is_read_as_it_says() -> None:
    """Question, meaning, columns, parameters with defaults, and a statement with numbers."""
    found = read_question("who", EXAMPLE)
    assert (found.title, found.about) == ("Who is here?", "As far as anybody knows.")
    assert [(each.name, each.meaning) for each in found.columns] == [
        ("name", "of it"),
        ("age", "in years, and in quote at most"),
        ("size", "in years, and in quote at most"),
    ]
    assert [(each.name, each.default) for each in found.parameters] == [
        ("symbol", None),
        ("most", "10"),
    ]
    assert found.order == ("symbol", "most")
    assert found.statement.splitlines() == [
        "SELECT name -- not :'this'",
        "  FROM t",
        " WHERE symbol = $1::text AND word <> ':''most''' AND at::date > $1::text::date",
        " LIMIT $2::text::bigint",
    ]


def test_values_are_told_in_the_order_of_the_statement() -> None:
    """What is given, else the default."""
    found = read_question("who", EXAMPLE)
    assert found.values({"symbol": "x"}) == ("x", "10")
    assert found.values({"most": "3", "symbol": "x"}) == ("x", "3")


def test_a_missing_parameter_is_told_by_its_option() -> None:
    """What to add is in the line."""
    with pytest.raises(OperatorError, match=r"cost-to-sell needs symbol\. Add --symbol"):
        question("cost-to-sell").values({"from": "", "to": ""})


def test_an_unknown_parameter_is_told_with_those_there_are() -> None:
    """A typo is no default."""
    with pytest.raises(OperatorError, match=r"no parameter 'sise'.* size"):
        question("cost-to-sell").values({"symbol": "", "from": "", "to": "", "sise": "1"})


def test_an_unknown_question_is_told_with_the_nearest() -> None:
    """And where they are listed."""
    with pytest.raises(OperatorError, match=r"'cost-to-buy'\. Did you mean cost-to-sell\?"):
        question("cost-to-buy")
    with pytest.raises(OperatorError, match=r"^There is no question '\?'\. `tidegauge sql`"):
        question("?")
    assert question("Cost_To_Sell").name == "cost-to-sell"


@pytest.mark.parametrize(
    "line",
    [
        "\\set most 10",
        "\\if :{?most} \\else \\set least 10 \\endif",
        "\\! rm",
        "\\if :{?a} \\else \\set a 1 2 \\endif",
    ],
)
def test_a_command_of_psql_that_is_no_default_is_refused(line: str) -> None:
    """What psql would do, and we would not, makes two different answers."""
    with pytest.raises(ValueError, match="not a default"):
        read_question("x", f"-- X?\n{line}\nSELECT 1")


@given(st.text())
def test_any_file_is_read_or_refused(text: str) -> None:
    """Nothing else comes of it."""
    try:
        found = read_question("any", text)
    except ValueError:
        return
    assert found.text == text


@pytest.mark.parametrize("asked", ALL, ids=by_name)
def test_what_a_file_says_of_its_parameters_is_so(asked: Question) -> None:
    """Those of the header are those of the statement, and every default is one of them."""
    named = {each.name for each in asked.parameters}
    assert named == set(asked.order)
    assert named >= set(re.findall(r"\\set (\w+)", asked.text))
    assert [each.name for each in asked.parameters[:3]] == ["symbol", "from", "to"]
    assert {each.name for each in asked.parameters if each.default is None} == {
        "symbol",
        "from",
        "to",
    }


@pytest.mark.parametrize("asked", ALL, ids=by_name)
def test_every_file_explains_itself(asked: Question) -> None:
    """A question, a meaning for every name, the call for psql, and names that need no search path."""
    assert re.fullmatch(r"[A-Z].*\?", asked.title)
    assert asked.columns
    assert all(each.meaning for each in (*asked.columns, *asked.parameters))
    assert f" -f {asked.name}.sql\n" in asked.text
    assert max(map(len, asked.text.splitlines())) <= 105
    tables = set(re.findall(r"^ *(?:FROM|\w* *JOIN) ([\w.]+)", asked.statement, re.MULTILINE))
    own = set(re.findall(r"(\w+) AS \(", asked.statement)) | {"LATERAL"}
    assert tables
    assert all(each.startswith("tidegauge.") for each in tables - own)
    assert asked.statement.count(";") == 0


@pytest.mark.parametrize("asked", ALL, ids=by_name)
def test_every_file_bounds_what_it_reads(asked: Question) -> None:
    """By the symbol and by the time: a question about ten minutes must not read a year."""
    for view in ("v_readings", "v_depth", "v_slippage", "v_market"):
        for part in re.split(rf"FROM tidegauge\.{view}\n", asked.statement)[1:]:
            scope = part.split("GROUP BY")[0]
            assert "symbol = $" in scope
            assert re.search(
                r"at >= \$\d::text::timestamptz AND at < \$\d::text::timestamptz", scope
            )


def test_what_is_answered_from_rollups_is_known() -> None:
    """A calm hour beside readings does not make it so."""
    assert {each.name for each in ALL if each.rolled} == {
        "daily-risk",
        "hourly-profile",
        "venue-league",
        "worst-minutes",
    }
