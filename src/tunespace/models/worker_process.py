"""Main loop of a worker process: run a task with a model, again and again.

Jobs are read and results are written as pickles. The process ends with its input, and hence also
when its parent is killed.
"""

import os
import pickle
import sys
from importlib import import_module

from tunespace.errors import ModelError
from tunespace.models.foreign.load import load_joint_model


def serve(task: str, model: str) -> None:
    """Run the main loop of a worker process.

    Args:
        task: ``module:function``, called with a job and the model.
        model: Name or folder of the model; empty for a task that needs none.
    """
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr  # only results may be written there
    module, name = task.split(":")
    run = getattr(import_module(module), name)
    try:
        loaded = load_joint_model(model) if model else None
        _ = loaded and loaded.audio_tower
    except ModelError as error:
        pickle.dump(str(error), answers)
        answers.flush()
        return
    pickle.dump(None, answers)  # ready
    answers.flush()
    while True:
        try:
            job = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the parent alone
        except EOFError:
            return
        answer = run(job, loaded)
        try:
            pickle.dump(answer, answers)
            answers.flush()
        except BrokenPipeError:
            os._exit(0)  # the parent is gone; a traceback would only clutter its terminal
