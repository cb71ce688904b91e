"""A Prometheus with our rules, and what can be asked of any."""

import json
import pathlib
import urllib.error
import urllib.parse
import urllib.request

from .fleet import Trouble
from .ports import free_port, get

RULES = sorted((pathlib.Path(__file__).resolve().parent.parent / "prometheus/rules").glob("*.yml"))


def start_prometheus(fleet, targets, key=None):
    """Scrapes the targets, with a key if they need one, and evaluates our rules every second. Its data
    is kept with the logs, the key is not."""
    port = free_port()
    address = f"127.0.0.1:{port}"
    config = fleet.report / "prometheus.json"
    every_second = ("scrape_interval", "scrape_timeout", "evaluation_interval")
    scrape = {"job_name": "vacancy", "static_configs": [{"targets": list(targets)}]}
    if key:
        file = fleet.folder / "metrics-key"
        file.write_text(key)
        scrape["authorization"] = {"credentials_file": str(file)}
    # JSON is YAML, and needs no library.
    text = {
        "global": {name: "1s" for name in every_second},
        "rule_files": [str(path) for path in RULES],
        "scrape_configs": [scrape],
    }
    config.write_text(json.dumps(text, indent=1))
    fleet.start(
        "prometheus",
        [
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={fleet.report / 'prometheus'}",
            f"--web.listen-address={address}",
            "--log.level=warn",
        ],
        port=port,
        is_up=lambda: get(address, "/-/ready")[0] == 200,
        cwd=fleet.folder,
    )
    return Prometheus(f"http://{address}")


class Prometheus:
    """The HTTP API of a Prometheus."""

    def __init__(self, url):
        self.url = url.rstrip("/")

    def get(self, path, **parameters):
        """The `data` of an answer. Fails with Prometheus's own words."""
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=120) as response:
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            raise Trouble(f"{url}: {error.read().decode(errors='replace')}") from error
        except OSError as error:
            raise Trouble(f"{url}: {error}") from error

    def vector(self, expr):
        """The instant answer to a query: a list of `(labels, value)`."""
        data = self.get("query", query=expr)
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(sample["metric"], float(sample["value"][1])) for sample in data["result"]]

    def value(self, expr):
        """The one value of a query, or None when there is none. Fails when there are several."""
        samples = self.vector(expr)
        if len(samples) > 1:
            raise Trouble(f"{expr} has {len(samples)} answers, expected one")
        return samples[0][1] if samples else None

    def by(self, expr, *labels):
        """The answers of a query as a dictionary from the values of these labels."""
        return {
            tuple(metric.get(label, "") for label in labels): value
            for metric, value in self.vector(expr)
        }
