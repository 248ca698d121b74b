import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Run


def test_index_then_search(run: Run, music: Path) -> None:
    indexed = run("index", music)
    assert indexed.code == 0
    assert "2  tracks added" in indexed.out
    assert f"not readable: {music}/broken.mp3 is not audio" in indexed.out
    found = run("search", "low")
    assert found.code == 0
    lines = found.out.splitlines()
    assert lines[0].split() == ["score", "title", "artist", "best", "at", "file"]
    assert "low tone" in lines[1]
    assert "0:00-0:01" in lines[1]
    assert "high tone" in lines[2]
    assert str(music) in lines[3]


def test_json_of_index_and_search(run: Run, music: Path) -> None:
    report = run("index", music, "--json").json()
    assert report["added"] == 2
    assert report["tracks"] == 2
    assert report["failed"][0]["path"] == str(music / "broken.mp3")
    hits = run("search", "high", "--json").json()
    assert [hit["title"] for hit in hits] == ["high tone", "low tone"]
    assert hits[0].keys() >= {"score", "cosine", "path", "artist", "year", "start", "end"}
    assert hits[0]["year"] == 1999


def test_the_query_needs_no_quotes(run: Run, music: Path) -> None:
    run("index", music)
    assert run("search", "low", "piano", "--json").json()[0]["title"] == "low tone"


def test_search_options_can_be_combined(run: Run, music: Path) -> None:
    run("index", music)
    low = music / "low.flac"
    assert [h["title"] for h in run("search", "--like", low, "--json").json()] == ["high tone"]
    named = run("search", "--like", "high tone", "--json").json()
    assert [h["title"] for h in named] == ["low tone"]
    assert run("search", "--not", "low", "--json").json()[0]["title"] == "high tone"
    assert run("search", "low", "--where", "year < 1990", "--json").json() == []
    assert len(run("search", "low", "--top", 1, "--json").json()) == 1
    assert run("search", "low", "--min-score", 100, "--json").json() == []
    assert len(run("search", "low", "--per-artist", 1, "--json").json()) == 1
    assert len(run("search", "--where", "year = 1999", "--json").json()) == 2


def test_similar(run: Run, music: Path) -> None:
    run("index", music)
    assert "high tone" in run("similar", music / "low.flac").out
    missing = run("similar", "no such thing")
    assert missing.code == 1
    assert "there is no file 'no such thing'" in missing.err


def test_a_playlist_is_written_beside_the_hits(run: Run, music: Path, tmp_path: Path) -> None:
    run("index", music)
    found = run("search", "low", "--m3u8", tmp_path / "out.m3u8")
    assert "2 tracks in" in found.err
    assert (tmp_path / "out.m3u8").read_text().splitlines()[2] == "music/low.flac"


def test_corrections_are_printed(run: Run, music: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNESPACE_MODEL", "tunespace-small")
    run("index", music)
    found = run("search", "accoustic guittar", "--json")
    assert found.err == "accoustic is read as acoustic\nguittar is read as guitar\n"
    assert found.json() == run("search", "acoustic guitar", "--json").json()
    assert run("search", "the tonnes").err == ""
    assert run("search", "by the tones").err == ""


def test_an_empty_result_is_reported(run: Run, music: Path) -> None:
    run("index", music)
    nothing = run("search", "low", "--where", "year = 1800")
    assert (nothing.code, nothing.out, nothing.err) == (
        0,
        "",
        "no track matches the filter\n",
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["search", "low"], 1, "tunespace: there is no library in"),
        (["index", "/no/such/folder"], 1, "tunespace: /no/such/folder does not exist"),
        (["search", "low", "--top", "0"], 2, "--top"),
        (["search", "low", "--min-score", "101"], 2, "--min-score"),
        (["index"], 1, "run `tunespace index FOLDER`"),
        (["frobnicate"], 2, "No such command 'frobnicate'.\n"),
        (["serch"], 2, "Did you mean 'search'?"),
        (["search", "--unknown"], 2, "--unknown"),
    ],
)
def test_errors_are_one_sentence_and_a_code(
    arguments: list[str], code: int, message: str, run: Run
) -> None:
    ran = run(*arguments)
    assert ran.code == code
    assert message in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["search"], "the query is empty"),
        (["search", ""], "the query is empty"),
        (["search", "  "], "the query is empty"),
        (["search", "low", "--where", "1=1; drop table"], "the filter cannot be read"),
        (["search", "zzz"], "no word of 'zzz' is known"),
        (["search", "low", "--like", "nothing.mp3"], "there is no file 'nothing.mp3'"),
        (["search", "low", "--model", "nothing"], "there is no model 'nothing'"),
        (["search", "low", "--m3u8", "/no/such/folder/x.m3u8"], "cannot be written"),
    ],
)
def test_invalid_queries_are_refused(
    arguments: list[str], message: str, run: Run, music: Path
) -> None:
    run("index", music)
    ran = run(*arguments)
    assert ran.code == 1
    assert message in ran.err
    assert ran.err.count("\n") == 1 + ("tracks in" in ran.err)


