// Package requestbody is for plugins that rewrite the body of a request on its way to the backend. A plugin that imports it exports the
// contract's interface request-body.
package requestbody

import "tollgate"

var body = tollgate.NewBodyExport("requestbody")

// On registers what is asked for each body whether the plugin wants it. Call it in an init function or in main.
func On(hook tollgate.BodyHook) { body.Register(hook) }
