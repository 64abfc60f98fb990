/* expect: the plugin has no hook: define tollgate::forward_request, tollgate::return_response or both */

#include "tollgate.hpp"
