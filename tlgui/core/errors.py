"""What a person can act on: a problem, a remedy, and nothing lost."""

from __future__ import annotations


class UserError(Exception):
    """Something that the person at the screen can put right.

    Args:
        problem: one sentence, with the name of the file, folder or option that it is about.
        remedy: one sentence that begins with a verb: what to do now.
        details: for the log and the fold of the message box; never needed to act.
        code: a key of `core.remedies.CODES`, where an owner may offer a button or words of its own; else "".
    """

    def __init__(self, problem: str, remedy: str, details: str = "", code: str = "") -> None:
        super().__init__(f"{problem} {remedy}")
        self.problem = problem
        self.remedy = remedy
        self.details = details
        self.code = code
