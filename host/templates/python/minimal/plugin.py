from tollgate import Plugin, request, response


class Interceptor(Plugin):
    def forward_request(self):
        request.set_field("x-{{name}}", "hello")

    def return_response(self):
        response.set_field("x-{{name}}", "hello")
