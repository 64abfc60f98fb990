// Package responsebody is for plugins that rewrite the body of a response on its way to the client. A plugin that imports it exports the
// contract's interface response-body.
package responsebody

import "tollgate"

var body = tollgate.NewBodyExport("responsebody")

// On registers what is asked for each body whether the plugin wants it. Call it in an init function or in main.
func On(hook tollgate.BodyHook) { body.Register(hook) }
