from pathlib import Path

from helios_nautilus.dashboard.security_log import SecurityLog


def test_the_file_that_follows_a_full_one_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "dashboard" / "security.log"
    path.parent.mkdir()
    path.write_bytes(b"x" * 1_000_000)
    log = SecurityLog(path, lambda: 7)
    log.tell("wrong token", "/å" * 500, "10.0.0.1")
    log.close()
    (line,) = path.read_text("utf-8").splitlines()
    assert line == '{"ts_ns":7,"what":"wrong token","subject":"' + "/å" * 100 + '","source":"10.0.0.1"}'
    assert [each.stat().st_mode & 0o077 for each in path.parent.iterdir()] == [0, 0]
