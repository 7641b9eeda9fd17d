"""Rules of every test run. Where CI is set, a skipped test fails it: there all can be installed."""

import os
import signal

import pytest

pytest_plugins = ["tests.hub.databases"]


def pytest_configure() -> None:
    """A run under nohup has SIGHUP ignored; a daemon that inherits that would not end by it."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Turn skips into a failure in CI, so that a missing tool cannot hide a test."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not os.environ.get("CI"):
        return
    skipped = reporter.stats.get("skipped", [])
    if skipped and exitstatus == pytest.ExitCode.OK:
        reporter.ensure_newline()
        reporter.write_line(f"{len(skipped)} skipped: in CI that is a failure", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
