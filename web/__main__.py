"""The command: `python -m web --port 8000`."""

import argparse
import logging
import sys

import uvicorn

from errors import SettingsError
from web.app import create_app
from web.security import is_loopback


def main() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m web", description="The pages and the API.")
    parser.add_argument("--address", default="127.0.0.1", help="a loopback address to listen on")
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    if not is_loopback(arguments.address):
        parser.error(
            f"--address {arguments.address}: only a loopback address (127.0.0.1, ::1) is served, since there is no "
            "sign-in yet and whoever reached the page could see and delete every picture."
        )
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for name in ("imagestore", "uvicorn"):
        logging.getLogger(name).setLevel(logging.INFO)
    try:
        app = create_app()
    except SettingsError as error:
        sys.exit(f"web: {error}")
    uvicorn.run(
        app,
        host=arguments.address,
        port=arguments.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=75,
    )


if __name__ == "__main__":
    main()
