"""Keep the gateways to each account, so that clients and their connections are made once."""

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
    """Opens gateways. Safe to use from many threads; keeps the last ``MOST_KEPT`` accounts."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._lock = threading.Lock()
        self._kept: OrderedDict[AccountAccess, dict[bool, BotoGateway]] = OrderedDict()

    def open(self, access: AccountAccess, *, urgent: bool = False) -> AwsGateway:
        """Give the gateway to an account; nothing is called yet.

        ``urgent`` ones, for operations, go before all others in the rate pools.
        """
        with self._lock:
            gateways = self._kept.get(access) or self._make(access)
            self._kept[access] = gateways
            self._kept.move_to_end(access)
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
            return gateways[urgent]

    def forget(self, access: AccountAccess) -> None:
        """Drop what is kept for an account, as after a change of its credentials."""
        with self._lock:
            self._kept.pop(access, None)

    def _make(self, access: AccountAccess) -> "dict[bool, BotoGateway]":
        """Make both gateways: one session, so a role is assumed once, but clients of their own."""
        # boto3 takes a fifth of a second to import, and `sah --help` needs none of it.
        from sah.aws.boto import BotoGateway  # noqa: PLC0415
        from sah.aws.clients import Clients  # noqa: PLC0415
        from sah.aws.credentials import Session  # noqa: PLC0415

        session = Session(access)
        account = _account_key(access)
        return {
            urgent: BotoGateway(
                Clients(session, self._limits.open_lane(account, access.region, urgent=urgent))
            )
            for urgent in (False, True)
        }


def _account_key(access: AccountAccess) -> str:
    """Tell AWS accounts apart without asking AWS.

    Two keys of one AWS account count as two: then a 429 slows both down.
    """
    role = _ROLE_ACCOUNT.match(access.role_arn)
    return f"{access.endpoint_url} {role.group(1) if role else access.access_key_id}"
