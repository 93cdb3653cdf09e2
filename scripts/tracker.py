"""Makes footfall.js, which the daemon serves, of its readable source: `make tracker`."""

import gzip
import re
from pathlib import Path

import minify

SCRIPT = Path(__file__).parents[1] / "collector" / "tracking" / "script"
SOURCE, BUILT = SCRIPT / "source.js", SCRIPT / "footfall.js"

_NUMBER = re.compile(r"^ *const ([A-Z_]+) = (\d+);.*\n", re.MULTILINE)


def built(source: str) -> str:
    """Return the script without what only people read; minify.MinifyError where it is no JavaScript."""
    # The minifier would leave each named number in a variable of its own: 45 bytes compressed.
    numbers = dict(_NUMBER.findall(source))
    inlined = re.sub(r"\b[A-Z_]+\b", lambda word: numbers.get(word[0], word[0]), _NUMBER.sub("", source))
    return f"{minify.string('application/javascript', inlined)}\n"


def main() -> None:
    """Write footfall.js and say how big it is."""
    script = built(SOURCE.read_text(encoding="utf-8"))
    BUILT.write_text(script, encoding="utf-8")
    print(f"{BUILT.name}: {len(script)} bytes, {len(gzip.compress(script.encode()))} compressed")


if __name__ == "__main__":
    main()
