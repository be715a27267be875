"""Single checks, and how any check is made: in time, on its own, and without a secret."""

import threading
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helios_nautilus.errors import ConfigError
from helios_nautilus.node.doctor.examination import (
    LEVELS,
    Check,
    Finding,
    Level,
    examine,
    fail,
    find_secrets,
    ok,
    warn,
)
from helios_nautilus.node.doctor.kept import check_spool
from helios_nautilus.node.doctor.keys import check_alert_address, check_model_keys
from helios_nautilus.node.doctor.machine import check_disk, check_extras, check_gpu, check_packages, check_python
from tests.unit.journal.ledger import make_rows, open_small

KEY = "sk-0123456789abcdef"


def raising(error: Exception) -> Check:
    def look() -> Finding:
        raise error

    return Check(name="thing", look=look, cure="mend it")


def test_a_finding_becomes_a_line_of_its_name() -> None:
    line = examine(Check(name="thing", look=lambda: warn("it is old", "get a new one")))
    assert (line.name, line.level, line.words, line.cure) == ("thing", "warn", "it is old", "get a new one")


def test_a_check_that_hangs_fails_in_words_and_is_left_behind() -> None:
    forever = threading.Event()

    def hang() -> Finding:
        forever.wait()
        return ok("at last")

    line = examine(Check(name="thing", look=hang, deadline_secs=0.01, cure="mend it"))
    forever.set()
    assert (line.level, line.words, line.cure) == ("fail", "no answer within 0.01 s", "mend it")


@pytest.mark.parametrize("error", [ConfigError("thing: no  such\nfield"), OSError("thing: no  such\nfield")])
def test_an_error_meant_for_the_user_is_told_in_its_own_words_on_one_line(error: Exception) -> None:
    line = examine(raising(error))
    assert (line.level, line.words, line.cure) == ("fail", "thing: no such field", "mend it")


def test_a_check_that_crashes_is_a_failure_and_no_traceback() -> None:
    line = examine(raising(ModuleNotFoundError("No module named 'torch'")))
    assert (line.level, line.words) == ("fail", "this check broke: ModuleNotFoundError: No module named 'torch'")


@pytest.mark.parametrize("worst", LEVELS)
@pytest.mark.parametrize("found", LEVELS)
def test_no_finding_counts_for_more_than_its_check_allows(worst: Level, found: Level) -> None:
    line = examine(Check(name="thing", look=lambda: Finding(found, "so it is"), worst=worst))
    assert line.level == LEVELS[min(LEVELS.index(worst), LEVELS.index(found))]


@given(st.text("0123456789", min_size=6), st.text(), st.text())
def test_no_secret_is_in_a_line_whatever_stands_around_it(secret: str, before: str, after: str) -> None:
    words = f"{before}{secret}{after}"
    line = examine(Check(name="thing", look=lambda: fail(words, words)), find_secrets({"VALR_API_SECRET": secret}))
    assert secret not in line.words
    assert line.cure == line.words
    assert "\n" not in line.words


def test_a_secret_in_a_crash_is_hidden() -> None:
    assert KEY not in str(examine(raising(ValueError(f"bad header: {KEY}")), find_secrets({"A_KEY": KEY})))


@pytest.mark.parametrize(
    ("environ", "names", "secrets"),
    [
        ({"VALR_API_KEY": KEY, "PATH": "/usr/local/bin"}, (), {KEY}),
        ({"VALR_API_SECRET": f" {KEY} "}, (), {KEY}),
        ({"HF_TOKEN": KEY, "PGPASSWORD": "hunter22"}, (), {KEY, "hunter22"}),
        ({"MY_CLAUDE": KEY}, ("MY_CLAUDE",), {KEY}),
        ({"USE_KEY": "1"}, (), set()),
        (
            {"HELIOS_DATABASE_URL": "postgresql://me:open%40sesame@db/helios"},
            (),
            {"postgresql://me:open%40sesame@db/helios", "open%40sesame", "open@sesame"},
        ),
        ({"HELIOS_DATABASE_URL": "postgresql://[broken"}, (), {"postgresql://[broken"}),
    ],
)
def test_secrets_are_found_by_the_names_of_their_variables(
    environ: Mapping[str, str], names: tuple[str, ...], secrets: set[str]
) -> None:
    assert set(find_secrets(environ, names)) == secrets


def test_a_secret_inside_a_longer_one_does_not_keep_it_from_being_hidden() -> None:
    secrets = find_secrets({"A_KEY": "abcdef", "B_KEY": "abcdefgh"})
    assert examine(Check(name="thing", look=lambda: ok("it is abcdefgh")), secrets).words == "it is [hidden]"


