"""A call of an HTTP API (version 2): its routes and `$default`, its integrations with parameter mapping, and CORS, which is the API's own."""

from __future__ import annotations

from tollgate import log

from . import auth, context, cors, parameters_v2
from .auth import readings
from .errors import GatewayError, answered, configuration
from .integrations import aws, http
from .message import Call, EndpointResponse, Fields
from .model import Api, Doc
from .paths import Router
from .services import Services

Routes = tuple[Router[Doc], Doc | None]
"""By path, and the route `$default`."""


def execute(call: Call, services: Services) -> EndpointResponse:
    """What the client gets."""
    context.begin(call)
    rules = call.api.about.get("corsConfiguration") or {}
    try:
        if call.api.kind != "HTTP":
            raise configuration(f"an API of the protocol {call.api.kind} can't be called by HTTP")
        if call.api.about.get("disableExecuteApiEndpoint") in (True, "true") and not call.base_path.startswith("/restapis/"):
            raise GatewayError("RESOURCE_NOT_FOUND")
        # moto makes no stage for an API that is created with a target, so an API without any is let pass.
        if call.stage not in call.api.stages and (services.config.strict or call.api.stages):
            raise GatewayError("RESOURCE_NOT_FOUND", detail=f"{call.api.id} has no stage {call.stage}")
        call.stage_variables = call.api.stage_variables(call.stage)
        # With rules of its own the API answers preflights itself, whatever its routes say.
        preflight = cors.of_api(call, rules)
        if preflight is not None:
            return preflight
        _route(call)
        auth.authorize(call, services)
        answer = _integrate(call, services)
    except GatewayError as error:
        if error.detail:
            log.warn(f"{call.api.id} {call.method} {call.path}: {error.detail}")
        answer = answered(error, call)
    answer.fields = cors.with_rules(call, rules, answer.fields)
    return answer


def _route(call: Call) -> None:
    """Finds the route and its integration."""
    routes: Routes | None = call.api.prepared.get("routes")
    if routes is None:
        routes = call.api.prepared["routes"] = _routes(call.api)
    router, default = routes
    found = router.find(call.path, call.method)
    if found is not None:
        call.method_doc, call.path_parameters = found
    elif default is not None:
        call.method_doc = default
    else:
        raise GatewayError("RESOURCE_NOT_FOUND")
    readings.check(call, lambda path: (router.find(path, call.method) or (default, None))[0])
    call.context["routeKey"] = call.method_doc["routeKey"]
    name = str(call.method_doc.get("target") or "").removeprefix("integrations/")
    if name not in call.api.integrations:
        raise configuration(f"the route {call.method_doc['routeKey']} has no integration")
    call.integration = call.api.integrations[name]


def _routes(api: Api) -> Routes:
    """`GET /pets/{id}`, `ANY /{proxy+}`, `$default`."""
    router: Router[Doc] = Router()
    default = None
    by_path: dict[str, dict[str, Doc]] = {}
    for route in api.routes:
        verb, _, path = route["routeKey"].partition(" ")
        if verb == "$default":
            default = route
        elif path:
            by_path.setdefault(path, {})[verb.upper()] = route
    for path, verbs in by_path.items():
        router.add(path, verbs)
    return router, default


def _integrate(call: Call, services: Services) -> EndpointResponse:
    kind = call.integration.get("integrationType")
    if kind == "AWS_PROXY":
        answer = aws.proxy(call, services)
    elif kind == "HTTP_PROXY":
        answer = _http(call, services)
    else:
        raise configuration(f"an HTTP API has no integration of type {kind}")
    rules = (call.integration.get("responseParameters") or {}).get(str(answer.status))
    if rules:
        parameters_v2.response(call, rules, answer)
    return answer


def _http(call: Call, services: Services) -> EndpointResponse:
    """The request as it came and as the parameters change it, and the answer as it comes."""
    mapped = parameters_v2.request(call, call.integration.get("requestParameters") or {})
    uri = call.integration.get("integrationUri") or ""
    method = call.integration.get("integrationMethod") or call.method
    answer = http.forward(call, services, call.method if method == "ANY" else method, uri, mapped)
    answer.fields = _without_hops(answer.fields)
    return answer


def _without_hops(fields: Fields) -> Fields:
    return [(name, value) for name, value in fields if name not in ("date", "server", "via")]
