"""Everything that can go wrong, drawn as a tree.

::

    KlingError
    ├── InvalidRequest            refused here, nothing was sent; carries `problems` (also a ValueError)
    ├── MissingKey                no API key was found
    ├── ServiceError              the service said no; carries status, body, request_id, retry_after
    │   ├── BadRequest            400
    │   ├── Unauthorized          401
    │   ├── Forbidden             403
    │   ├── NotFound              404
    │   │   └── RequestExpired    404 for a job
    │   ├── NotAcceptable         406; `reason` tells its causes apart
    │   │   ├── InsufficientCredits
    │   │   └── SpendLimitReached
    │   ├── ModelRetired          410
    │   ├── Unprocessable         422 where no job ran
    │   ├── RateLimited           429
    │   ├── ServerError           5xx
    │   └── UnexpectedAnswer      an answer we can not read: a page instead of JSON, a result without a file
    ├── ServiceUnreachable        no answer to something that is safe to repeat
    ├── SubmitUnknown             the answer to a submit was lost: it may have been accepted and billed
    ├── NotSubmitted              (jobs.row) a row of a batch that was halted before its turn
    ├── BatchFailed               (jobs.batch) rows of a batch have no result, and all were wanted
    ├── SpendLimit                (jobs.budget) it would exceed what the client may spend
    ├── LedgerError               (keep.ledger) the record of jobs can not be used
    ├── JobFailed                 the service ran the job and it failed; carries `detail`, `request_id`
    ├── JobTimeout                we stopped waiting, the job goes on; resumable (also a TimeoutError)
    ├── Stopped                   somebody pressed Stop; the job goes on and is billed
    ├── DownloadFailed            the media could not be fetched whole
    │   └── BrokenMedia           (keep.store) what was fetched is no whole picture or clip
    ├── UploadFailed              an input file could not be handed to the service
    └── MediaError                (media.trouble) a file on this machine can not be used as asked
        ├── MediaMissing          it is not there (also a FileNotFoundError)
        └── PictureError          an input picture is none

Each message says what happened, whether money was spent, whether trying again is safe and what to change.
Every error pickles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from .markup import mask, masked

Charged = Literal["no", "yes", "maybe"]


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a request: where, what, and whether it blocks.

    `path` points into nested parts the way Python would: `multi_prompt[2].duration`. `level` is `error`
    where the model's page forbids, `warning` where only other hosts of the same model do.
    """

    path: str
    message: str
    level: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class RequestWarning(UserWarning):
    """A request that this service may take although other hosts of the same model would not."""


class KlingError(Exception):
    """The root of every error this package raises on purpose.

    `charged` answers "was I charged?", `again` "is it safe to try again?", `todo` "what do I change?".
    `request_id` is the job's id where one is known.
    """

    request_id: str | None = None
    charged: Charged = "no"
    again: str = ""
    todo: str = ""

    def __init__(self, what: str, **details: Any) -> None:
        super().__init__(mask(what))
        for name, value in details.items():
            setattr(self, name, masked(value))

    @property
    def what(self) -> str:
        """What happened, without the advice."""
        return str(self.args[0])

    @property
    def charged_text(self) -> str:
        """Whether money was spent, as a sentence."""
        return {
            "no": "Nothing was charged.",
            "yes": "The job is billed.",
            "maybe": "It may have been charged.",
        }[self.charged]

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.charged_text, self.again, self.todo) if part)

    def __reduce__(self) -> tuple[Any, ...]:
        return _revive, (type(self), self.args, self.__dict__.copy())


def _revive(kind: type[KlingError], args: tuple[Any, ...], details: dict[str, Any]) -> KlingError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(details)
    return error


