"""A call of a REST API, from the resource that it means to the answer."""

from __future__ import annotations

from tollgate import log

from . import auth, context, cors, endpoint, validation
from .auth import readings
from .errors import GatewayError, answered, configuration
from .integrations import aws, http, mock
from .message import Call, EndpointRequest, EndpointResponse
from .model import Doc, Resource
from .paths import Router
from .services import Services


def execute(call: Call, services: Services) -> EndpointResponse:
    """What the client gets."""
    context.begin(call)
    try:
        _enter_stage(call, services)
        preflight = _route(call)
        if preflight is not None:
            return preflight
        auth.authorize(call, services)
        return run(call, services)
    except GatewayError as error:
        _log(call, error)
        return answered(error, call)


def run(call: Call, services: Services) -> EndpointResponse:
    """The method with its integration, once it is found and may be called. Raises GatewayError."""
    validation.validate(call)
    kind = call.integration.get("type")
    if kind == "HTTP_PROXY":
        return http.proxy(call, services)
    if kind == "AWS_PROXY":
        return aws.proxy(call, services)
    request = endpoint.request(call)
    return endpoint.response(call, _invoke(call, request, services), services.config.strict)


def _invoke(call: Call, request: EndpointRequest, services: Services) -> EndpointResponse:
    kind = call.integration.get("type")
    if kind == "MOCK":
        return mock.invoke(call, request, services.config.strict)
    if kind == "HTTP":
        return http.invoke(call, request, services)
    if kind == "AWS":
        return aws.invoke(call, request, services)
    raise configuration(f"there is no integration of type {kind}")


def _enter_stage(call: Call, services: Services) -> None:
    if call.api.about.get("disableExecuteApiEndpoint") in (True, "true") and not call.base_path.startswith("/restapis/"):
        raise GatewayError("FORBIDDEN")
    # A host without a path names no stage.
    if not call.stage or (services.config.strict and call.stage not in call.api.stages):
        raise GatewayError("FORBIDDEN", detail=f"{call.api.id} has no stage {call.stage}")
    call.stage_variables = call.api.stage_variables(call.stage)


def _route(call: Call) -> EndpointResponse | None:
    """Finds resource and method. The answer is there already for a preflight that no method is for."""
    router = call.api.prepared.get("router")
    if router is None:
        router = call.api.prepared["router"] = _router(call.api.resources)
    found = router.find(call.path, call.method)
    if found is None:
        preflight = cors.preflight(call) if router.has(call.path) else None
        if preflight is None:
            raise GatewayError("MISSING_AUTHENTICATION_TOKEN")
        return preflight
    (resource, verb), call.path_parameters = found
    enter(call, resource, verb)
    readings.check(call, lambda path: _method(router, path, call.method))
    if not call.integration:
        preflight = cors.preflight(call)
        if preflight is None:
            raise configuration(f"the method {verb} {resource.path} has no integration")
        return preflight
    return None


def _method(router: Router[tuple[Resource, str]], path: str, method: str) -> Doc | None:
    """The Method object that a path leads to."""
    found = router.find(path, method)
    if found is None:
        return None
    resource, verb = found[0]
    return resource.methods[verb]


def enter(call: Call, resource: Resource, verb: str) -> None:
    """The call is for this method."""
    call.resource = resource
    call.method_doc = resource.methods[verb]
    call.integration = call.method_doc.get("methodIntegration") or {}


def _router(resources: list[Resource]) -> Router[tuple[Resource, str]]:
    router: Router[tuple[Resource, str]] = Router()
    for resource in resources:
        router.add(resource.path, {verb: (resource, verb) for verb in resource.methods})
    return router


def _log(call: Call, error: GatewayError) -> None:
    """Says why a definition can't be carried out. What a client did wrong, it is told itself."""
    if error.detail:
        where = f"{call.api.id} {call.method} {call.path}"
        (log.warn if error.status >= 500 else log.info)(f"{where}: {error.detail}")
