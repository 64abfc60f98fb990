"""The Python plugin that reload.py replaces again and again. It tells its version in a response field.

The version stands in the memory that componentize-py stores in the component, where the bench overwrites it.
"""

from wit_world import exports
from wit_world.exports.interceptor import Verdict
from wit_world.imports import response

VERSION = b"reload-bench-0000000000"


class Interceptor(exports.Interceptor):
    def forward_request(self) -> Verdict:
        return Verdict.FORWARD

    def return_response(self) -> None:
        response.set_field("x-version", VERSION)
