"""Amazon API Gateway's execution of APIs whose definitions a mock of AWS keeps.

Read in the order of a request: `entry` (is it for an API?) → `invoke` (REST) or `http_api` (HTTP APIs) → `paths` → `auth` → `validation` →
`parameters`, `vtl` (request) → `integrations` → `parameters`, `vtl` (response) → `errors`.
`model` and `message` are what they all speak of; `definitions` and `reading` get it from the backend.
"""
