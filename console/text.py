"""Text of strangers made fit for a terminal; everything shown passes here once, where answers are decoded."""

import re
import sys

UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""C0, DEL, C1; bidi marks, embeddings, overrides and isolates (UAX #9); line and paragraph separator; surrogates."""

REPLACEMENT = "\ufffd"


def clean(text: str) -> str:
    """Return the text with each unfit character replaced, so that its length stays."""
    return UNFIT.sub(REPLACEMENT, text)


def cleaned(tree: object) -> object:
    """Return what JSON decoded to with every text in it cleaned, names of members too."""
    match tree:
        case str():
            return clean(tree)
        case list():
            return [cleaned(one) for one in tree]
        case dict():
            return {cleaned(name): cleaned(one) for name, one in tree.items()}
        case _:
            return tree


def say(words: str) -> None:
    """Write one clean line to standard error, which is for words; standard output is for data."""
    sys.stderr.write(f"footfall: {clean(words)}\n")
