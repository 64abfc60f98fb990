"""What `/metrics` says, read by the official parser of OpenMetrics."""

import re
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from .waiting import until

# Samples of a histogram beside that of its name.
PARTS = ("_bucket", "_count", "_sum")


def admin_url(proxy):
    """Where the admin listener of a proxy is, which was started with `--admin 127.0.0.1:0`."""
    return "http://" + proxy.process.wait_for(r"admin: listens on (127\.0\.0\.1:\d+)", label="err").group(1)


class Exposition:
    """One answer. Parsing fails if anything in it is not OpenMetrics."""

    def __init__(self, url):
        with urllib.request.urlopen(f"{url}/metrics", timeout=20) as answer:
            self.content_type = answer.headers["content-type"]
            self.text = answer.read().decode()
        self.families = list(text_string_to_metric_families(self.text))
        self.samples = [sample for family in self.families for sample in family.samples]

    def value(self, name, **labels):
        """The value of the one series with exactly these labels; 0 if there is none."""
        found = [sample.value for sample in self.samples if sample.name == name and sample.labels == labels]
        assert len(found) <= 1, (name, labels)
        return found[0] if found else 0

    def series(self):
        """The names of what is exported as documents and queries have them, with the labels of each."""
        names = {}
        for family in self.families:
            for sample in family.samples:
                name = family.name if family.type == "histogram" else sample.name
                names.setdefault(name, set()).update(set(sample.labels) - {"le"})
        return names


def counted(url, name, value, **labels):
    """Waits until a series has this value, and returns the exposition in which it has."""

    def found():
        exposition = Exposition(url)
        return exposition if exposition.value(name, **labels) == value else None

    return until(found, f"{name} {labels} is {value}")


def in_query(expression):
    """The metrics that a query of Prometheus names, each with the labels that it filters or groups by."""
    named = {}
    groups = [label for group in re.findall(r"\bby \(([^)]*)\)", expression) for label in re.split(r",\s*", group)]
    for name, filters in re.findall(r"\b(tollgate_\w+)(\{[^}]*\})?", expression):
        labels = set(re.findall(r"(\w+)\s*(?:=~|!=|=)", filters)) | set(groups)
        for part in PARTS:
            name = name.removesuffix(part)
        named.setdefault(name, set()).update(labels - {"le", "instance"})
    return named
