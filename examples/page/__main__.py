"""`python -m examples.page`: a single-page application that the daemon of `make run` tracks."""

import argparse
import os

from aiohttp import web

from examples.page.site import build_site

DAEMON = "http://127.0.0.1:8080"
PORT = 8081


def main() -> None:
    """Serve the page until ctrl-c."""
    parser = argparse.ArgumentParser(prog="python -m examples.page", description="A page with the tracker in it.")
    parser.add_argument("--daemon", default=DAEMON, help="where footfalld serves (%(default)s)")
    parser.add_argument("--port", type=int, default=PORT, help="where the page is served (%(default)s)")
    arguments = parser.parse_args()
    try:
        web.run_app(
            build_site(arguments.daemon),
            host="127.0.0.1",
            port=arguments.port,
            print=lambda _: print(f"open http://127.0.0.1:{arguments.port}; ctrl-c ends it", flush=True),
        )
    except OSError as error:
        parser.exit(1, f"port {arguments.port}: {os.strerror(error.errno or 0)}; choose another one with --port\n")


if __name__ == "__main__":
    main()
