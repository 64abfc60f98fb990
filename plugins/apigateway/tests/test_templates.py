"""Templates: Velocity as AWS's templates use it, `$input` and `$util`."""

import pytest
from apigateway import context, vtl
from apigateway.errors import GatewayError
from apigateway.message import Call
from apigateway.model import Api

BODY = b'{"a": {"b": [1, 2, {"c": "x y"}]}, "s": "it\'s \\"q\\"", "t": true, "n": null, "list": ["p", "q"], "empty": ""}'


def call(body=BODY):
    api = Api("abc", "REST", "us-east-1", "123456789012", {}, [], [], {}, {}, {}, {}, {}, {}, [], [])
    given = {"stage": "dev", "method": "GET", "path": "/x", "source_ip": "192.0.2.1", "host": "h"}
    made = Call(api=api, query=[("q", "1"), ("q", "2")], fields=[("x-my", "v")], body=body, **given)
    made.path_parameters = {"id": "7"}
    made.stage_variables = {"colour": "red"}
    context.begin(made)
    return made


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ('{"statusCode": 200}', '{"statusCode": 200}'),
        ('$input.json("$.a")', '{"b":[1,2,{"c":"x y"}]}'),
        ("$input.json('$')", '{"a":{"b":[1,2,{"c":"x y"}]},"s":"it\'s \\"q\\"","t":true,"n":null,"list":["p","q"],"empty":""}'),
        ("$input.path('$.a.b[2].c')", "x y"),
        ("$input.path('$.a')", '{b=[1,2,{"c":"x y"}]}'),
        ("$input.path('$.list')", '["p","q"]'),
        ("$input.path('$.nope')|$input.json('$.nope')", '|""'),
        ("$input.json('$..c') $input.json('$.list[0]') $input.json(\"$['list']\")", '["x y"] "p" ["p","q"]'),
        ("$input.path('$.t') $input.path('$.n')|", "true |"),
        ("#set($root=$input.path('$'))#foreach($i in $root.list)$i#if($foreach.hasNext),#end#end", "p,q"),
        ("$input.path('$.list').size() $input.path('$.list')[1] $input.path('$.list').get(0)", "2 q p"),
        ("$util.escapeJavaScript($input.path('$.s'))", "it\\'s \\\"q\\\""),
        ("$util.parseJson('{\"k\":[1,true]}').k", "[1,true]"),
        ("$util.base64Encode('hé') $util.base64Decode('aMOp') $util.urlEncode('a b&') $util.urlDecode('a+b')", "aMOp hé a+b%26 a b"),
        ("$input.params('id') $input.params('q') $input.params('X-My') $input.params('none')|", "7 2 v |"),
        ("$input.params().header.get('X-My') $input.params().querystring", "v {q=2}"),
        ("#foreach($p in $input.params().path.keySet())$p=$input.params().path.get($p)#end", "id=7"),
        ("#foreach($e in $input.params().path.entrySet())$e.key=${e.value}#end", "id=7"),
        ("$stageVariables.colour ${stageVariables.colour} $stageVariables.get('colour')", "red red red"),
        ("$context.stage $context.identity.sourceIp $context.nothing|", "dev 192.0.2.1 |"),
        ("# set($x = 5)\n$x", "5"),
        ("a#$context.stage b#${context.stage}", "a#dev b#dev"),
        ("#set($Integer = 0)$Integer.parseInt('12')", "12"),
        ("#set($s='ABC')$s.toLowerCase() $s.substring(1) $s.replaceAll('B','z') $s.indexOf('q') $s.trim() $s.length()", "abc BC AzC -1 ABC 3"),
        ("#set($m = {'a': 1})#set($l = ['x', 2])$m $l $m.size() $m.containsKey('a')", "{a=1} [x, 2] 1 true"),
        ("#set($x = $input.path('$.a.b'))#set($y = $x[0] + 5)$y", "6"),
        ("#if($input.path('$.t') == true)yes#{else}no#end", "yes"),
        ("#if($input.path('$.empty') != '')full#elseif(!$input.path('$.nope'))nothing#end", "nothing"),
        ("#define($f)hello#end$f", "hello"),
        ("#macro(hi $n)hi $n#end#hi('bob')", "hi bob"),
        ("#* comment *#A## the rest\nB", "AB"),
        ("costs \\$5", "costs $5"),
        ("", ""),
    ],
)
def test_template(template, expected):
    assert vtl.render(call(), template, BODY, "body") == expected


@pytest.mark.parametrize(("template", "expected"), [("$input.body", "{}"), ("$input.json('$')", "{}"), ("$input.path('$.a')|", "|")])
def test_without_a_body(template, expected):
    assert vtl.render(call(b""), template, b"", "body") == expected


@pytest.mark.parametrize(
    "template",
    ["#foreach($a in", "#set($x =", "$input.json('$[')", "$util.parseJson('{')", "$input.nothing('$.a')[0].b", 
     "#set($x = 1 / 0)$x", "#include('/etc/passwd')"],
)
def test_a_template_that_fails_is_a_configuration_error(template):
    with pytest.raises(GatewayError) as error:
        vtl.render(call(), template, BODY, "body")
    assert error.value.kind == "API_CONFIGURATION_ERROR" and error.value.detail
    assert error.value.message == "Internal server error"


def test_a_body_that_is_no_json_is_an_error_only_if_it_is_read():
    assert vtl.render(call(b"{no"), "$input.body", b"{no", "body") == "{no"
    with pytest.raises(GatewayError):
        vtl.render(call(b"{no"), "$input.json('$')", b"{no", "body")


def test_overrides_are_set_for_this_call_alone():
    first, second = call(), call()
    vtl.render(first, '#set($context.responseOverride.status = 404)#set($context.responseOverride.header.X-A = "1")', b"", "answer")
    assert first.context["responseOverride"] == {"status": 404, "header": {"X-A": "1"}}
    assert second.context["responseOverride"] == {"status": None, "header": {}}


def test_templates_are_read_once_for_a_definition():
    made = call()
    vtl.render(made, "$input.params('id')", b"", "body")
    kept = dict(made.api.prepared)
    for number in range(50):
        made.path_parameters = {"id": str(number)}
        assert vtl.render(made, "$input.params('id')", str(number).encode(), "body") == str(number)
    assert made.api.prepared == kept
