"""Texts that strangers would write to reach the terminal of whoever reads them."""

from hypothesis import strategies as st

CORPUS = [
    "\x1b]0;pwned\x07",
    "\x1b]52;c;cHduZWQ=\x07",
    "\x1b[2J\x1b[H\x1b[31mred",
    "\x1bP+q544e\x1b\\",
    "\x1b_Gf=100;AAAA\x1b\\",
    "\x9b31m\x9d0;pwned\x9c\x90q\x9c",
    "\x07\x08\x0b\x0c\x0e\x7f\x00",
    "a\r\nb\tc",
    "\u2028\u2029\u0085",
    "\u202egpj.exe\u2066\u2069\u200f\u061c",
    "[/foo]",
    "[@click=app.quit]click[/]",
    "[link=file:///etc/passwd]x[/link]",
    "[red]x[/red][b",
    "/a[b]c",
    "\\[bold]",
    "{0}{x.__class__}%s%n$(reboot)`id`",
    "=HYPERLINK(0)",
    "e" + "\u0301" * 200,
    "\U0001f469\u200d\U0001f469\u200d\U0001f467\U0001f1e9\U0001f1ea",
    "\u5bbd\u5b57" * 60,
    "\ufeff\u200b\u2060\U000e0041",
    "x" * 4000,
    " ",
    "</script><!--",
]

hostile_text = st.one_of(
    st.sampled_from(CORPUS),
    st.lists(st.sampled_from(CORPUS), min_size=2, max_size=3).map("".join),
    st.text(max_size=60),
)
