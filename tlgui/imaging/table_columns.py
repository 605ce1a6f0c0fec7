"""Which column of a table holds names of files, labels, parts and patients, by its name and its cells."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property

from tlgui.imaging.folder_names import split_of_word
from tlgui.imaging.names import nfc

# fmt: off
# Words of headers without case, blanks and signs, the surest first. To know another one, add it.
FILE_WORDS = (
    "filename", "filepath", "file", "files", "imagefile", "imagepath", "imagename", "image", "imageid",
    "imageindex", "images", "img", "imgname", "imgpath", "imgid", "imgfile", "picture", "picturename", "photo",
    "path", "fullpath", "relativepath", "isicid", "dicom", "dicomid", "sopinstanceuid", "scan", "scanid", "uid",
    "idcode", "sampleid", "name", "id", "dateiname", "datei", "dateipfad", "bilddatei", "bildname", "bild",
    "bildid", "bilder", "bildnummer", "foto", "aufnahme", "pfad", "fichier", "archivo", "imagen",
)
LABEL_WORDS = (
    "label", "labels", "class", "classname", "classlabel", "labelname", "diagnosis", "dx", "target", "category",
    "finding", "findings", "findinglabels", "findinglabel", "groundtruth", "gt", "species", "grade", "result",
    "outcome", "classid", "labelid", "y", "truth", "tumortype", "tumourtype", "klasse", "klassen",
    "klassenname", "kategorie", "diagnose", "befund", "befunde", "etikett", "bezeichnung", "einstufung",
    "classe", "etiqueta", "clase", "diagnostic",
)
SPLIT_WORDS = (
    "split", "set", "subset", "partition", "fold", "phase", "usage", "datasplit", "dataset", "splitname",
    "settype", "purpose", "part", "teil", "teilmenge", "aufteilung", "menge", "datensatz", "verwendung",
)
GROUP_WORDS = (
    "patient", "patientid", "patientname", "patientnumber", "patientnr", "pid", "subject", "subjectid",
    "participant", "participantid", "person", "personid", "donor", "donorid", "animal", "animalid", "mouseid",
    "case", "caseid", "specimen", "specimenid", "slide", "slideid", "biopsy", "biopsyid", "lesion", "lesionid",
    "study", "studyid", "studyinstanceuid", "accession", "accessionnumber", "group", "groupid", "groups",
    "cluster", "patientenid", "patientennummer", "patienten", "fall", "fallid", "fallnummer", "fallnr",
    "proband", "probandid", "probe", "probenid", "probennummer", "präparat", "präparatid", "tier", "tierid",
    "gruppe", "gruppenid", "untersuchung", "untersuchungsnummer",
)
# fmt: on
_KNOWN = frozenset(FILE_WORDS + LABEL_WORDS + SPLIT_WORDS + GROUP_WORDS)
# Within a longer name: "final_diagnosis", "label (expert 1)".
_LABEL_PARTS = ("label", "diagnosis", "class", "category", "target", "klasse", "diagnose", "kategorie", "befund")

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
_YES_NO = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0, "ja": 1.0, "nein": 0.0, "wahr": 1.0, "falsch": 0.0}
_MOST_CLASSES = 0.5  # distinct labels for each row; more of them are no classes
_ONE_HOT_SHARE = 0.9  # of rows with exactly one 1, before columns of 0 and 1 are taken for classes among other columns


def number_of(cell: str) -> float | None:
    """The number in a cell, with a point or a comma; true and false are 1 and 0; `None` where it is none."""
    if _NUMBER.fullmatch(cell):
        return float(cell.replace(",", "."))
    return _YES_NO.get(cell.casefold())


def is_known_word(cell: str) -> bool:
    """Whether a cell names a column in one of the usual ways."""
    return _word(cell) in _KNOWN or any(part in _word(cell) for part in _LABEL_PARTS)


def _word(name: str) -> str:
    return re.sub(r"[\W_]+", "", nfc(name).casefold())


class Column:
    """A column by its name ("" where the table has no header) and its cells.

    Attributes:
        word: its name without case, blanks and signs.
        values: cells that are not empty.
    """

    def __init__(self, name: str, position: int, cells: Sequence[str]) -> None:
        self.word = _word(name)
        self.position = position
        self.cells = cells

    @cached_property
    def values(self) -> list[str]:
        """Cells that are not empty."""
        return [cell for cell in self.cells if cell]

    @cached_property
    def counts(self) -> Counter[str]:
        """How often each of them comes."""
        return Counter(self.values)

    @property
    def is_mostly_unique(self) -> bool:
        """As names of files are."""
        return bool(self.values) and (len(self.values) < 4 or len(self.counts) > len(self.values) / 2)

    @cached_property
    def is_binary(self) -> bool:
        """Only 0 and 1, in any spelling."""
        return bool(self.values) and all(number_of(cell) in (0.0, 1.0) for cell in self.counts)

    @cached_property
    def is_numeric(self) -> bool:
        """Only numbers."""
        return bool(self.values) and all(number_of(cell) is not None for cell in self.counts)

    @property
    def could_be_labels(self) -> bool:
        """Few different values for the number of rows."""
        return 1 <= len(self.counts) <= max(2, len(self.values) * _MOST_CLASSES)

    @property
    def is_split(self) -> bool:
        """Only usual spellings of train, validation and test."""
        return bool(self.values) and all(map(split_of_word, self.counts))


Found = tuple[list[Column], Column | None, Column | None]


def columns_of(columns: Sequence[Column], file: Column) -> Found | None:
    """The columns of labels, of the part and of the group; `None` where no labels are told."""
    others = [column for column in columns if column is not file and column.values]
    split = _split_column(others)
    group = _group_column([column for column in others if column is not split])
    labels = _label_columns([column for column in others if column not in (split, group)])
    return (labels, split, group) if labels else None


def _split_column(columns: Sequence[Column]) -> Column | None:
    splits = [column for column in columns if column.is_split]
    worded = [column for column in splits if column.word in SPLIT_WORDS]
    # Without a telling name it must speak of two parts at least; "test" alone may be anything.
    plain = [column for column in splits if len(set(map(split_of_word, column.counts))) >= 2]
    return next(iter(worded + plain), None)


def _group_column(columns: Sequence[Column]) -> Column | None:
    worded = [column for word in GROUP_WORDS for column in columns if column.word == word]
    return next((column for column in worded if len(column.counts) < len(column.values)), None)


def _label_columns(columns: Sequence[Column]) -> list[Column]:
    one_hot = _one_hot(columns)
    worded = _worded_labels(columns)
    if worded and (len(one_hot) < 2 or worded[0] not in one_hot):
        return [_spelt_out(worded[0], worded)]
    if len(one_hot) >= 2:
        return one_hot
    plain = [column for column in columns if column.could_be_labels and column.word not in GROUP_WORDS]
    texts = [column for column in plain if not column.is_numeric]
    return next(([*found] for found in (plain, texts) if len(found) == 1), [])


def _worded_labels(columns: Sequence[Column]) -> list[Column]:
    exact = [column for word in LABEL_WORDS for column in columns if column.word == word]
    partly = [column for part in _LABEL_PARTS for column in columns if part in column.word and column not in exact]
    found = [*exact, *dict.fromkeys(partly)]
    return [column for column in found if column.could_be_labels] or exact


def _spelt_out(chosen: Column, others: Sequence[Column]) -> Column:
    """Of two columns that say the same, one in numbers and one in words, the words."""
    if not chosen.is_numeric:
        return chosen
    for other in others:
        pairs = set(zip(chosen.cells, other.cells, strict=True))
        if not other.is_numeric and len(pairs) == len(set(chosen.cells)) == len(set(other.cells)):
            return other
    return chosen


def _one_hot(columns: Sequence[Column]) -> list[Column]:
    """Columns of 0 and 1, each of which stands for a class."""
    binary = [column for column in columns if column.is_binary]
    if len(binary) < 2:
        return []
    rows = list(zip(*(column.cells for column in binary), strict=True))
    single = sum(sum(number_of(cell) == 1 for cell in row) == 1 for row in rows)
    return binary if single >= _ONE_HOT_SHARE * len(rows) or len(binary) == len(columns) else []
