#!/usr/bin/env python3
"""Writes the tables of this directory from the models of the installed botocore: run it with target/venv/bin/python.

services.txt    SIGNING-NAME KIND          of every service; KIND is rest, s3, or rpc (one path, the action named elsewhere)
content.txt     SIGNING-NAME METHOD PATH   operations whose request or response is the user's own bytes
operations.txt  SIGNING-NAME METHOD PATH NAME   operations of the REST services that emulators have

In a path `*` is one segment and `**` any number. A `?` is followed by parameters that the query must have.
"""

import re
from pathlib import Path

import botocore.session

HERE = Path(__file__).parent
# Whose operations chaos knows by name.
NAMED = """apigateway appconfig appsync backup batch cloudfront eks elasticfilesystem es glacier kafka lambda mq pipes
    route53 s3 scheduler ses xray""".split()
# Blobs that are documents of the API: OpenAPI, and lists of keys.
DOCUMENTS = {"ImportApiKeys", "ImportDocumentationParts", "ImportRestApi", "PutRestApi", "GetExport", "ExportApi"}
# Not an API of AWS but of its users.
FOREIGN = {"execute-api"}


def pattern(model, operation):
    """The operation's path, and the parameters that tell it from others."""
    uri = operation.http["requestUri"]
    path, _, query = uri.partition("?")
    path = re.sub(r"\{[^}]+\+\}", "**", path)
    path = re.sub(r"\{[^}]+\}", "*", path).rstrip("/") or "/"
    wanted = [part for part in query.split("&") if part]
    if model.signing_name == "s3" and operation.input_shape is not None:
        shape = operation.input_shape
        for name in shape.required_members:
            place = shape.members[name].serialization
            if place.get("location") == "querystring":
                wanted.append(place["name"])
            if place.get("location") == "header" and place["name"] == "x-amz-copy-source":
                wanted.append("header:x-amz-copy-source")
    return path + ("?" + "&".join(wanted) if wanted else "")


def is_content(shape):
    payload = shape.serialization.get("payload") if shape is not None else None
    return payload is not None and shape.members[payload].type_name in ("blob", "string")


def main():
    session = botocore.session.get_session()
    services, content, operations = {}, set(), set()
    for name in session.get_available_services():
        model = session.get_service_model(name)
        service = model.signing_name
        if service in FOREIGN:
            continue
        rest = model.metadata["protocol"].startswith("rest")
        kinds = services.setdefault(service, set())
        kinds.add("s3" if service == "s3" and name == "s3" else "rest" if rest else "rpc")
        if not rest:
            continue
        for operation in map(model.operation_model, model.operation_names):
            line = f"{service} {operation.http['method']} {pattern(model, operation)}"
            if name != "s3" and operation.name not in DOCUMENTS:
                if is_content(operation.input_shape) or is_content(operation.output_shape):
                    content.add(line)
            if service in NAMED and (service != "s3" or name == "s3"):
                operations.add(f"{line} {operation.name}")
    write("services.txt", (f"{name} {'+'.join(sorted(kinds))}" for name, kinds in services.items()))
    write("content.txt", content)
    write("operations.txt", operations)


def write(name, lines):
    (HERE / name).write_text("".join(f"{line}\n" for line in sorted(lines)))


main()
