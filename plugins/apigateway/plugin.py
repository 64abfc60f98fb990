"""API Gateway in front of a mock of AWS: requests to an API are answered as its resources say, everything else passes."""

from tollgate import Plugin

from apigateway.config import Config
from apigateway.entry import Gateway


class Interceptor(Plugin):
    def start(self):
        self.gateway = Gateway(Config.read())

    def forward_request(self):
        return self.gateway.forward()

    def return_response(self):
        self.gateway.back()