def test_this_installation_fits_what_is_declared() -> None:
    assert (check_python().level, check_packages().level, check_extras().level) == ("ok", "ok", "ok")


def test_a_missing_and_an_old_package_are_named_with_the_cure() -> None:
    def installed(name: str) -> str:
        if name == "scipy":
            raise PackageNotFoundError(name)
        return "1.26.4" if name == "numpy" else version(name)

    finding = check_packages(installed)
    assert (finding.level, finding.words) == ("fail", "numpy 1.26.4 is not >=2.1; scipy is missing")
    assert finding.cure == "pip install --upgrade helios-nautilus"


def test_without_an_extra_there_is_a_warning_and_what_to_install() -> None:
    def installed(name: str) -> str:
        if name == "anthropic":
            raise PackageNotFoundError(name)
        return version(name)

    finding = check_extras(installed)
    assert (finding.level, finding.words) == ("warn", "llm: anthropic is missing")
    assert finding.cure == "pip install --upgrade 'helios-nautilus[llm]'"


def test_a_gpu_that_torch_does_not_see_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert check_gpu(is_wanted=False, nvidia=tmp_path / "none").level == "ok"
    assert check_gpu(is_wanted=False, nvidia=tmp_path).level == "warn"
    assert check_gpu(is_wanted=True, nvidia=tmp_path / "none").level == "fail"
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert check_gpu(is_wanted=True) == ok("torch sees CUDA")


@pytest.mark.parametrize(
    ("free_gib", "level"), [(40.0, "ok"), (5.0, "ok"), (4.9, "warn"), (0.5, "warn"), (0.4, "fail")]
)
def test_the_fuller_the_disk_the_louder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_gib: float, level: Level
) -> None:
    class Usage:
        free = int(free_gib * 2**30)

    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage)
    finding = check_disk([tmp_path / "not" / "there" / "yet", tmp_path])
    assert finding.level == level
    assert finding.words == f"{free_gib:.1f} GB free at {tmp_path}"


def test_a_folder_that_may_not_be_written_to_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != tmp_path)
    finding = check_disk([tmp_path / "helios"])
    assert (finding.level, finding.words) == ("fail", f"{tmp_path}: may not be written to")


def test_a_spool_that_is_empty_or_in_use_is_well(tmp_path: Path) -> None:
    assert check_spool(tmp_path / "none") == ok("empty")
    living = open_small(tmp_path)
    living.append(make_rows(3))
    assert check_spool(tmp_path) == ok("empty")
    living.close()


def test_rows_of_a_killed_run_are_told_and_stay_for_the_next(tmp_path: Path) -> None:
    left = open_small(tmp_path)
    left.append(make_rows(3))
    left.close()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.rows")}
    finding = check_spool(tmp_path)
    assert finding.level == "warn"
    assert finding.words == f"{sum(map(len, before.values())):,} bytes of a killed run wait"
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.rows")} == before


def test_rows_that_the_journal_will_never_have_are_a_failure(tmp_path: Path) -> None:
    (tmp_path / "damaged").mkdir()
    assert check_spool(tmp_path).words == f"the journal lacks the rows in {tmp_path / 'damaged'}"
    (tmp_path / "refused.jsonl").write_bytes(b"{}\n")
    finding = check_spool(tmp_path)
    assert finding.level == "fail"
    assert finding.words.endswith(f"in {tmp_path / 'refused.jsonl'} and {tmp_path / 'damaged'}")


def test_without_a_configuration_the_key_of_claude_is_looked_for() -> None:
    assert check_model_keys(None, "live", {}) == ok("ANTHROPIC_API_KEY not set; nothing asks for it")
    assert check_model_keys(None, "live", {"ANTHROPIC_API_KEY": KEY}) == ok("ANTHROPIC_API_KEY set")


def test_a_key_that_cannot_be_one_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigError, match="ANTHROPIC_API_KEY holds characters") as caught:
        check_model_keys(None, "backtest", {"ANTHROPIC_API_KEY": "two words"})
    assert "two words" not in str(caught.value)


def test_who_is_told_of_what_happens_is_said_without_showing_where() -> None:
    address = "https://chat.example/hook/a-secret-path"
    assert check_alert_address({}).level == "warn"
    assert check_alert_address({"HELIOS_ALERT_URL": address}) == ok("HELIOS_ALERT_URL set, not signed")
    signed = {"HELIOS_ALERT_URL": address, "HELIOS_ALERT_SECRET": KEY}
    assert check_alert_address(signed) == ok("HELIOS_ALERT_URL set, signed")
    assert address in find_secrets(signed)
    with pytest.raises(ConfigError, match="is no http or https address"):
        check_alert_address({"HELIOS_ALERT_URL": "chat.example"})
