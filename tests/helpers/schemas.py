"""The JSON that others script against, as data: the README quotes it, `conforms` proves it.

A type stands for a value of that type (`float` takes whole numbers too), a string for itself, `None` for null, a tuple
for one of several, `[x]` for a list of x, `{str: x}` for names that are not known before, `{"a": x}` for exactly these
keys, of which those that end in "?" may be missing.
"""

from __future__ import annotations

from typing import Any

MEASURED = {"value": (float, None), "low": (float, None), "high": (float, None), "n": int}
METRICS = {
    "accuracy": MEASURED,
    "balanced_accuracy": MEASURED,
    "macro_f1": MEASURED,
    "auc?": MEASURED,
    "majority_class_accuracy": (float, None),
    "classes": [str],
    "confusion_matrix": [[int]],
    "per_class": {str: {str: object}},
    "sentence": str,
    "note?": str,
}
GROUPING = {"key": str, "sentence": str, "examples": [{"name": str, "start": int, "end": int}]}
PIXEL_RULE = {
    "method": ("range", "percentile", "window"),
    "low": float,
    "high": float,
    "background": [int],
    "frame": ("auto", "first", "middle", "last"),
    "colour": ("as stored", "grey"),
    "border": float,
    "sentence": str,
    "reason": str,
}
PROBE = {
    "name": str,
    "label": str,
    "auc": (float, None),
    "low": (float, None),
    "high": (float, None),
    "chance": (float, None),
    "verdict": ("red", "question", "quiet"),
    "sentence": str,
}
SHORTCUTS = {
    "probes": [PROBE],
    "images": int,
    "verdict": ("red", "question", "quiet"),
    "sentence": str,
    "border": float,
}
SHOCK = {
    **dict.fromkeys(("naive", "naive_low", "naive_high", "safe", "safe_low", "safe_high"), float),
    **dict.fromkeys(("difference", "low", "high"), float),
    **dict.fromkeys(("images", "groups", "repeats"), int),
    "sentence": str,
}
CHECK = {
    "used": int,
    "left_out": [{"path": str, "reason_code": str, "reason": str}],
    "labels_without_file": [str],
    "classes": {str: int},
    "split": {"train": int, "validation": int, "test": int},
    "layout": ("class folders", "train/validation/test", "domain folders", "label table"),
    "evidence": [str],
    "warnings": [{"code": str, "message": str}],
    "notices": [{"path": str, "code": str, "message": str}],
    "groups": {
        "key": str,
        "sentence": str,
        "groups": int,
        "images": int,
        "largest": int,
        "without": int,
        "proposed": GROUPING,
    },
    "leaks": [{"kind": ("copy", "twin"), "paths": [str], "classes": [str], "parts": [str], "similarity": float}],
    "pixel_rule": PIXEL_RULE,
    "changes": [str],
    "shortcuts?": (SHORTCUTS, None),
    "shock?": (SHOCK, None),
}
EVALUATE = {str: METRICS}
PREDICT = [{"path": str, "label": str, "probabilities": {str: float}, "problem": str}]
EXPORT = {"folder": str, "format": ("weights", "onnx"), "files": [str], "parity": {str: object}, "worst_image": str}
METRICS_FILE = {
    "best_epoch": int,
    "classes": [str],
    "test_evaluations": int,
    "intervals": "95 %",
    "validation": METRICS,
    "test?": METRICS,
    "retention?": {str: object},
}

