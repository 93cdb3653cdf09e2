"""A modal that asks who it is and gives the tokens."""

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from console.credentials import Credentials
from console.errors import OTP_REQUIRED, ConsoleError, Refused

SignIn = Callable[[str, str, str | None], Awaitable[Credentials]]
"""Give the tokens for a name, a password and perhaps a code; ConsoleError says why there are none."""

OTP_CODES = (OTP_REQUIRED, "otp_invalid")


class SignInScreen(ModalScreen[Credentials]):
    """Gives the tokens; quitting is the only other way out."""

    CSS = """
    SignInScreen { align: center middle; }
    SignInScreen Vertical { width: 60; height: auto; border: round $primary; padding: 1 2; }
    SignInScreen Input { margin-top: 1; }
    SignInScreen .hidden { display: none; }
    SignInScreen #said { margin-top: 1; height: auto; color: $text-warning; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,ctrl+c", "app.quit", "Quit")]

    def __init__(self, where: str, said: str, sign_in: SignIn) -> None:
        super().__init__()
        self._where = where
        self._said = said
        self._sign_in = sign_in

    def compose(self) -> ComposeResult:
        """Yield the form."""
        with Vertical():
            yield Static(f"Sign in at {self._where}", markup=False)
            yield Input(placeholder="nickname or e-mail", id="name")
            yield Input(placeholder="password", password=True, id="password")
            yield Input(placeholder="code of your authenticator app, or a recovery code", id="otp", classes="hidden")
            yield Static(self._said, markup=False, id="said")

    def on_input_submitted(self, submitted: Input.Submitted) -> None:
        """Go on to the password, then ask the daemon; where that wants a code, ask for one."""
        if submitted.input.id == "name":
            self.query_one("#password", Input).focus()
        else:
            self.run_worker(self._submit(), exclusive=True)

    async def _submit(self) -> None:
        name, password, otp = (self.query_one(one, Input).value for one in ("#name", "#password", "#otp"))
        said = self.query_one("#said", Static)
        said.update("…")
        try:
            self.dismiss(await self._sign_in(name, password, otp or None))
        except ConsoleError as error:
            said.update(str(error))
            self._ask_again(error)

    def _ask_again(self, error: ConsoleError) -> None:
        """Let the code be typed where that was at fault, else the password."""
        code = error.code if isinstance(error, Refused) else ""
        if code in OTP_CODES:
            again = self.query_one("#otp", Input).remove_class("hidden")
        else:
            again = self.query_one("#password", Input)
        again.value = ""
        again.focus()
