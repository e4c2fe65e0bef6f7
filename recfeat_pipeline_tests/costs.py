"""``pytest --costs``: processor seconds of each file's tests and of the dearest tests.

Unlike the clock's, they say the same on a busy machine. What a test's processes took counts once
they have ended and somebody has waited for them.
"""

import resource
from collections import defaultdict

import pytest

FILES, TESTS = 30, 30


class Costs:
    """The plug-in; under xdist the workers measure, and the reports carry it to the controller."""

    def __init__(self) -> None:
        self.of_files: dict[str, list[float]] = defaultdict(lambda: [0.0, 0])
        self.of_tests: list[tuple[float, str]] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item):
        item.began_at = used()
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item):
        try:
            return (yield)
        finally:
            item.user_properties.append(("cost", used() - item.began_at))

    def pytest_runtest_logreport(self, report):
        cost = dict(report.user_properties).get("cost")
        if report.when == "teardown" and cost is not None:
            of_file = self.of_files[report.nodeid.partition("::")[0]]
            of_file[0] += cost
            of_file[1] += 1
            self.of_tests.append((cost, report.nodeid))

    def pytest_terminal_summary(self, terminalreporter):
        total = sum(cost for cost, _ in self.of_tests)
        terminalreporter.section(f"{total:.0f} processor seconds")
        dearest = sorted(self.of_files.items(), key=lambda entry: -entry[1][0])[:FILES]
        for file, (cost, n) in dearest:
            terminalreporter.write_line(f"{cost:8.1f}  {n:5}  {file}")
        for cost, test in sorted(self.of_tests, reverse=True)[:TESTS]:
            terminalreporter.write_line(f"{cost:8.1f}  {test}")


def used() -> float:
    """Processor seconds of this process and of those that it has waited for."""
    return sum(
        of.ru_utime + of.ru_stime
        for of in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )
