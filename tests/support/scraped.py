"""An exposition as a scraper reads it."""

from prometheus_client.parser import text_string_to_metric_families

from tidegauge.faces.metrics.collector import exposition
from tidegauge.runtime.window.picture import Picture

from .pictures import NOW


class Scraped:
    """Every sample of a text by its name and labels; two of one series are an error."""

    def __init__(self, text: bytes) -> None:
        self.values: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
        self.types: dict[str, str] = {}
        for family in text_string_to_metric_families(text.decode()):
            assert family.documentation, family.name
            for sample in family.samples:
                self.types[sample.name] = family.type
                series = self.values.setdefault(sample.name, {})
                labels = tuple(sorted(sample.labels.items()))
                assert labels not in series, f"{sample.name}{labels} comes twice"
                series[labels] = sample.value

    @property
    def names(self) -> set[str]:
        return set(self.values)

    def get(self, name: str, **labels: str) -> float | None:
        """The value of one series; None: there is none."""
        return self.values.get(f"tidegauge_{name}", {}).get(tuple(sorted(labels.items())))


def scraped(picture: Picture) -> Scraped:
    return Scraped(exposition(picture, NOW))
