"""What the plugin aws-extras is configured with where it works in the background."""

IN_BACKGROUND = """[plugin.aws-extras.background]
every = "100ms"

[plugin.aws-extras.allow]
state = true
http = ["http://127.0.0.1:*"]
http-private = ["127.0.0.0/8"]

[state]
store = "memory"
"""
