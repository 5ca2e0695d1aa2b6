"""Nothing is timed that is not equal; and the first difference is shown."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import benchmark_test
import pytest
from benchmarks import product
from benchmarks.equality import Unequal, verify
from benchmarks.inputs import NAMES, TEN, Input, load

Values = dict[str, Any] | None


@pytest.mark.parametrize("name", NAMES)
def test_the_product_equals_the_textbook_on_every_message(name: str) -> None:
    """Decimals exactly, floats to the last bit of a recomputation in fractions."""
    assert verify(load(name, 40)) == 40


def spoiled(at: int, spoil: Callable[[dict[str, Any]], Values]) -> Callable[[Input], Any]:
    """Return a product whose reading of message `at` is spoiled."""

    def make(given: Input) -> Callable[[bytes], Values]:
        pipeline = product.Pipeline(given.snapshot, given.frames[0])
        count = 0

        def take(frame: bytes) -> Values:
            nonlocal count
            count += 1
            reading = pipeline.take_and_show(frame)
            assert reading is not None
            values = product.values_of(reading)
            return spoil(values) if count == at else values

        return take

    return make


def test_a_wrong_decimal_is_shown_with_its_message_and_both_values() -> None:
    """However small the difference is."""

    def spoil(values: dict[str, Any]) -> Values:
        return values | {"ask_depth_50": values["ask_depth_50"] + Decimal("0.0001")}

    with pytest.raises(Unequal, match=r"^ten message 3: ask_depth_50: product .*, expected "):
        verify(load(TEN, 10), spoiled(3, spoil))


def test_a_float_that_is_off_by_its_last_bit_is_a_difference() -> None:
    """An exact figure is rounded once."""

    def spoil(values: dict[str, Any]) -> Values:
        return values | {"imbalance": values["imbalance"] * (1 + 2**-52)}

    with pytest.raises(Unequal, match=re.escape("ten message 2: imbalance")):
        verify(load(TEN, 10), spoiled(2, spoil))


def test_a_message_without_a_reading_is_a_difference() -> None:
    """What is silently left out would be fast."""
    with pytest.raises(Unequal, match="message 5: textbook told a row, product said nothing"):
        verify(load(TEN, 10), spoiled(5, lambda _values: None))


def test_a_figure_that_the_product_does_not_tell_is_a_difference() -> None:
    """The textbook must not do more than is asked of the product."""

    def spoil(values: dict[str, Any]) -> Values:
        return {name: value for name, value in values.items() if name != "mid"}

    with pytest.raises(Unequal, match=re.escape("does not tell ['mid']")):
        verify(load(TEN, 10), spoiled(1, spoil))


def test_unequal_outputs_end_the_run_before_anything_is_timed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code is 1 and the difference is the last thing printed."""

    def differ(*_given: object) -> int:
        raise Unequal("ten message 3: mid: product 1, expected 2")

    monkeypatch.setattr("benchmarks.throughput._verified", differ)
    assert benchmark_test.main(["--quick", "--only", "book"]) == 1
    said = capsys.readouterr().out
    assert said.splitlines()[-1].endswith("ten message 3: mid: product 1, expected 2")
    assert "messages/s" not in said
