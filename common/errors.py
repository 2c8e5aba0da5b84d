"""The one tree of errors, grouped by who must act.

Every error carries a stable ``code`` (for machines, logs and tests), a human ``sentence`` in English that is also the
message id of the catalogues, and the parameters of that sentence. Web pages and command lines translate the sentence;
nobody shows ``str(error)`` of anything foreign to a person.

    raise Refused("upload.encrypted", N_("The file is closed with a password. Save it without one and try again."), field="file")
"""


def N_(sentence: str) -> str:
    """Mark ``sentence`` for the catalogues without translating it here."""
    return sentence


class CourtError(Exception):
    """Root of everything this project raises on purpose.

    ``field`` names the form field the person should look at, empty when none.
    """

    status = 500

    def __init__(self, code: str, sentence: str, /, *, field: str = "", **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence
        self.field = field
        self.params = params

    def __str__(self) -> str:
        """English text for logs and terminals; parameters must hold no personal data."""
        return f"{self.code}: {self.sentence % self.params if self.params else self.sentence}"


class Refused(CourtError):
    """The input is bad and will stay bad: correct it, never retry it."""

    status = 400


class Forbidden(CourtError):
    """The person or key may not do this."""

    status = 403


class NotFound(CourtError):
    """Nothing here that this person may see."""

    status = 404


class Conflict(CourtError):
    """Somebody was first: read again, then decide."""

    status = 409


class TooMany(CourtError):
    """Over a limit of rate or quota: wait, then try again."""

    status = 429


class Unreachable(CourtError):
    """The other side cannot be reached now: try later, nothing is lost."""

    status = 503


class Corrupt(CourtError):
    """Stored data contradict themselves: stop and call the operator."""

    status = 500
