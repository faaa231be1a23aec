"""Keep one gateway per account, so that clients and their connections are made once."""

import re
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from sah.aws.gateway import AccountAccess, AwsGateway
from sah.aws.limiter import Limits

if TYPE_CHECKING:
    from sah.aws.boto import BotoGateway

MOST_KEPT = 64

_ROLE_ACCOUNT = re.compile(r"arn:[^:]+:iam::(\d{12}):role/")


class Connections:
    """Opens gateways. Safe to use from many threads; keeps the last ``MOST_KEPT``."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
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

        lane = self._limits.open_lane(_account_key(access), access.region, urgent=urgent)
        return BotoGateway(Clients(access, lane))


def _account_key(access: AccountAccess) -> str:
    """Tell AWS accounts apart without asking AWS.

    Two keys of one AWS account count as two: then a 429 slows both down.
    """
    role = _ROLE_ACCOUNT.match(access.role_arn)
    return f"{access.endpoint_url} {role.group(1) if role else access.access_key_id}"
