"""The samples of other devices, over a device's own link."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional

PeerSample = Dict[str, Any]


class PeerHandlers(NamedTuple):
    #: Gets the newest sample of each peer, and then what comes: at most one a second of each.
    on_sample: Callable[[PeerSample], None]
    #: Told who the peers are, with each new link. There are none where the server refuses, and then it says why.
    on_peers: Optional[Callable[[List[str], Optional[str]], None]] = None


class PeerInbox:
    """The one subscription of a device to its peers. It outlives links: each new one asks again."""

    def __init__(
        self,
        ask: Callable[[bool], bool],
        refused: Callable[[str], None],
        failed: Callable[[str, BaseException], None],
    ) -> None:
        self._ask = ask
        self._refused = refused
        self._failed = failed
        self._handlers: Optional[PeerHandlers] = None

    def subscribe(self, handlers: PeerHandlers) -> Callable[[], None]:
        """Gives what ends it. A newer subscription takes the place of the one before."""
        self._handlers = handlers
        self._ask(True)

        def unsubscribe() -> None:
            if self._handlers is handlers:
                self._handlers = None
                self._ask(False)

        return unsubscribe

    def linked(self) -> None:
        """There is a new link."""
        if self._handlers is not None and not self._ask(True):
            self._tell([], "The server does not speak wattboard.v1, and tells nobody of others.")

    def peers(self, frame: Mapping[str, Any]) -> None:
        # After an unsubscribe comes the answer to it, and perhaps one that was on its way.
        if self._handlers is not None:
            self._tell(frame["device_ids"], frame.get("reason"))

    def sample(self, sample: PeerSample) -> None:
        try:
            if self._handlers is not None:
                self._handlers.on_sample(sample)
        except Exception as error:
            self._failed("on_sample", error)

    def _tell(self, device_ids: List[str], reason: Optional[str]) -> None:
        if reason is not None:
            self._refused(reason)
        try:
            if self._handlers is not None and self._handlers.on_peers is not None:
                self._handlers.on_peers(device_ids, reason)
        except Exception as error:
            self._failed("on_peers", error)
