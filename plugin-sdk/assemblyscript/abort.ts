// What `throw`, a failed `assert` and an index out of bounds do: say so in the host's log and end the instance. The build
// puts it in the place of AssemblyScript's own by `--use abort=tollgate/abort/abort`.

import { log } from "./exchange";

export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const what = message ? message : "aborted";
  const where = file ? file : "?";
  log.critical(what + " (" + where + ":" + line.toString() + ":" + column.toString() + ")");
  unreachable();
}
