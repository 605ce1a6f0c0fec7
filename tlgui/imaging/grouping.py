"""Which images belong together: one patient, one specimen, one slide; by DICOM tags, a column, or the file names."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from tlgui.core.intake import Intake
from tlgui.core.records import Grouping, LeftOut, Reason
from tlgui.imaging.file_check import Checked
from tlgui.imaging.name_key import compile_pattern, examples_of, find, sentence_of
from tlgui.imaging.name_patterns import propose
from tlgui.imaging.names import nfc, order, printable

PATIENT, STUDY = "dicom:patient", "dicom:study"
COLUMN, PATTERN = "column:", "pattern:"
NEARLY_ALL = 0.9  # of the images must have a key that is used without being asked for
MIN_GROUPS = 3  # train, validation, test
MOST_IN_ONE = 0.8  # of the images: more say the same only where a name was taken out of all files
SLICED = frozenset({"CT", "MR", "PT"})  # modalities of which a series is one body, cut

_SENTENCES = {
    PATIENT: "the patient that each DICOM file names (PatientID)",
    STUDY: "the study that each DICOM file names (StudyInstanceUID)",
}

Values = dict[str, str]  # path -> what the key says of it, as it stands there


def group_images(
    used: Sequence[Checked], intake: Intake, salt: str, column: str = ""
) -> tuple[Grouping, Grouping, dict[str, str]]:
    """The key in use, the key that is proposed, and the group of each image: path -> hashed key (missing = none).

    Without a decision, the patient that DICOM files name is used, else the group column of the label table. What only
    the names of files suggest is proposed.

    Args:
        used: the images, sorted by path.
        intake: the person's decisions.
        salt: the project's.
        column: name of the table's group column.

    Raises:
        UserError: the pattern that was asked for is none.
    """
    if intake.group == "none":
        decided = Grouping(sentence="nothing, as you decided")
        return decided, Grouping(), _with_studies(used, intake, {}, salt)
    key = intake.group or _found_key(used, column)
    if key:
        values = _values(used, key)
        proposed = Grouping()
    else:
        values = {}
        proposed = _proposed(used)
    in_use = _told(key, values, len(used)) if key else Grouping()
    return in_use, proposed, _with_studies(used, intake, values, salt)


def try_key(names: Sequence[str], key: str) -> Grouping:
    """What a pattern would do: groups, examples.

    Args:
        names: relative paths, sorted.
        key: as in `Grouping`; a pattern may come without its "pattern:".

    Raises:
        UserError: the pattern is no regular expression, has no capturing group, or could take for ever.
    """
    kind = key.partition(":")[0] + ":"
    if kind == COLUMN or key in _SENTENCES:
        return Grouping(key=key, sentence=_sentence(key))
    pattern = key.removeprefix(PATTERN)
    return _told(PATTERN + pattern, _captured(names, pattern), len(names))


def choose_slices(used: list[Checked], intake: Intake) -> tuple[list[Checked], list[LeftOut]]:
    """Of each DICOM series its middle slice, or all of them.

    A series is a body cut into slices: many of them in one class are one case and not many. Slices of different classes
    stay, one of each class.
    """
    if intake.slices == "all":
        return used, []
    series: defaultdict[tuple[str, str], list[Checked]] = defaultdict(list)
    for checked in used:
        facts = checked.verdict.dicom
        if facts is not None and facts.series and facts.modality.upper() in SLICED:
            series[facts.series, checked.place.class_name].append(checked)
    others: set[str] = set()
    for slices in series.values():
        ordered = sorted(slices, key=lambda checked: (_position(checked), order(checked.found.path)))
        middle = ordered[len(ordered) // 2]
        others |= {checked.found.path for checked in ordered if checked is not middle}
    left_out = [
        LeftOut(
            path=printable(checked.found.path),
            reason_code=Reason.OTHER_SLICE,
            reason="Another slice of this series stands for it.",
        )
        for checked in used
        if checked.found.path in others
    ]
    return [checked for checked in used if checked.found.path not in others], left_out


def hashed(value: str, salt: str) -> str:
    """12 hexadecimal digits for a key; what it was cannot be told without the salt, which never leaves the project."""
    return hashlib.sha256(f"{salt}\0{nfc(value).strip()}".encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _found_key(used: Sequence[Checked], column: str) -> str:
    """The key that is used without being asked for, or ""."""
    for key in (PATIENT, COLUMN + column, STUDY):
        sizes = Counter(_values(used, key).values())
        # A study of its own for each image says nothing; a patient for each image says that all is well.
        tells = len(sizes) >= MIN_GROUPS and (key != STUDY or max(sizes.values()) > 1)
        if tells and sizes.total() >= NEARLY_ALL * len(used) and max(sizes.values()) <= MOST_IN_ONE * len(used):
            return key
    return ""


def _proposed(used: Sequence[Checked]) -> Grouping:
    pattern = propose([(checked.found.path, checked.place.class_name) for checked in used])
    return try_key([checked.found.path for checked in used], PATTERN + pattern) if pattern else Grouping()


def _values(used: Sequence[Checked], key: str) -> Values:
    if key.startswith(PATTERN):
        return _captured([checked.found.path for checked in used], key.removeprefix(PATTERN))
    values: Values = {}
    for checked in used:
        facts = checked.verdict.dicom
        if key.startswith(COLUMN):
            value = checked.place.group
        else:
            value = "" if facts is None else facts.patient if key == PATIENT else facts.study
        if value.strip():
            values[checked.found.path] = value
    return values


def _captured(paths: Iterable[str], pattern: str) -> Values:
    compiled = compile_pattern(pattern)
    found = ((path, find(compiled, path)) for path in paths)
    return {path: captured[0] for path, captured in found if captured is not None}


def _told(key: str, values: Mapping[str, str], images: int) -> Grouping:
    members: defaultdict[str, list[str]] = defaultdict(list)
    for path, value in values.items():
        members[nfc(value).strip()].append(path)
    pattern = key.removeprefix(PATTERN)
    return Grouping(
        key=key,
        sentence=_sentence(key),
        groups=len(members),
        largest=max((len(paths) for paths in members.values()), default=0),
        without=images - len(values),
        examples=examples_of(compile_pattern(pattern), members) if key.startswith(PATTERN) else [],
    )


def _sentence(key: str) -> str:
    if key.startswith(PATTERN):
        return sentence_of(key.removeprefix(PATTERN))
    if key.startswith(COLUMN):
        name = key.removeprefix(COLUMN)
        return f"the column '{name}' of the label table" if name else "the group column of the label table"
    return _SENTENCES.get(key, key)


def _with_studies(used: Sequence[Checked], intake: Intake, values: Mapping[str, str], salt: str) -> dict[str, str]:
    """The hashed keys; where all slices of a series are used, keys that meet in one study become one."""
    key_of = {value: hashed(value, salt) for value in set(values.values())}
    keys = {path: key_of[value] for path, value in values.items()}
    if intake.slices != "all":
        return keys
    studies: defaultdict[str, list[str]] = defaultdict(list)
    for checked in used:
        facts = checked.verdict.dicom
        if facts is not None and facts.modality.upper() in SLICED and (study := facts.study or facts.series):
            studies[study].append(checked.found.path)
    same: dict[str, str] = {}

    def one_for(key: str) -> str:
        while same.get(key, key) != key:
            key = same[key]
        return key

    for study in sorted(studies):
        for path in studies[study]:
            keys.setdefault(path, hashed(study, salt))
        met = sorted({one_for(keys[path]) for path in studies[study]})
        same |= dict.fromkeys(met, met[0])
    return {path: one_for(key) for path, key in keys.items()}


def _position(checked: Checked) -> float:
    facts = checked.verdict.dicom
    return facts.position if facts is not None else 0.0
