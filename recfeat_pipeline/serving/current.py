"""Which state is served: a newly built store takes over without a pause."""

import logging
import threading
from collections.abc import Callable

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.serving.service import Service

logger = logging.getLogger(__name__)


class Current:
    """The service of the newest build; calling it gives the one to answer from now.

    A request keeps the service it began with. A build that cannot be read, because it is just being
    written for one, is tried again; until then the one before it answers. Once told to be warm, it
    takes over no build that is not.
    """

    def __init__(self, load: Callable[[], Service], build: Callable[[], str]):
        """``load`` reads the store; ``build`` names its present build, at little cost."""
        self._load, self._build = load, build
        self._seen = build()
        self._service = load()
        self._cold = False
        self._warms = False

    def __call__(self) -> Service:
        """The service to answer from now."""
        return self._service

    def refresh(self) -> bool:
        """Take over a newer build, if there is one; whether there was."""
        build = self._build()
        if build == self._seen:
            return False
        try:
            service = self._load()
            if self._warms:
                service.warm()
            self._service = service
        except RecfeatError as error:
            logger.warning("The newer build is not served yet: %s", error)
            return False
        self._seen = build
        return True

    @property
    def is_ready(self) -> bool:
        """Whether a request need not wait for what is loaded once."""
        return not self._cold

    def warm(self) -> threading.Thread:
        """Load in a thread of its own what a first request would wait for."""
        self._cold = self._warms = True

        def run() -> None:
            try:
                self._service.warm()
            except RecfeatError as error:
                logger.warning("Not everything could be loaded: %s", error)
            self._cold = False

        thread = threading.Thread(target=run, name="warm up", daemon=True)
        thread.start()
        return thread

    def watch(self, seconds: float) -> threading.Event:
        """Refresh every so many seconds, in a thread of its own, until the event is set."""
        stop = threading.Event()

        def run() -> None:
            while not stop.wait(seconds):
                self.refresh()

        threading.Thread(target=run, name="watch the store", daemon=True).start()
        return stop
