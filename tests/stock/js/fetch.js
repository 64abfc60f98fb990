// A plugin of tollgate's that asks the URL in the field x-url by JavaScript's own fetch, and answers with what came of it.

import { field } from "tollgate:proxy/request@0.1.0";
import { setBody, setStatus } from "tollgate:proxy/response@0.1.0";

export const interceptor = {
  async forwardRequest() {
    const url = field("x-url");
    if (url === undefined) return "forward";
    try {
      const response = await fetch(new TextDecoder().decode(url), { headers: { "x-by": "fetch" } });
      setStatus(response.status);
      setBody(new Uint8Array(await response.arrayBuffer()));
    } catch (error) {
      setStatus(502);
      setBody(new TextEncoder().encode(`${error}`));
    }
    return "respond";
  },

  returnResponse() {},
};
