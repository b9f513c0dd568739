"""A device for scripts that block."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from typing import Any, Callable, Coroutine, Optional, TypeVar

from .async_device import AsyncDevice
from .counters import Counters
from .link import DeviceStatus
from .options import Options
from .peer_inbox import PeerHandlers
from .sample import Sample

_Result = TypeVar("_Result")


class Device:
    """One device and its link to Wattboard, on a thread of its own, for `with` or from `start` to `stop`. All methods may be called from any thread.

    What is left out comes from the environment, and `options` are those of `Options`. Raises DeviceConfigurationError.
    """

    def __init__(self, device_id: str = "", token: str = "", url: str = "", **options: Any) -> None:
        self._device = AsyncDevice(Options(device_id, token, url, **options), gives_commands=False)
        self._loop = asyncio.new_event_loop()
        self._thread: Optional[threading.Thread] = None

    def __enter__(self) -> "Device":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def device_id(self) -> str:
        return self._device.device_id

    @property
    def status(self) -> DeviceStatus:
        return self._device.status

    @property
    def counters(self) -> Counters:
        return self._device.counters

    def start(self) -> None:
        """Opens the journal and begins to connect. Raises DeviceConfigurationError for a journal that cannot be used."""
        self._thread = threading.Thread(target=self._loop.run_forever, name="wattboard-device", daemon=True)
        self._thread.start()
        try:
            self._call(self._device.start())
        except BaseException:
            self._end_thread()
            raise

    def stop(self) -> None:
        """Closes the link and the journal. What the server has not acknowledged goes with the next start. May be called twice."""
        if self._thread is not None:
            self._call(self._device.stop())
            self._end_thread()

    def send(self, sample: Sample) -> bool:
        """Keeps a sample until the server has it, and sends it if there is a link; never waits for the network. False where it is too big. Raises TypeError
        or ValueError for what is no sample.
        """
        return self._device.send_now(sample)

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Waits until the server has stored all that was sent, and tells whether it has."""
        return self._call(self._device.flush(timeout_s))

    def subscribe_peers(self, handlers: PeerHandlers) -> Callable[[], None]:
        """Begins to get the samples of other devices; the handlers are called on the device's thread. Gives what ends it."""

        async def subscribe() -> Callable[[], None]:
            return self._device.subscribe_peers(handlers)

        unsubscribe = self._call(subscribe())

        def unsubscribe_soon() -> None:
            self._loop.call_soon_threadsafe(unsubscribe)

        return unsubscribe_soon

    def _call(self, doing: "Coroutine[Any, Any, _Result]") -> _Result:
        future: "concurrent.futures.Future[_Result]" = asyncio.run_coroutine_threadsafe(doing, self._loop)
        return future.result()

    def _end_thread(self) -> None:
        thread, self._thread = self._thread, None
        self._call(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        if thread is not None:
            thread.join()
        self._loop.close()
