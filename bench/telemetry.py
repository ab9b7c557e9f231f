"""`python -m bench.telemetry`: how long the function app takes to start, without telemetry, and with it to an OTLP
endpoint, to Application Insights, and to both. Fresh processes, in turns; the median, least and most of each."""

import argparse
import os
import statistics
import subprocess
import sys
import time

from imagestore.settings import AZURITE, COSMOS_EMULATOR, ROOT, Settings

_START = "import function_app; function_app.app.get_functions()"
_KEY = "InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=http://127.0.0.1:9/"
_OTLP = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
_INSIGHTS = {"APPLICATIONINSIGHTS_CONNECTION_STRING": _KEY}
WAYS: dict[str, dict[str, str]] = {
    "nothing is sent": {},
    "OTLP": _OTLP,
    "Application Insights": _INSIGHTS,
    "both": {**_OTLP, **_INSIGHTS},
}


def seconds(variables: dict[str, str]) -> float:
    """How long one start takes, up to its functions being known; the end of the process does not count."""
    code = f"import time; began = time.perf_counter(); {_START}; print(time.perf_counter() - began, flush=True); "
    done = subprocess.run(
        [sys.executable, "-c", code + "import os; os._exit(0)"],
        env={**Settings().environment(), "PATH": os.environ["PATH"], "IMAGES_STORAGE": AZURITE,
             "COSMOS": COSMOS_EMULATOR, **variables},
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description="How long the function app takes to start.")
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    taken: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(runs + 1):
        for way, variables in WAYS.items():
            taken[way].append(seconds(variables))
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, Python {sys.version.split()[0]}, {runs} runs each\n")
    print("| Telemetry | Median | Least | Most |\n|---|---|---|---|")
    for way, values in taken.items():
        kept = values[1:]  # the first reads from the disk
        figures = (statistics.median(kept), min(kept), max(kept))
        print(f"| {way} | " + " | ".join(f"{value:.2f} s" for value in figures) + " |")


if __name__ == "__main__":
    main()
