"""Keep one gateway per account, so that clients and their connections are made once."""

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from sah.aws.gateway import AccountAccess, AwsGateway

if TYPE_CHECKING:
    from sah.aws.boto import BotoGateway

MOST_KEPT = 64


class Connections:
    """Opens gateways. Safe to use from many threads; keeps the last ``MOST_KEPT``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[AccountAccess, bool], BotoGateway] = OrderedDict()

    def open(self, access: AccountAccess, *, urgent: bool = False) -> AwsGateway:
        """Give the gateway to an account; nothing is called yet.

        ``urgent`` ones, for operations, go before all others in the rate pools.
        """
        key = (access, urgent)
        with self._lock:
            gateway = self._kept.get(key) or self._make(access, urgent=urgent)
            self._kept[key] = gateway
            self._kept.move_to_end(key)
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
            return gateway

    def forget(self, access: AccountAccess) -> None:
        """Drop what is kept for an account, as after a change of its credentials."""
        with self._lock:
            for urgent in (False, True):
                self._kept.pop((access, urgent), None)

    def _make(self, access: AccountAccess, *, urgent: bool) -> "BotoGateway":
        # boto3 takes a fifth of a second to import, and `sah --help` needs none of it.
        from sah.aws.boto import BotoGateway  # noqa: PLC0415
        from sah.aws.clients import Clients  # noqa: PLC0415

        return BotoGateway(Clients(access))
