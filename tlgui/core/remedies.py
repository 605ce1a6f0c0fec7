"""What the window says where a message names something that is typed: its own remedy, by the code of the problem.

To add a code: give it to the `UserError` where it is raised, append it here with the window's words ("" where the remedy
can stand as it is), and run `pytest tests/core/test_remedies.py`, which looks for remedies that name what is typed.
"""

from __future__ import annotations

_FIND_IMAGES = "Say where the images are now, then try again."

CODES: dict[str, str] = {
    # Weights of a backbone
    "weights_missing": "Download them on the Backbone page, or choose a file of weights there.",
    "weights_damaged": "Download them again on the Backbone page, or choose a file of weights there.",
    "weights_own": "Choose that file of weights, then continue the run.",
    "weights_unfit": "",
    "weights_folder": "",
    "download_failed": "Check the network and try again. Or fetch the file on another computer: the Backbone page says "
    "what it is called, how large it is and where to put it.",
    "no_pretrained": "Choose training from scratch on the Strategy page, or another network on the Backbone page.",
    "backbone_unknown": "",
    "backbone_unfit": "",
    "size_not_taken": "",
    # The images
    "images_missing": _FIND_IMAGES,
    "images_changed": "Put back what is missing or was changed, or say where the run's images are now, then continue "
    "the run.",
    "drive_gone": "Nothing before the last checkpoint is lost. Connect the drive, put the folder back or say where the "
    "images are now; then continue the run.",
    "no_images": "",
    "one_class": "",
    "too_few_images": "",
    "table_gone": "",
    "project_folder": "",
    # The run
    "not_a_run": "",
    "run_locked": "",
    "run_unfinished": "Start a new run from the images.",
    "run_damaged": "",
    "run_folder": "Free some space there, or give yourself permission to write there, then try again.",
    "nothing_to_continue": "Add epochs to train it further.",
    "no_model": "",
    "diverged": "",
    # Comparisons
    "not_comparable": "",
    "comparison_unfinished": "",
    "comparison_images": "",
    "comparison_folder": "",
    "source_knows": "",
    "target_missing": "Say where the images of the new site are now, then continue the run.",
    "no_such_keep": "",
    "no_source_run": "Choose another run to learn on from, or train a new model instead.",
    "nothing_known": "Choose another way of keeping what it knows on the Strategy page, or none.",
    "earlier_missing": "Choose the folder of the images that the earlier run learned from.",
    "no_statistics": "Choose another way of adapting, or another network.",
    "no_target": "Choose the folder of the new site's images, or train without adapting.",
    "no_sites": "Say how the sites are told: by folder, by a column of the table, or by a pattern in the file name.",
    "same_images": "",
    # The computer
    "disk_full": "Free some space, then try again; nothing that was saved is lost.",
    "out_of_memory": "Close other programs, then continue; or train again with a smaller batch size or backbone.",
    "device": "",
    "installation": "Start the program again with 'python3 packaging/run.py': that repairs the installation.",
    # Exports
    "export_folder": "Free some space there, or choose another place for the export.",
    "export_too_large": "Export the weights instead.",
    "export_unproved": "",
}


def window_remedy(code: str, remedy: str) -> str:
    """The remedy in the window's words: those of the code, where it has some, else `remedy` as it is."""
    return CODES.get(code) or remedy