class InvalidRequest(KlingError, ValueError):
    """The request can not work as it stands. Raised before anything is sent; `problems` lists all of it."""

    def __init__(self, problems: Sequence[Problem], subject: str = "this request") -> None:
        listed = "".join(f"\n  - {problem}" for problem in problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(f"{count} with {subject}:{listed}\n")
        self.problems = tuple(replace(each, message=mask(each.message)) for each in problems)

    def __str__(self) -> str:
        return f"{self.what}Nothing was sent and nothing was charged."


class MissingKey(KlingError):
    """No API key was found; the message lists where it was looked for."""

    todo = (
        "Make a key in Segmind's console and give it to kn.login(), Client(api_key=...) or SEGMIND_API_KEY; "
        "or try everything without one on Client.sandbox()."
    )

    def __init__(self, looked: Sequence[str]) -> None:
        super().__init__(f"No API key was found. Looked in: {', '.join(looked)}.")
        self.looked = tuple(looked)


class ServiceError(KlingError):
    """The service answered, and the answer was no.

    `status` is the HTTP code, `body` what came with it (JSON value or text), `retry_after` the seconds the
    service asked us to wait.
    """

    status: int = 0
    body: Any = None
    retry_after: float | None = None
    again = "Trying the same again will fail the same way."


class BadRequest(ServiceError):
    """400: the service could not read the request."""

    todo = "Change what the message names."


class Unauthorized(ServiceError):
    """401: no key arrived, or the service does not know it."""

    again = "Trying again is safe once the key is right."
    todo = "Check the key in Segmind's console, then make a new Client."


class Forbidden(ServiceError):
    """403: this account may not use this model."""

    again = "Trying again will not help."
    todo = "Ask the owner of the account to allow this model."


class NotFound(ServiceError):
    """404: no model or request of that name."""

    todo = "Check the name; kling_nb.models() lists the models."


class RequestExpired(NotFound):
    """404 for a job: the service knows no such request id, or its record is over an hour old."""

    charged = "maybe"
    again = "Asking for the same id again will not help."
    todo = "The output file itself lives 7 days: look for it in the history of Segmind's console."


class NotAcceptable(ServiceError):
    """406: four different refusals in one code, told apart by `reason`."""

    reason: Literal["content_type", "credits", "parameter", "spend_limit"] = "parameter"
    todo = "Change the value the message names."


class InsufficientCredits(NotAcceptable):
    """406: the balance is below what the job costs."""

    again = "Trying again is safe after topping up."
    todo = "Top up in Segmind's console; client.credits() shows the balance."


class SpendLimitReached(NotAcceptable):
    """406: the team's own spending limit is reached."""

    again = "Trying again is safe once the limit is raised or its period is over."
    todo = "Ask the owner of the team to raise the limit."


class ModelRetired(ServiceError):
    """410: the service no longer offers this model."""

    again = "Trying again will not help."
    todo = "Choose another model; kling_nb.models() lists them."


class Unprocessable(ServiceError):
    """422 where no job ran: the service understood the request and refused it."""

    todo = "Change what the message names."


class RateLimited(ServiceError):
    """429: too many requests in too short a time; `retry_after` is in seconds when the service said."""

    again = "Trying again after a pause is safe."
    todo = "Send fewer requests a minute (Client(requests_per_minute=...))."


class ServerError(ServiceError):
    """5xx: something broke on the service's side."""

    again = "Trying again later is safe."
    todo = "If it keeps coming after you changed a parameter, suspect that parameter."


class UnexpectedAnswer(ServiceError):
    """An answer we can not read. `body` keeps it."""

    charged = "maybe"
    again = "Asking again is safe."
    todo = "The whole answer is in the error's `body`."


class ServiceUnreachable(KlingError):
    """No answer came at all, to something that is safe to repeat."""

    again = "Trying again is safe."
    todo = "Check the connection and the base URL."


class SubmitUnknown(KlingError):
    """The answer to a submit was lost, so nobody here knows whether the job runs.

    It is never sent again by itself: a second submit could be a second bill.
    """

    charged = "maybe"
    again = "Do not submit again before you have looked: a second submit could be a second bill."
    todo = (
        "client.recover() looks for it in the service's history and brings it back; "
        "Segmind's console shows the same history."
    )


class JobFailed(KlingError):
    """The service ran the job and it failed; `detail` is the service's own sentence."""

    detail: str = ""
    metrics: dict[str, Any] = {}  # noqa: RUF012 - a default that is replaced, never changed
    again = "Trying the same again is safe, but will often fail the same way."
    todo = "Change what the message names; a refused prompt has to be reworded."


class JobTimeout(KlingError, TimeoutError):
    """We stopped waiting; the job goes on at the service and can be resumed by its id."""

    charged = "yes"


class Stopped(KlingError):
    """Somebody pressed Stop. There is no cancel at the service: the job goes on and is billed."""

    charged = "yes"


class DownloadFailed(KlingError):
    """The media could not be fetched whole. No short file is left under a final name."""

    charged = "yes"
    url: str = ""
    again = "Fetching it again is safe and free; what has arrived is kept and continued."


class UploadFailed(KlingError):
    """An input file could not be handed to the service. No job was submitted."""

    again = "Trying again is safe."
