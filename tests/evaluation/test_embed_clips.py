import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import sounds
import tiny_model
from tunespace.errors import DataError
from tunespace.evaluation.audio_view import Clip
from tunespace.evaluation.embed_clips import embed_clips
from tunespace.models import Model, load_model


def test_vectors_are_those_of_the_model(model: Model, clips: Path, tmp_path: Path) -> None:
    paths = [str(clips / f"{n}.wav") for n in range(4)]
    wanted = [Clip(p) for p in paths] + [
        Clip(paths[3], 0.5, 0.5),
        Clip(paths[0]),
    ]
    vectors, failed = embed_clips(model, wanted, cache=tmp_path / "c.sqlite", workers=2)
    assert not failed
    np.testing.assert_array_equal(vectors[:4], model.embed_audio(paths))
    np.testing.assert_array_equal(vectors[5], vectors[0])
    part = model.embed_file(paths[3], start=0.5, duration=0.5).vector
    np.testing.assert_array_equal(vectors[4], part)


def test_embeddings_are_read_from_the_cache(model: Model, clips: Path, tmp_path: Path) -> None:
    cache = tmp_path / "folder" / "c.sqlite"
    calls: list[tuple[int, int]] = []

    def count(done: int, total: int) -> None:
        calls.append((done, total))

    wanted = [Clip(str(clips / f"{n}.wav")) for n in range(4)]
    first, _ = embed_clips(model, wanted[:3], cache=cache, on_progress=count)
    assert [total for _, total in calls] == [3, 3, 3]
    calls.clear()
    second, _ = embed_clips(model, wanted, cache=cache, on_progress=count)
    assert calls == [(1, 1)]
    np.testing.assert_array_equal(second[:3], first)
    os.utime(wanted[0].path, ns=(1, 1))  # another file under the same name
    calls.clear()
    embed_clips(model, wanted, cache=cache, on_progress=count)
    assert calls == [(1, 1)]
    other = tiny_model.make(tmp_path / "other")
    tiny_model.write_config(other, name="other")
    calls.clear()
    embed_clips(load_model(other), wanted, cache=cache, on_progress=count)
    assert len(calls) == 4


def test_an_unreadable_file_affects_one_row(model: Model, clips: Path, tmp_path: Path) -> None:
    (clips / "broken.mp3").write_bytes(b"nothing")
    wanted = [Clip(str(clips / "broken.mp3")), Clip(str(clips / "0.wav"), start=60)]
    wanted += [Clip(str(clips / "gone.mp3")), Clip(str(clips / "0.wav"))]
    vectors, failed = embed_clips(model, wanted, cache=tmp_path / "c.sqlite")
    assert set(failed) == {0, 1, 2}
    assert "not audio" in failed[0]
    assert "after 60 s" in failed[1]
    assert "does not exist" in failed[2]
    assert not vectors[:3].any()
    assert vectors[3].any()


def test_a_killed_run_is_resumed(model: Model, tmp_path: Path) -> None:
    for n in range(60):
        tone = 0.5 * sounds.tone(20.0, 16_000, 100.0 + n)
        sounds.wav(tmp_path / f"{n}.wav", tone)
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tunespace.evaluation.embed_clips import embed_clips\n"
        "from tunespace.evaluation.audio_view import Clip\n"
        "from tunespace.models import load_model\n"
        "folder = Path(sys.argv[1])\n"
        "clips = [Clip(str(folder / f'{n}.wav')) for n in range(60)]\n"
        "def show(done, total):\n"
        "    print(done, flush=True)\n"
        "    import time; time.sleep(0.1)\n"
        "embed_clips(load_model(folder / 'model'), clips, cache=folder / 'c.sqlite', workers=1,\n"
        "            on_progress=show)\n"
    )
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 25:
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    left: list[int] = []
    wanted = [Clip(str(tmp_path / f"{n}.wav")) for n in range(60)]
    time.sleep(0.1)
    embed_clips(
        model,
        wanted,
        cache=tmp_path / "c.sqlite",
        on_progress=lambda _, total: left.append(total),
    )
    assert 0 < left[0] <= 50


def test_a_cache_that_cannot_be_used_is_named(model: Model, clips: Path, tmp_path: Path) -> None:
    cache = tmp_path / "c.sqlite"
    cache.write_bytes(b"this is no database, and long enough to be told from one" * 40)
    with pytest.raises(DataError, match=r"the cache .* cannot be used"):
        embed_clips(model, [Clip(str(clips / "0.wav"))], cache=cache)
