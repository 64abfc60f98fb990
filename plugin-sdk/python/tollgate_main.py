"""Where the build begins: the plugin's module, held to what the host will call."""

import plugin

from tollgate._main import exports

# Interceptor, Lifecycle, and the classes of bodies that the plugin rewrites.
globals().update(exports(plugin))
