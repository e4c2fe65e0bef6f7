"""robots.txt, as RFC 9309 has it: which pages a site lets us read, and how fast."""

from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

AGENT = "recfeat_pipeline"


class Robots:
    """One site's rules.

    Args:
        status: of the answer to ``/robots.txt``; None: there was none.
        text: its body.
    """

    def __init__(self, status: int | None, text: str):
        self._rules = RobotFileParser()
        self._rules.modified()  # else it lets nothing through
        # No file: all may be read. A server in trouble: nothing, until it says so.
        self._all = status is not None and 400 <= status < 500
        self.is_unknown = status is None or status >= 500
        if status == 200:
            self._rules.parse(text.splitlines())

    def allows(self, url: str) -> bool:
        """Whether a page may be read."""
        return self._all or (not self.is_unknown and self._rules.can_fetch(AGENT, url))

    @property
    def delay(self) -> float:
        """Seconds that the site wants between two requests; 0 where it says nothing."""
        return 0.0 if self._all or self.is_unknown else float(self._rules.crawl_delay(AGENT) or 0)


def site_of(url: str) -> str:
    """Scheme, host and port: what one robots.txt speaks for."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
