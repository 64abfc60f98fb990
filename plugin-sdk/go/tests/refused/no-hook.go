// expect: the plugin has no hook: call tollgate.OnRequest, tollgate.OnResponse or both in an init function
package main

import _ "tollgate"

func main() {}
