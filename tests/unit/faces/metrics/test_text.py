"""The text is that of Prometheus's own library, sample by sample."""

from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families
from tests.support.pictures import NOW, a_picture

from tidegauge.faces.metrics.collector import PictureCollector, exposition
from tidegauge.faces.metrics.text import text_of


def test_a_scraper_reads_what_the_library_would_have_written() -> None:
    """The same families, in the same order, with the same samples."""
    picture = a_picture(3, ("BTCUSDT", "ETHUSDT"))
    theirs = generate_latest(PictureCollector(lambda: picture, lambda: NOW))
    ours = exposition(picture, NOW)
    read = [[*text_string_to_metric_families(text.decode())] for text in (ours, theirs)]
    assert read[0] == read[1]
    assert len(read[0]) > 50


def test_what_would_end_a_label_or_a_line_is_escaped() -> None:
    """And comes back as it was."""
    odd = 'a\\b"c\nd'
    family = GaugeMetricFamily("odd", "help with \\ and \n in it", labels=("name",))
    family.add_metric((odd,), 0.1)
    text = text_of([family]).decode()
    assert text.count("\n") == 3
    (read,) = text_string_to_metric_families(text)
    assert read.documentation == family.documentation
    assert (read.samples[0].labels, read.samples[0].value) == ({"name": odd}, 0.1)
