"""Runs `loregraft ...` commands in forks of one warm process: importing torch takes 5 s, a fork 10 ms.

Started by the fixture `commands`. Requests and answers are lines of JSON: {"start": {...}} is
answered by a process id, {"wait": id} by its exit code (minus the number of the signal that ended it).
"""

import importlib
import json
import os
import resource
import signal
import sys
import traceback

IMPORTED_BY_A_RUN = (
    "pyarrow.dataset",
    "scipy.stats",
    "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto",
    "transformers.models.bert.modeling_bert",
    "loregraft.cli.main",
    "loregraft.cli.progress",
    "loregraft.recipe.run",
)


def warm_up() -> None:
    """Import what a run imports, and call nothing: threads would not survive a fork."""
    for module in IMPORTED_BY_A_RUN:
        importlib.import_module(module)


def start(request: dict[str, object]) -> int:
    """Fork a process that runs one command and ends."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        for target, name in enumerate(("/dev/null", request["stdout"], request["stderr"])):
            descriptor = os.open(str(name), os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
            os.dup2(descriptor, target)
            os.close(descriptor)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
        os.chdir(str(request["cwd"]))
        if request["file_bytes"] is not None:
            limit = int(str(request["file_bytes"]))
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        sys.argv = ["loregraft", *request["arguments"]]  # type: ignore[misc]
        code = command()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def command() -> int:
    """Do what `python -m loregraft` does, and give its exit code."""
    from loregraft.cli.main import main

    try:
        main()
    except SystemExit as exit:
        if isinstance(exit.code, str):
            sys.stderr.write(exit.code)
        return exit.code if isinstance(exit.code, int) else int(exit.code is not None)
    return 0


if __name__ == "__main__":
    warm_up()
    for line in sys.stdin:
        request = json.loads(line)
        if "start" in request:
            answer = start(request["start"])
        else:
            answer = os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1])
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()
