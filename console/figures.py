"""Numbers as a screen shows them: short, and a change against the time before."""

ABSENT = "-"
NO_CHANGE = "="
THOUSAND = 1000
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
CHANGE_MAX = 999
"""Per cent; what grew more is said to be over it."""

_UNITS = ("", "k", "M", "G", "T")


def count(number: float | None) -> str:
    """Return a count in at most five characters: 999, 1.23k, 45.6k, 12.0M."""
    if number is None:
        return ABSENT
    if abs(number) < THOUSAND:
        return f"{number:.0f}"
    power = 0
    while abs(number) >= THOUSAND and power < len(_UNITS) - 1:
        number, power = number / THOUSAND, power + 1
    digits = 2 if abs(number) < 10 else 1 if abs(number) < 100 else 0  # noqa: PLR2004 - three digits in all
    return f"{number:.{digits}f}{_UNITS[power]}"


def exact(number: float) -> str:
    """Return the whole number, or of a fraction the 15 digits that a double surely has."""
    return str(number) if isinstance(number, int) else f"{number:.15g}"


def rate(per_second: float | None) -> str:
    """Return events a second; one digit behind the point below 100."""
    if per_second is None:
        return ABSENT
    return f"{per_second:.1f}" if per_second < 100 else count(per_second)  # noqa: PLR2004 - as said


def share(part: float | None) -> str:
    """Return a share of 1 in whole per cent."""
    return ABSENT if part is None else f"{part * 100:.0f}%"


def duration(seconds: float | None) -> str:
    """Return a length of time in its two greatest units: 42s, 3m 05s, 2h 10m, 3d 04h."""
    if seconds is None:
        return ABSENT
    whole = round(seconds)
    if whole < MINUTE_S:
        return f"{whole}s"
    if whole < HOUR_S:
        return f"{whole // MINUTE_S}m {whole % MINUTE_S:02}s"
    if whole < DAY_S:
        return f"{whole // HOUR_S}h {whole % HOUR_S // MINUTE_S:02}m"
    return f"{whole // DAY_S}d {whole % DAY_S // HOUR_S:02}h"


def change(now: float | None, before: float | None) -> str:
    """Return how a figure changed against the time before: ▲ 12%, ▼ 3%, =, or nothing where there was none."""
    if now is None or not before:
        return ""
    per_cent = round((now - before) / before * 100)
    if per_cent == 0:
        return NO_CHANGE
    arrow = "▲" if per_cent > 0 else "▼"
    return f"{arrow} >{CHANGE_MAX}%" if abs(per_cent) > CHANGE_MAX else f"{arrow} {abs(per_cent)}%"
