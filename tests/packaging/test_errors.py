import errno
from pathlib import Path

import pytest
from bootstrap_errors import (
    KNOWN_FAILURES,
    QT_LIBRARIES,
    Surroundings,
    from_os_error,
    installation_error,
    library_named_in,
    missing_libraries_error,
    size_words,
)

HERE = Surroundings(Path("/tl gui/.venv"), Path("/tl gui/.venv/install.log"), "3.11", 9_400_000_000, 1_200_000_000)

PIP_SAYS = [
    (
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
        "The disk is too small: about 9.4 GB are needed for '/tl gui/.venv' and 1.2 GB are free. Free some room",
    ),
    (
        "ERROR: Could not install packages due to an OSError: [WinError 112] There is not enough space on the disk",
        "The disk is too small",
    ),
    (
        "ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: 'x'",
        "There is no permission to write everywhere in '/tl gui/.venv'. Make the folder yours",
    ),
    (
        "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed'))",
        "The certificate of the package index is not trusted here, as behind many hospital and company proxies. Name",
    ),
    (
        "ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407 Proxy Authentication Required'))",
        "The proxy between this computer and the package index does not let pip through. Set the environment variable",
    ),
    (
        "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(\"Failed to establish a new "
        "connection: [Errno -3] Temporary failure in name resolution\")'\n"
        "ERROR: No matching distribution found for msgspec>=0.19",
        "There is no network: pip cannot reach the package index. Connect to the network, or set HTTPS_PROXY",
    ),
    ("pip._vendor.urllib3.exceptions.ReadTimeoutError: Read timed out.", "There is no network"),
    ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "A package arrived damaged. Start"),
    (
        "ERROR: Could not find a version that satisfies the requirement torch>=2.10 (from versions: none)\n"
        "ERROR: No matching distribution found for torch>=2.10",
        "There is no build of 'torch>=2.10' for Python 3.11 on this kind of computer. Use another version of Python",
    ),
    (
        "Error: Refusing to create a venv in /a:b/.venv because it contains the PATH separator :.",
        "Python cannot make an environment in '/tl gui/.venv', because a folder of its path has ':' in its name.",
    ),
    (
        "The virtual environment was not created successfully because ensurepip is not available.",
        "This Python lacks the module that makes environments (venv with ensurepip). "
        "Debian, Ubuntu: sudo apt install python3-venv",
    ),
]


@pytest.mark.parametrize(("output", "sentence"), PIP_SAYS)
def test_what_pip_says_becomes_a_sentence_with_a_remedy(output: str, sentence: str) -> None:
    error = installation_error(["Collecting msgspec", *output.splitlines()], 1, HERE)

    assert str(error).startswith(sentence)
    assert "\n" not in str(error) and "{" not in str(error)
    assert error.problem.endswith(".") and error.remedy.endswith(".")


def test_every_known_failure_has_its_example() -> None:
    said = {installation_error(output.splitlines(), 1, HERE).remedy for output, _ in PIP_SAYS}

    assert said == {row.remedy for row in KNOWN_FAILURES}


def test_a_pip_that_the_system_ended_is_explained() -> None:
    assert str(installation_error([], -9, HERE)).startswith(
        "The system ended pip (signal 9), most likely for want of memory. Close other programs"
    )


def test_an_unknown_failure_says_pips_last_word_and_where_all_of_them_are() -> None:
    error = installation_error(["ERROR: first", "ERROR: the resolver gave up.", "hint"], 1, HERE)

    assert str(error) == (
        "pip failed: ERROR: the resolver gave up. "
        "Its whole output is in '/tl gui/.venv/install.log'; start again after a remedy."
    )
    assert "exit code 3" in str(installation_error([], 3, HERE))


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "The disk is too small: about 9.4 GB"),
        (errno.EACCES, "There is no permission to write in '/tl gui'"),
        (errno.EROFS, "There is no permission to write in '/tl gui'"),
    ],
)
def test_a_refusal_of_the_system_is_a_sentence(number: int, sentence: str) -> None:
    assert str(from_os_error(OSError(number, "no"), HERE)).startswith(sentence)


def test_a_bug_stays_visible() -> None:
    assert from_os_error(OSError(errno.EBADF, "bad file descriptor"), HERE) is None


def test_a_missing_library_of_qt_names_the_package_of_debian_and_of_fedora() -> None:
    said = ["ImportError: libEGL.so.1: cannot open shared object file: No such file or directory"]

    assert library_named_in(said) == "libEGL.so.1"
    assert str(missing_libraries_error(["libEGL.so.1"])) == (
        "Qt needs system libraries that are missing here: libEGL.so.1. "
        "Debian, Ubuntu: sudo apt install libegl1; Fedora: sudo dnf install mesa-libEGL."
    )


@pytest.mark.parametrize("name", [row.name for row in QT_LIBRARIES])
def test_every_library_of_the_table_has_its_packages(name: str) -> None:
    row = next(row for row in QT_LIBRARIES if row.name == name)

    assert library_named_in([f"{name}: cannot open shared object file"]) == name
    assert f"apt install {row.debian};" in str(missing_libraries_error([name]))
    assert f"dnf install {row.fedora}." in str(missing_libraries_error([name]))


def test_packages_that_bring_two_libraries_are_named_once() -> None:
    assert "apt install libglib2.0-0;" in str(missing_libraries_error(["libglib-2.0.so.0", "libgthread-2.0.so.0"]))


def test_an_unknown_library_is_named_all_the_same() -> None:
    assert "libodd.so.7" in str(missing_libraries_error(["libodd.so.7"]))
    assert library_named_in(["ImportError: something else"]) is None


@pytest.mark.parametrize(("size", "words"), [(6_400_000_000, "6.4 GB"), (230_000_000, "230 MB"), (-5, "0 MB")])
def test_sizes_are_said_as_disks_count(size: int, words: str) -> None:
    assert size_words(size) == words
