"""The numbered files."""

from tidegauge.sinks.migrate import Migration, migrations


def test_migrations_are_numbered_from_one_without_a_hole() -> None:
    """The version of a database is a count."""
    assert [each.version for each in migrations()] == list(range(1, len(migrations()) + 1))


def test_a_checksum_follows_every_character() -> None:
    """An edited file is seen."""
    first = migrations()[0]
    assert first.checksum == migrations()[0].checksum
    assert first.checksum != Migration(first.version, first.name, first.sql + " ").checksum
