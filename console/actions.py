"""The one table of what a key does: bindings, footer, help and command palette are made from it."""

from typing import NamedTuple


class Action(NamedTuple):
    """`key` runs the method `action_<name>` of the application; `in_footer`: one of the seven that are always shown."""

    key: str
    name: str
    label: str
    description: str
    in_footer: bool = True


ACTIONS = (
    Action("1", "mode('overview')", "Overview", "Figures, chart, pages and sources of a period"),
    Action("3", "mode('live')", "Live", "Events as they come in"),
    Action("t", "period", "Period", "Choose the period of the overview"),
    Action("m", "metric", "Metric", "Chart visitors, page views or events"),
    Action("space", "pause", "Pause", "Stop painting, and go on with the newest"),
    Action("question_mark", "help", "Help", "Every key; type to filter"),
    Action("q", "quit", "Quit", "Leave the console"),
    Action("tab", "panel", "Panel", "Go to the next panel", in_footer=False),
    Action("r", "refresh", "Refresh", "Ask for the overview at once", in_footer=False),
    Action("ctrl+p", "command_palette", "Commands", "Find an action by its name", in_footer=False),
    Action("ctrl+c", "quit", "Quit", "Leave the console", in_footer=False),
)
