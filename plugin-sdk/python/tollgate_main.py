"""Where the build begins: the plugin's module, held to what the host will call."""

import plugin

from tollgate._main import checked

Interceptor = checked(plugin)
