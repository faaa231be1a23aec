"""Plain boto3 clients, as somebody without SAH would use them."""

from typing import Any

import boto3


def client(service: str, url: str, region: str = "eu-west-1") -> Any:  # noqa: ANN401 - made at run time
    """Make a client for an embedded AWS."""
    return boto3.client(  # type: ignore[call-overload]
        service,
        endpoint_url=url,
        region_name=region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
