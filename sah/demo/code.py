"""The code of the sample functions, zipped in memory and always to the same bytes."""

import io
import zipfile

from sah.demo.shop import Build

_WORKING = '''"""The {name} function of the shop, as of release {release}."""

import json


def handler(event, context):
    answer = {{"function": "{name}", "release": {release}, "ok": True}}
    return {{"statusCode": 200, "body": json.dumps(answer)}}
'''

_BROKEN = '''"""The {name} function of the shop, as of release {release}: a bad one."""


def handler(event, context):
    order = {{"items": []}}
    return {{"statusCode": 200, "body": order["address"]}}
'''

HELLO = '''"""The function of the introduction."""

import json


def hello(event, context):
    return {"statusCode": 200, "body": json.dumps({"message": "Hello"})}
'''

HELPER = '''"""Helps CloudFormation; the Serverless Framework makes no Version of such functions."""


def handler(event, context):
    return {"PhysicalResourceId": "shop-prod-images"}
'''


def shop_code(name: str, build: Build) -> bytes:
    """Zip what a shop function runs."""
    text = _BROKEN if build.broken else _WORKING
    return zip_code(text.format(name=name, release=build.release))


def zip_code(text: str) -> bytes:
    """Zip one ``handler.py``, with a fixed time, so that equal code has an equal hash."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("handler.py", (2024, 1, 1, 0, 0, 0)), text)
    return buffer.getvalue()
