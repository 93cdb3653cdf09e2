"""Why there are no figures."""


class BenchFailed(Exception):
    """The run proves nothing: counts differ, or a part of it did not work; the text is one line for the operator."""
