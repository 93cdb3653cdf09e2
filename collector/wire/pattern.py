"""The forms that texts must have, and how a person is told: a regular expression says it to nobody."""

from typing import Final

# `$` alone would let a line end through in Python.
_END = r"(?!\n)$"
_HOST = r"[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]"
_DEFAULT_PORT = r"(?!http:.*:80$|https:.*:443$)"
HOSTNAME: Final = rf"^({_HOST}){_END}"
ORIGIN: Final = rf"^{_DEFAULT_PORT}[a-z][a-z0-9+.-]*://({_HOST})(:[1-9][0-9]{{0,4}})?{_END}"
"""An origin as browsers write it (RFC 6454, 6.2): lower case, a port only where it is not the scheme's own, no path."""
NAME: Final = rf"^[^\x00-\x1f\x7f-\x9f]+{_END}"
AGE: Final = rf"^[1-9][0-9]{{0,3}}[mhd]{_END}"
"""Until now; the unit is minutes, hours or days."""

SHOULD_BE = {
    HOSTNAME: "should be a hostname such as shop.example",
    ORIGIN: "should be an origin such as https://shop.example",
    NAME: "should have no control characters",
    AGE: "should be a number of minutes, hours or days such as 30m, 24h or 7d",
}
"""What is said of a text of another form."""
