"""What a new password may be: neither short nor what a guesser tries first; of which characters does not matter."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Protocol

from collector.identity.common_passwords import is_common
from collector.wire.accounts import PASSWORD_BYTES_MAX
from collector.wire.problem import BodyInvalid, FieldError

PRODUCT_NAME = "footfall"

_TAIL = re.compile(r"(?<![\W\d_])[\W\d_]+\Z")
"""What people put behind a word to make a password of it: digits and signs.

Without the look behind each digit of a long run would be tried as a first one, which takes the square of the run's length.
"""


class Named(Protocol):
    """Whose password it is."""

    @property
    def nickname(self) -> str | None: ...  # noqa: D102
    @property
    def email(self) -> str | None: ...  # noqa: D102
    @property
    def firstname(self) -> str | None: ...  # noqa: D102
    @property
    def lastname(self) -> str | None: ...  # noqa: D102


class PasswordRules:
    """The rules of a site; `length_min` is in characters, `site_name` what its visitors know it by."""

    def __init__(self, *, length_min: int, site_name: str) -> None:
        self._length_min = length_min
        self._site_name = site_name

    def require_fit(self, password: str, person: Named, *, member: str = "password") -> None:
        """Raise BodyInvalid for a password that this person may not have; `member` of the body is where it stood.

        The rules are those of OWASP ASVS 5.0, 6.2.1, 6.2.4, 6.2.9 and 6.2.11; there are none of composition (6.2.5).
        """
        if refusal := self._refusal(password, person):
            raise BodyInvalid([FieldError(f"$.{member}", *refusal)])

    def _refusal(self, password: str, person: Named) -> tuple[str, str] | None:
        if len(password) < self._length_min:
            return "password_too_short", f"should have at least {self._length_min} characters"
        try:
            size = len(password.encode())
        except UnicodeEncodeError:
            return "control_character", "should be Unicode text"
        if size > PASSWORD_BYTES_MAX:
            return "password_too_long", f"should have at most {PASSWORD_BYTES_MAX} bytes in UTF-8"
        if is_common(password):
            return "password_common", "is one of the passwords that are guessed first"
        if _bare(password) in {_bare(word) for word in self._words(person)} - {""}:
            return "password_context", "should not be a name of yours or of this site, with digits behind it or without"
        return None

    def _words(self, person: Named) -> Iterator[str]:
        email = person.email or ""
        mailbox, _, _ = email.partition("@")
        yield from (PRODUCT_NAME, self._site_name, email, mailbox)
        yield from (person.nickname or "", person.firstname or "", person.lastname or "")


def _bare(text: str) -> str:
    """Return what is left of a text without its case, look-alike forms, and digits and signs at its end."""
    return _TAIL.sub("", unicodedata.normalize("NFKC", text).casefold())
