"""The command: `python -m imagestore.web --port 8000`."""

import argparse
import contextlib
import logging
import os
import sys

from uvicorn.config import STARTUP_FAILURE

from imagestore import telemetry
from imagestore.errors import SettingsError
from imagestore.settings import Auth, Settings, is_loopback
from imagestore.web.app import create_app
from imagestore.web.server import server_of


def main() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m imagestore.web", description="The pages and the API.")
    parser.add_argument(
        "--address", default="127.0.0.1", help="where to listen; without sign-in (AUTH=off) a loopback address"
    )
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for name in ("imagestore", "uvicorn"):
        logging.getLogger(name).setLevel(logging.INFO)
    environ = dict(os.environ)
    telemetry.start("imagestore-web", environ)
    try:
        auth = Settings.read(environ).auth
        if auth is Auth.OFF and not is_loopback(arguments.address):
            raise SettingsError(
                f"--address {arguments.address} is reached from other machines, and nobody would need to sign in there "
                "(AUTH=off). Set AUTH=required and PUBLIC_URL, or listen on 127.0.0.1."
            )
        if auth is Auth.REQUIRED and is_loopback(arguments.address) and not environ.get("PUBLIC_URL"):
            environ["PUBLIC_URL"] = f"http://localhost:{arguments.port}"
        app = create_app(environ)
    except SettingsError as error:
        sys.exit(f"web: {error}")
    server = server_of(app, door=app.state.door, host=arguments.address, port=arguments.port)
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    telemetry.stop()
    if not server.started:
        sys.exit(STARTUP_FAILURE)


if __name__ == "__main__":
    main()
