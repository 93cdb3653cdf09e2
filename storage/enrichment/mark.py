"""The mark of an event that a rule keeps out of statistics, for where it outlives what the rule has looked at."""

from storage.enrichment.agent import USER_AGENT_CHARS_MAX
from storage.enrichment.landing import landing_of, landing_text
from storage.enrichment.rules import RULES, Rules


def mark_of(user_agent: str | None, referrer: str | None, page_url: str | None) -> str | None:
    """Return the mark that a load by the rules of this program gives an event of these; None where it counts."""
    return mark_of_texts(RULES, (user_agent or "")[:USER_AGENT_CHARS_MAX], landing_text(referrer, page_url))


def mark_of_texts(rules: Rules, user_agent: str | None, landing: str | None) -> str | None:
    """Return it by these rules, of an event's two texts as they are staged."""
    if user_agent and rules.agent_of(user_agent).bot is not None:
        return "bot"
    return "referrer_spam" if landing and rules.arrival_of(landing_of(landing)).is_spam else None
