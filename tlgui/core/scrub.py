"""Places and names of people are taken out of what is kept, copied or sent."""

from __future__ import annotations

import re

# Absolute places, each as (what stands before, the file's own name, what stands after): between either quotes (a name
# may hold the other ones), at the end of a message, and bare.
_ROOT = r"(?:~?/|[A-Za-z]:[/\\])"
_PLACES = (
    re.compile(rf'(")(?:{_ROOT})(?:[^"\n]*[/\\])?([^/\\"\n]+)[/\\]*(")'),
    re.compile(rf"(')(?:{_ROOT})(?:[^'\n]*[/\\])?([^/\\'\n]+)[/\\]*(')"),
    re.compile(rf"(: ){_ROOT}(?:[^\n\"']*[/\\])?([^/\\\n\"']+)[/\\]*()$", re.MULTILINE),
    re.compile(rf"(?<![\w/\\:.~<])(){_ROOT}(?:[^\s/\\\"'<>|:,;()][^\n/\\\"'<>|:,;()]*[/\\])+([^\s/\\\"'<>|:,;()]*)()"),
)


def scrub(text: str) -> str:
    """Takes absolute places and the person's name out of a traceback or message: file names and lines stay."""
    for pattern in _PLACES:
        text = pattern.sub(r"\1\2\3", text)
    return text