GROUP = {"name": str, "parameters": int, "trainable": bool, "learning_rate": (float, None)}
SIMILARITY = {
    "value": float,
    "low": float,
    "high": float,
    "spread": float,
    "band": ("near", "middle", "far", None),
    "sure": bool,
    "doubt": ("", "mixture"),
    "images": int,
    "backbone": str,
    "method": str,
}
ADAPTATION = {
    "loss": (float, None),
    "domain_accuracy": (float, None),
    "target_entropy": (float, None),
    "target_spread": (float, None),
    "score": (float, None),
    "weight": float,
    "alarm": str,
}
RETENTION = {
    "meter": ("accuracy", "agreement"),
    "images": int,
    "before": float,
    "now": float,
    "low": float,
    "high": float,
}
TASKS = [{"name": str, "images": int, "before": float, "now": float}]
EVERY = {
    "balanced_accuracy": float, "low": float, "high": float, "classes": int, "new_images": int, "earlier_images": int,
    "of_classes": int,
}  # fmt: skip
EVENTS: dict[str, dict[str, Any]] = {
    "RunStarted": {
        "run": str,
        "backbone": str,
        "strategy": str,
        "classes": [str],
        "train_images": int,
        "validation_images": int,
        "test_images": int,
        "epochs": int,
        "seed": int,
    },
    "Progress": {"stage": str, "done": int, "total": int, "seconds_left": (float, None)},
    "Notice": {"code": str, "message": str},
    "LayersChanged": {
        "step": int,
        "reason": ("start", "unfreeze", "freeze", "resume", "undo", "rates", "chosen", "verdict"),
        "parameters": int,
        "trainable_parameters": int,
        "groups": [GROUP],
        "by_itself": bool,
        "undo_step": (int, None),
        "snapshot_bytes": int,
        "judged_after": (int, None),
    },
    "FirstAnswered": {
        "accuracy": float,
        "low": float,
        "high": float,
        "images": int,
        "folds": int,
        "largest_class": float,
        "seconds": float,
        "classes": int,
        "of_classes": int,
    },
    "StrategyChosen": {
        "strategy": str,
        "top_groups": int,
        "by": ("images", "headroom", "trial"),
        "sentence": str,
        "epochs": int,
    },
    "MovePlanned": {
        "kind": ("unfreeze", "freeze"),
        "groups": int,
        "names": [str],
        "parameters_now": int,
        "parameters_then": int,
        "seconds_now": (float, None),
        "seconds_then": (float, None),
        "memory_now_bytes": (int, None),
        "memory_then_bytes": (int, None),
        "learning_rates": {str: float},
        "snapshot_bytes": int,
        "judged_after": int,
        "control_seconds": (float, None),
        "reason": str,
    },
    "MoveJudged": {
        "kind": ("unfreeze", "freeze"),
        "names": [str],
        "step": int,
        "epoch": int,
        "verdict": ("helped", "no difference", "hurt"),
        "difference": float,
        "low": float,
        "high": float,
        "with_it": float,
        "without_it": float,
        "better": int,
        "worse": int,
        "images": int,
        "epochs": int,
        "sentence": str,
    },
    "Undone": {
        "to_step": int,
        "to_epoch": int,
        "from_step": int,
        "from_epoch": int,
        "best_epoch": (int, None),
        "keep_strength": (float, None),
    },
    "BatchEnded": {
        "epoch": int,
        "step": int,
        "batches": int,
        "batch": int,
        "loss": (float, None),
        "images_per_second": (float, None),
        "seconds_left": (float, None),
        "learning_rates": {str: float},
    },
    "EpochEnded": {
        "epoch": int,
        "epochs": int,
        "step": int,
        "train_loss": (float, None),
        "validation_loss": (float, None),
        "validation_accuracy": (float, None),
        "validation_balanced_accuracy": (float, None),
        "validation_calibrated_loss": (float, None),
        "learning_rates": {str: float},
        "best": bool,
        "adaptation": (ADAPTATION, None),
        "retention": (RETENTION, None),
        "seconds": float,
        "seconds_left": (float, None),
    },
    "SimilarityMeasured": {"measured": (SIMILARITY, None), "sentence": str},
    "Paused": {"step": int},
    "Continued": {"step": int},
    "Extended": {"step": int, "epochs": int},
    "Resumed": {"step": int, "epoch": int, "keep_strength": (float, None)},
    "Evaluated": {"split": ("train", "known", "validation", "test", "new"), "metrics": METRICS},
    "RetentionMeasured": {"seen": RETENTION, "tasks": TASKS, "looks": int, "every": (EVERY, None), "sentence": str},
    "MixesTried": {
        "mixes": [{"earlier": float, "new": float, "old": (float, None)}],
        "chosen": float,
        "by_itself": bool,
        "new_images": int,
        "old_images": int,
        "sentence": str,
    },
    "Completed": {"run": str, "best_epoch": (int, None), "message": str},
    "Stopped": {"run": str, "best_epoch": (int, None)},
    "Failed": {"run": str, "problem": str, "remedy": str, "details": str, "is_fault": bool, "code": str},
    "Crashed": {"run": str, "cause": str, "last_lines": str},
}
ENDINGS = ("Completed", "Stopped", "Failed", "Crashed")
# What differs between two equal runs: measured times, and the place of the run.
TIMES = ("seconds", "seconds_left", "images_per_second", "run")


def conforms(value: Any, schema: Any, place: str = "$") -> None:
    """Fails with the place of the first value that is not as the schema says."""
    match schema:
        case tuple():
            failures = [failure for one in schema if (failure := _failure(value, one, place))]
            assert len(failures) < len(schema), "; ".join(failures)
        case list():
            assert isinstance(value, list), f"{place} is no list"
            for index, item in enumerate(value):
                conforms(item, schema[0], f"{place}[{index}]")
        case dict() if str in schema:
            assert isinstance(value, dict), f"{place} is no object"
            for key, item in value.items():
                conforms(item, schema[str], f"{place}.{key}")
        case dict():
            assert isinstance(value, dict), f"{place} is no object"
            known = {key.rstrip("?") for key in schema}
            needed = {key for key in schema if not key.endswith("?")}
            assert needed <= set(value) <= known, f"{place} has the keys {sorted(value)}, not {sorted(known)}"
            for key, item in value.items():
                conforms(item, schema.get(key, schema.get(f"{key}?")), f"{place}.{key}")
        case type():
            kinds = (int, float) if schema is float else schema
            fits = isinstance(value, kinds) and (schema in (bool, object) or not isinstance(value, bool))
            assert fits, f"{place} is {value!r}, not {schema.__name__}"
        case _:
            assert value == schema, f"{place} is {value!r}, not {schema!r}"


def _failure(value: Any, schema: Any, place: str) -> str:
    try:
        conforms(value, schema, place)
    except AssertionError as failure:
        return str(failure) or place
    return ""


def conforms_as_run(events: list[dict[str, Any]], ending: str) -> None:
    """Every event is as its type says; the first is `RunStarted`, and the last alone is an ending."""
    for event in events:
        conforms({key: value for key, value in event.items() if key != "type"}, EVENTS[event["type"]], event["type"])
    assert events[0]["type"] == "RunStarted"
    assert [event["type"] for event in events if event["type"] in ENDINGS] == [ending]
    assert events[-1]["type"] == ending


def without_times(value: Any) -> Any:
    """The same without what two equal runs may differ in."""
    if isinstance(value, dict):
        return {key: without_times(item) for key, item in value.items() if key not in TIMES}
    if isinstance(value, list):
        return [without_times(item) for item in value]
    return value
