"""Where an integration of type AWS goes: its URI, read and filled in.

An URI is `arn:aws:apigateway:REGION:SERVICE:path/PATH` or `arn:aws:apigateway:REGION:SERVICE:action/ACTION`
(https://docs.aws.amazon.com/apigateway/latest/api/API_Integration.html, `uri`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_URI = re.compile(r"arn:(?P<partition>aws[a-z-]*):apigateway:(?P<region>[a-z0-9-]*):(?P<service>[A-Za-z0-9.-]+):(?P<kind>path|action)/(?P<rest>.*)", re.S)
_STAGE_VARIABLE = re.compile(r"\$\{stageVariables\.([A-Za-z0-9_]+)\}")
_FUNCTION = re.compile(r"functions/(?P<function>.+?)/invocations$", re.S)


class BadUri(Exception):
    """The URI can't be read, or names what is not known."""


@dataclass(frozen=True)
class Target:
    region: str
    service: str
    """As the credential scope has it: `sqs`, `s3`, `states`, …"""
    kind: str
    """`path` or `action`."""
    rest: str
    """The path without its first slash, or the action."""


def read(uri: str) -> Target:
    """Reads an URI whose stage variables and placeholders are filled in. Raises BadUri."""
    match = _URI.fullmatch(uri or "")
    if match is None:
        raise BadUri(f"the integration's URI is {uri!r}: expected arn:aws:apigateway:REGION:SERVICE:path/… or :action/…")
    # `SUBDOMAIN.SERVICE` is for services with an address for each customer. The scope has the service alone.
    service = match["service"].rpartition(".")[2]
    return Target(match["region"], service, match["kind"], match["rest"])


def fill_stage_variables(text: str, variables: Mapping[str, str]) -> str:
    """`${stageVariables.NAME}` by its value; one that is not there becomes empty, as AWS does."""
    return _STAGE_VARIABLE.sub(lambda match: str(variables.get(match[1], "")), text)


def lambda_function(uri: str) -> str | None:
    """The function of an URI of Lambda (`…:lambda:path/2015-03-31/functions/FUNCTION/invocations`) or of a function's own ARN.

    None if the URI is for something else. The ARN is given as it is, with its alias or version.
    """
    if re.fullmatch(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d*:function:.+", uri or ""):
        return uri
    match = _URI.fullmatch(uri or "")
    if match is None or match["service"] != "lambda":
        return None
    found = _FUNCTION.search(match["rest"])
    return found["function"] if found else None


def lambda_region(function: str, default: str) -> str:
    """The region in a function's ARN, else the default."""
    parts = function.split(":")
    return parts[3] if len(parts) > 3 and parts[3] else default
