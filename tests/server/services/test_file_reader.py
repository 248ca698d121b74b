import asyncio
from pathlib import Path
from typing import Any

import pytest

import sounds
from tunespace.errors import AudioError
from tunespace.library.file_jobs import CoverArtJob, PeaksJob
from tunespace.models.job_limits import JobLimits
from tunespace.server.services.cover_arts import CoverArts
from tunespace.server.services.file_reader import FileReader
from tunespace.server.services.waveforms import Waveforms

PNG = b"\x89PNG\r\n\x1a\n" + b"inside"


def run(jobs: list[CoverArtJob | PeaksJob], limits: JobLimits | None = None) -> list[Any]:
    """Return results, and the reasons of jobs that failed."""
    reader = FileReader(limits) if limits else FileReader()

    async def all_() -> list[Any]:
        done = await asyncio.gather(*(reader.run(job) for job in jobs), return_exceptions=True)
        return [result.reason if isinstance(result, AudioError) else result for result in done]

    try:
        return asyncio.run(all_())
    finally:
        reader.close()


def test_peaks_of_a_file(tmp_path: Path) -> None:
    path = sounds.wav(tmp_path / "a.wav", sounds.tone(2.0, 16_000, level=0.5))
    [peaks] = run([PeaksJob(str(path), 2.0, 10)])
    assert len(peaks) == 10
    assert max(peaks) == pytest.approx(0.5, abs=0.01)
    assert peaks[0] < peaks[4]


def test_a_file_that_is_no_audio_fails_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"no music")
    [reason, missing] = run(
        [PeaksJob(str(tmp_path / "a.wav"), 1, 10), PeaksJob(str(tmp_path / "b.wav"), 1, 10)]
    )
    assert "is not audio" in reason
    assert missing == "does not exist"


def test_a_file_beyond_the_limits_fails_and_the_next_is_read(tmp_path: Path) -> None:
    long = sounds.wav(tmp_path / "long.wav", sounds.tone(600.0, 48_000), 48_000)
    short = sounds.wav(tmp_path / "short.wav", sounds.tone(1.0, 16_000))
    jobs: list[CoverArtJob | PeaksJob] = [PeaksJob(str(long), 600, 10)] * 3
    results = run([*jobs, PeaksJob(str(short), 1, 10)], JobLimits(0.05, 2**30))
    assert results[:3] == ["takes too long to decode for its size"] * 3
    assert len(results[3]) == 10


def test_cover_art_that_inflates_is_not_shown(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.mp3"
    bomb.write_bytes(sounds.mp3_with_compressed_frame(b"APIC", 60_000_000))
    assert run([CoverArtJob(str(bomb))]) == [None]


def test_cover_art_and_waveforms_are_cached_until_the_file_changes(tmp_path: Path) -> None:
    path = sounds.write_as(tmp_path, sounds.BY_SUFFIX["flac"], seconds=0.5)

    class CountingReader(FileReader):
        jobs = 0

        async def run(self, job: CoverArtJob | PeaksJob) -> Any:  # noqa: ANN401
            self.jobs += 1
            return await super().run(job)

    reader = CountingReader()

    async def use() -> None:
        covers, waveforms = CoverArts(reader), Waveforms(reader)
        for _ in range(2):
            assert await covers.cover_of(path) is None
            assert len(await waveforms.peaks_of(path, 0.5, 10)) == 10
        assert reader.jobs == 2
        (tmp_path / "cover.png").write_bytes(PNG)
        sounds.write_as(tmp_path, sounds.BY_SUFFIX["flac"], seconds=0.4)
        found = await covers.cover_of(path)
        assert found is not None
        assert found.data == PNG
        assert reader.jobs == 3

    try:
        asyncio.run(use())
    finally:
        reader.close()
