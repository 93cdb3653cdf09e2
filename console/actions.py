"""The one table of what a key does: bindings, footer, help and command palette are made from it."""

from typing import Literal, NamedTuple

from textual.binding import Binding, BindingType

Place = Literal["app", "overview", "explore", "live", "users", "apps", "definitions", "rejected", "auth_log"]
"""Where a key works: everywhere, in a mode, in one of Admin's tabs, or in what such a tab opens."""


class Action(NamedTuple):
    """`key` runs the method `action_<name>` of its place, or of the application where that is said in front of it.

    `shown` are the places with the action in their footer: with those of `app` seven at most.
    """

    key: str
    name: str
    label: str
    description: str
    places: tuple[Place, ...] = ("app",)
    shown: tuple[Place, ...] = ()


ACTIONS = (
    Action("1", "mode('overview')", "Overview", "Figures, chart, pages and sources of a period", shown=("app",)),
    Action("2", "mode('explore')", "Explore", "The pivot of an application's event", shown=("app",)),
    Action("3", "mode('live')", "Live", "Events as they come in", shown=("app",)),
    Action(
        "5",
        "mode('admin')",
        "Admin",
        "Users, apps, rejected items, the log of accounts",
        shown=("app",),
    ),
    Action("question_mark", "help", "Help", "Every key; type to filter", shown=("app",)),
    Action("q", "quit", "Quit", "Leave the console", shown=("app",)),
    Action("tab", "panel", "Panel", "Go to the next panel"),
    Action("r", "refresh", "Refresh", "Ask the daemon at once"),
    Action("ctrl+p", "command_palette", "Commands", "Find an action by its name"),
    Action("ctrl+c", "quit", "Quit", "Leave the console"),
    Action("t", "app.period", "Period", "Choose the period", ("overview", "explore"), ("overview", "explore")),
    Action("m", "app.metric", "Metric", "Chart visitors, page views or events", ("overview",)),
    Action("a", "application", "App", "Choose the application", ("explore",)),
    Action("v", "event", "Event", "Choose the event", ("explore",)),
    Action("d", "by", "By", "Choose the attr whose values are the columns", ("explore",)),
    Action("m", "sum", "Sum", "Choose the attr that is summed", ("explore",)),
    Action("z", "zoom", "Chart", "Give the chart the room of the table, or take it back", ("explore",)),
    Action("space", "app.pause", "Pause", "Stop painting, and go on with the newest", ("overview", "live"), ("live",)),
    Action("slash", "search", "Search", "Find users by name, e-mail or user_id", ("users",), ("users",)),
    Action("f", "narrow", "Filter", "Show users of one state or role only", ("users",)),
    Action("s", "sort", "Sort", "Order users by last seen, by age or by name", ("users",)),
    Action("b", "block", "Block", "Block the user, or let it in again", ("users",)),
    Action("c", "role", "Role", "Change the role of the user", ("users",)),
    Action("x", "end_sessions", "Sign out", "End all sessions of the user", ("users",)),
    Action("o", "end_second_factor", "No code", "Take the second factor of a user who has lost it", ("users",)),
    Action("D", "erase", "Erase", "Erase the user for good", ("users",)),
    Action("l", "log", "Its log", "Show what happened to the account of the user", ("users",)),
    Action("slash", "search", "Search", "Find applications by name, code or owner", ("apps",)),
    Action("c", "create", "Create", "Make an application", ("apps",), ("apps",)),
    Action("d", "deed('define')", "Events", "Define events of the application", ("apps",)),
    Action("m", "deed('mode')", "Mode", "Choose what becomes of events that break their definition", ("apps",)),
    Action("w", "deed('rotate')", "Rotate", "Give the application another api_token", ("apps",)),
    Action("x", "deed('revoke')", "Revoke", "Revoke an api_token of the application", ("apps",)),
    Action("o", "deed('origins')", "Origins", "Change which pages may call the application", ("apps",)),
    Action("h", "deed('hostnames')", "Hosts", "Change whose pages the application is for", ("apps",)),
    Action("v", "deed('visitors')", "Visitors", "Choose how visitors are known again", ("apps",)),
    Action("D", "deed('remove')", "Delete", "Delete the application", ("apps",)),
    Action("a", "add", "Add", "Define an event", ("definitions",)),
    Action("x", "remove", "Remove", "Remove the definition", ("definitions",)),
    Action("f", "narrow", "Filter", "Show one application or code only", ("rejected",)),
    Action("R", "replay", "Replay", "Send the item through the door again", ("rejected",), ("rejected",)),
    Action("A", "replay_all", "Replay all", "Send all items that are shown through the door again", ("rejected",)),
    Action("f", "narrow", "Filter", "Show one event, outcome, user or address only", ("auth_log",)),
    Action("v", "check", "Verify", "Check the chain of the whole audit log", ("auth_log",), ("auth_log",)),
    Action("space", "app.pause", "Pause", "Stop reading the newest, and go on with it", ("auth_log",)),
    Action("n", "page_on", "Next page", "Go on to the next page", ("users", "rejected", "auth_log")),
    Action("p", "page_back", "Page before", "Go back to the page before", ("users", "rejected", "auth_log")),
)


def bindings(place: Place) -> list[BindingType]:
    """Return the keys of a place, in the order of the table."""
    return [
        Binding(
            one.key,
            one.name,
            one.label,
            show=place in one.shown,
            tooltip=one.description,
            # Of Textual's own it takes the place even where a widget has the focus.
            priority=one.key == "tab",
        )
        for one in ACTIONS
        if place in one.places
    ]
