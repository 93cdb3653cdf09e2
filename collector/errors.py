"""What a verb of `footfalld` says no with."""


class CommandError(Exception):
    """A verb cannot do what was asked; the text is one line with the remedy."""
