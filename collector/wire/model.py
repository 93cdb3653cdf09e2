"""Reading bodies as pydantic models; apart from `body`, since pydantic costs the console a third of its start."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from collector.wire.body import require_json
from collector.wire.problem import BodyInvalid, FieldError

ERRORS_MAX = 100
"""Wrong members that are named, more than any body has right ones: a body of nothing else would be answered by a larger one."""

Model = TypeVar("Model", bound=BaseModel)


def parse(raw: bytes, model: type[Model]) -> Model:
    """Return the body as a pydantic model; the errors never carry what was sent (passwords)."""
    require_json(raw)
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        if error.error_count() > ERRORS_MAX:
            message = f"should have at most {ERRORS_MAX} wrong members, for each to be named"
            raise BodyInvalid([FieldError("$", "too_many_errors", message)]) from None
        found = error.errors(include_url=False, include_input=False, include_context=False)
        raise BodyInvalid([FieldError(_path(one["loc"]), one["type"], one["msg"]) for one in found]) from None


def _path(location: tuple[int | str, ...]) -> str:
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
