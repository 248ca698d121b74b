"""Main loop of a worker process: run a task with a model, again and again.

Jobs with their limits are read and results are written as pickles. The process ends with its input,
and when its parent is killed, even while a task runs.
"""

import os
import pickle
import sys
import threading
import time
from importlib import import_module

from tunespace.errors import ModelError
from tunespace.models.foreign.load import load_joint_model
from tunespace.models.job_limits import limited

_SECONDS_BETWEEN_CHECKS = 1.0


def _end_with_parent() -> None:
    """End the process when its parent has ended, which gives it another parent."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_SECONDS_BETWEEN_CHECKS)
        os._exit(1)

    threading.Thread(target=watch, name="watch-parent", daemon=True).start()


def serve(task: str, model: str) -> None:
    """Run the main loop of a worker process.

    Args:
        task: ``module:function``, called with a job and the model.
        model: Name or folder of the model; empty for a task that needs none.
    """
    _end_with_parent()
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr  # only results may be written there
    module, name = task.split(":")
    run = getattr(import_module(module), name)
    try:
        loaded = load_joint_model(model, check=False) if model else None
        _ = loaded and loaded.audio_tower
    except ModelError as error:
        pickle.dump(str(error), answers)
        answers.flush()
        return
    pickle.dump(None, answers)  # ready
    answers.flush()
    while True:
        try:
            job, limits = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the parent alone
        except EOFError:
            return
        with limited(limits):
            answer = run(job, loaded)
        try:
            pickle.dump(answer, answers)
            answers.flush()
        except BrokenPipeError:
            os._exit(0)  # the parent is gone; a traceback would only clutter its terminal
