// Package background is for plugins that work without an exchange. A plugin that imports it exports the contract's interface background.
package background

import "tollgate"

var work = tollgate.NewBackgroundExport()

// On registers what is called as soon as a version of the plugin serves, and then at the interval `background.every` of its
// configuration. It runs on an instance of its own: what it finds out is passed to the hooks by [tollgate.State]. Its error is logged, and
// the host waits longer then. Call On in an init function or in main.
func On(tick func() error) { work.Register(tick) }
