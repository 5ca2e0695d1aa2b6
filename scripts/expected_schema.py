"""Write down what the migrations leave, for `tidegauge db check` to compare a database with.

Run it after a migration was added: python scripts/expected_schema.py
"""

import asyncio
import json
import tempfile
from pathlib import Path

from tidegauge.sinks import health
from tidegauge.sinks.connect import open_database
from tidegauge.sinks.health.schema import EXPECTED, contents
from tidegauge.sinks.migrate import migrate


async def write(data_dir: Path) -> Path:
    """Migrate a fresh database, and write what it holds beside the code that reads it."""
    async with (
        open_database(url=None, password=None, data_dir=data_dir) as database,
        database.session() as connection,
    ):
        await migrate(connection)
        found = await contents(connection)
    place = Path(health.__file__).with_name(EXPECTED)
    place.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return place


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="tg-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        print(f"wrote {asyncio.run(write(Path(folder, 'data')))}")