def test_help_and_version(run: Run) -> None:
    assert "Find music with words" in run("--help").out
    assert "--where" in run("search", "-h").out
    assert run("--version").out.startswith("tunespace 0.")


def test_a_closed_pipe_is_no_error(music: Path, run: Run) -> None:
    run("index", music)
    command = f"{sys.executable} -c 'from tunespace.cli import main; main()' search low | true"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)  # noqa: S603, S607
    assert ran.stderr == ""


def test_index_and_search_need_no_torch(music: Path, tmp_path: Path) -> None:
    """In a process in which nothing that belongs to training can be imported."""
    script = tmp_path / "without.py"
    script.write_text(
        "import sys\n"
        "BANNED = {'torch', 'lightning', 'transformers', 'onnx', 'librosa', 'scipy'}\n"
        "class Ban:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in BANNED:\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Ban())\n"
        "from tunespace.cli import main\n"
        "main()\n"
    )
    environment = {n: v for n, v in os.environ.items() if n != "TUNESPACE_MODEL"}
    for arguments in (["index", str(music)], ["search", "calm piano"]):
        ran = subprocess.run(  # noqa: S603
            [sys.executable, script, *arguments],
            capture_output=True,
            text=True,
            env=environment | {"TUNESPACE_LIBRARY": str(tmp_path / "other")},
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
    assert "tone" in ran.stdout


def test_describe_needs_no_library(run: Run, music: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TUNESPACE_MODEL")
    ran = run("describe", music / "low.flac", "--top", 2)
    assert ran.code == 0
    assert "because of" in ran.out
    assert "instrument" in ran.out
    kinds = run("describe", music / "low.flac", "--json").json()
    assert kinds["genre"][0].keys() == {"word", "score", "because"}


def test_describe_a_track_of_the_library(
    run: Run, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TUNESPACE_MODEL")
    run("index", music)
    by_name = run("describe", "low tone", "--json").json()
    assert by_name == run("describe", music / "low.flac", "--json").json()
    assert "there is no file" in run("describe", "no such track").err


def test_describe_with_another_model_than_the_library_is_an_error(
    run: Run, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("index", music)
    monkeypatch.delenv("TUNESPACE_MODEL")
    ran = run("describe", music / "low.flac", "--model", "tunespace-small")
    assert ran.code == 1
    assert "tunespace-small" in ran.err
    assert not ran.out


def test_describing_a_file_that_is_not_audio_is_refused(run: Run, music: Path) -> None:
    ran = run("describe", music / "broken.mp3")
    assert ran.code == 1
    assert "is not audio" in ran.err
    assert "does not exist" in run("describe", music / "nothing.mp3").err


def test_models_are_shown_with_size_and_licence(run: Run, tmp_path: Path) -> None:
    shown = run("models").out
    assert "tunespace-small@" in shown
    assert "apache-2.0" in shown
    [about] = run("models", tmp_path / "model", "--json").json()
    assert about["name"] == "tiny"
    assert about["dim"] == 2


def test_doctor_reports_a_healthy_installation(run: Run, music: Path) -> None:
    run("index", music)
    ran = run("doctor")
    assert ran.code == 0, ran.out
    assert "2 tracks" in ran.out
    assert "broken.mp3 is not audio" in ran.out


def test_doctor_lists_excluded_patterns(run: Run, music: Path) -> None:
    run("index", str(music), "--exclude", "Live/", "--exclude", "high*")
    again = run("index", str(music), "--json").json()
    assert (again["tracks"], again["unchanged"]) == (1, 1)
    assert f"{music}; excluded: Live/, high*" in run("doctor").out.replace("\n", "")
    assert run("index", str(music), "--exclude", "", "--json").json()["added"] == 1
    assert "excluded: " not in run("doctor").out
    refused = run("index", str(music), "--exclude", "!")
    assert refused.code == 1
    assert "invalid pattern for --exclude" in refused.err


def test_doctor_reports_problems(run: Run, music: Path, tmp_path: Path) -> None:
    assert "there is no library" in run("doctor").out
    run("index", music)
    (music / "low.flac").unlink()
    ran = run("doctor", "--json")
    assert ran.code == 1
    checks = {check["check"]: check for check in ran.json()["checks"]}
    assert "the files of 1 are gone" in checks["library"]["found"]
    assert checks["model"]["ok"]
    (tmp_path / "model" / "text.onnx").write_bytes(b"x")
    checks = {check["check"]: check for check in run("doctor", "--json").json()["checks"]}
    assert "is not the file that config.json describes" in checks["model"]["found"]


def test_an_interrupt_is_one_sentence(
    run: Run, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tunespace.library.Library.index", interrupted)
    ran = run("index", music)
    assert ran.code == 130
    assert ran.err.startswith("tunespace: interrupted; the library has 0 tracks")


def test_forget_removes_a_folder_from_the_library(music: Path, run: Run) -> None:
    run("index", music)
    ran = run("forget", music)
    assert ran.code == 0
    assert "tracks removed from the library" in ran.out
    assert all(file.exists() for file in music.rglob("*.flac"))
    assert run("forget", music).err.startswith("tunespace: nothing in ")
    assert run("forget", music, "--json").code == 1


def test_a_forgotten_folder_is_reported_as_left_out(music: Path, run: Run) -> None:
    below = music / "below"
    below.mkdir()
    (music / "low.flac").rename(below / "low.flac")
    run("index", music)
    run("forget", below)
    ran = " ".join(run("index", music).out.split())
    assert "passed over: 1 folders that were removed with `tunespace forget`" in ran
    assert "forgotten: " in run("doctor").out


def test_index_goes_on_when_one_folder_is_missing(music: Path, run: Run, tmp_path: Path) -> None:
    ran = run("index", music, tmp_path / "away")
    assert ran.code == 1
    assert "away does not exist; the other folders were indexed" in " ".join(ran.out.split())
    assert "added" in ran.out


def test_relocate_to_a_folder_without_the_files_changes_nothing(
    music: Path, run: Run, tmp_path: Path
) -> None:
    run("index", music)
    (tmp_path / "other").mkdir()
    ran = run("relocate", music, tmp_path / "other")
    assert (ran.code, ran.err) == (
        1,
        f"tunespace: {tmp_path / 'other'} has none of the 2 files of {music}\n",
    )
    assert run("stats", "--json").json()["folders"] == [str(music)]


def test_relocate_changes_the_folder_of_tracks(music: Path, run: Run, tmp_path: Path) -> None:
    run("index", music)
    music.rename(tmp_path / "songs")
    ran = run("relocate", music, tmp_path / "songs")
    assert (ran.code, "2 tracks are in" in ran.out) == (0, True)
    again = run("index", "--json").json()
    assert (again["unchanged"], again["music_seconds"]) == (2, 0)


def test_index_without_paths_updates_the_folders_of_the_library(music: Path, run: Run) -> None:
    nothing = run("index")
    assert nothing.code == 1
    assert (
        nothing.err == "tunespace: the library has no folders yet: run `tunespace index FOLDER`\n"
    )
    run("index", music)
    assert run("index", "--json").json()["unchanged"] == 2


def test_quiet_index_prints_nothing_unless_something_changed(music: Path, run: Run) -> None:
    assert "2  tracks added" in run("index", music, "--quiet").out
    ran = run("index", music, "--quiet")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    (music / "low.flac").unlink()
    assert "1  tracks removed" in run("index", music, "--quiet").out


def test_an_index_that_finds_nothing_says_so(run: Run, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "notes.txt").write_text("x")
    (empty / "link.mp3").symlink_to(tmp_path)
    ran = run("index", empty)
    assert "no audio files were found" in ran.out
    assert "passed over: 1 .txt files" in ran.out


def test_a_lone_unreadable_file_is_a_failure(music: Path, run: Run) -> None:
    assert run("index", music / "broken.mp3").code == 1
    assert run("index", music / "low.flac", music / "broken.mp3").code == 0


def test_stats_and_list(music: Path, run: Run) -> None:
    run("index", music)
    ran = run("stats")
    assert "2, 0:04 of music" in ran.out
    assert "The Tones (2)" in ran.out
    found = run("stats", "--json").json()
    assert (found["tracks"], found["unreadable_files"], found["folders"]) == (2, 1, [str(music)])
    assert found["counts"]["decade"] == {"1990s": 2}
    lines = run("list").out.splitlines()
    assert sorted(line.split("\t")[1] for line in lines) == ["high tone", "low tone"]
    assert run("list", "--paths", "--limit", "1").out.startswith(str(music))
    assert len(run("list", "--json", "--where", "title = 'low tone'").json()) == 1
    none = run("list", "--where", "year = 1")
    assert (none.code, none.out, none.err) == (0, "", "no track matches the filter\n")


def test_a_search_without_hits_says_what_to_change(music: Path, run: Run) -> None:
    run("index", music)
    found = run("search", "low", "--where", "year < 1900", "--min-score", "3")
    assert found.err == "no track matches the filter\n"
    found = run("search", "low", "--where", "year > 1900", "--min-score", "99.5")
    assert found.err == "no track has a score of 99.5 or more\n"
    assert run("search", "low", "--where", "year > 1900").err == ""


def test_a_search_in_an_empty_library_says_so(tmp_path: Path, run: Run) -> None:
    run("index", tmp_path)
    found = run("search", "low")
    reason = "the library has no tracks: run `tunespace index PATH` first\n"
    assert (found.code, found.out, found.err) == (0, "", reason)


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_hits_take_one_or_two_lines(
    columns: int, music: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = music / ("a folder with a long name " * 4) / "and another one" / "low.flac"
    long.parent.mkdir(parents=True)
    (music / "low.flac").rename(long)
    run("index", music)
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = run("search", "low").out.splitlines()
    assert len(lines) <= 2 * 2 + 1
    assert all(len(line.rstrip()) <= columns for line in lines[:-1])
    assert any("low.flac" in line for line in lines)


def test_control_characters_do_not_reach_the_terminal(music: Path, run: Run) -> None:
    name = "a\x1b[31m\x9bb.mp3"
    (music / name).write_bytes(b"nothing")
    for arguments in (["index", music], ["doctor"], ["similar", name], ["--" + name], [name]):
        ran = run(*arguments)
        assert not set("\x1b\x9b") & set(ran.out + ran.err), arguments
    assert "\x9b" not in run("index", music, "--json").out
    (music / "two\nlines.mp3").write_bytes(b"nothing")
    assert run("similar", music / "two\nlines.mp3").err.count("\n") == 1
    assert "[/x]" in run("search", "low", "--model", "no[/x]model").err


def test_a_terminal_that_cannot_print_a_letter_gets_an_escape(
    music: Path, run: Run, tmp_path: Path
) -> None:
    run("index", music)
    (music / "low.flac").rename(music / "日本.flac")
    run("index", music)
    command = "from tunespace.cli import main; main()"
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PYTHONIOENCODING": "cp1252",
        "TUNESPACE_LIBRARY": str(tmp_path / "library"),
    }
    for arguments in (["search", "low"], ["list"], ["search", "low", "--where", "title = 日本"]):
        done = subprocess.run(  # noqa: S603 - this interpreter
            [sys.executable, "-c", command, *arguments],
            env=environment,
            capture_output=True,
            check=False,
        )
        assert b"Traceback" not in done.stderr
        assert done.returncode == 0
