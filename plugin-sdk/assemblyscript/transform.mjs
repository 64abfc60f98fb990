// Makes a plugin of what asc compiled: its exports get the names of the contract, which are no identifiers, and what the standard
// library imports from `env` becomes functions of `std.ts`.

const HOOKS = {
  forwardRequest: "tollgate:proxy/interceptor@0.1.0#forward-request",
  returnResponse: "tollgate:proxy/interceptor@0.1.0#return-response",
  startInstance: "tollgate:proxy/lifecycle@0.1.0#start",
};

/** What exports.ts has for bodies, and the function that registers each. A plugin that does not name it does not export them. */
const BODIES = {
  onRequestBody: { name: "request-body", begin: "requestBodyBegin" },
  onResponseBody: { name: "response-body", begin: "responseBodyBegin" },
};

/** Imports from `env`, and which exports of `std.ts` take their place. */
const STANDARD = {
  seed: "std_seed",
  trace: "std_trace",
  "Date.now": "std_date_now",
  "console.assert": "std_console_assert",
  "console.log": "std_console_log",
  "console.info": "std_console_log",
  "console.debug": "std_console_debug",
  "console.warn": "std_console_warn",
  "console.error": "std_console_error",
  "crypto.getRandomValuesN": "std_random_values",
};

/** Names that a hook gets by mistake, in lower case. */
const HOOK_LIKE = /^(forward|return|on|handle)?_?(request|response)s?(hook|handler)?$/;

export default class MakePlugin {
  /** The functions for bodies that the plugin's sources name. */
  registers = new Set();

  afterParse(parser) {
    for (const source of parser.sources) {
      if (source.isLibrary || source.normalizedPath.startsWith("tollgate/")) continue;
      for (const statement of source.statements) refuseHook(statement, source);
      for (const register of Object.keys(BODIES)) if (source.text.includes(register)) this.registers.add(register);
    }
  }

  afterCompile(module) {
    this.implementStandard(module);
    for (const [name, contractName] of Object.entries(HOOKS)) {
      module.addFunctionExport(this.exported(module, name), contractName);
      module.removeExport(name);
    }
    this.exportBodies(module);
  }

  exportBodies(module) {
    for (const [register, { name, begin }] of Object.entries(BODIES)) {
      const parts = { begin, piece: "bodyPiece", end: "bodyEnd" };
      for (const [part, exported] of Object.entries(parts)) {
        if (!this.registers.has(register)) continue;
        module.addFunctionExport(this.exported(module, exported), `tollgate:proxy/${name}@0.1.0#${part}`);
      }
    }
    for (const name of ["requestBodyBegin", "responseBodyBegin", "bodyPiece", "bodyEnd"]) module.removeExport(name);
  }

  implementStandard(module) {
    const targets = {};
    for (const name of new Set(Object.values(STANDARD))) {
      targets[name] = this.exported(module, name);
      module.removeExport(name);
    }
    const missing = [];
    for (const info of this.functions(module)) {
      if (info.module !== "env") continue;
      const target = targets[STANDARD[info.base]];
      if (target === undefined) missing.push(info.base);
      else this.replace(module, info, target);
    }
    if (missing.length) throw new Error(`a plugin has no ${missing.join(" and no ")}: nothing in the build defines it`);
  }

  /** Gives an import a body: a call of the function that takes its place. */
  replace(module, info, target) {
    const { binaryen } = this;
    const types = binaryen.expandType(info.params);
    const operands = types.map((type, index) => binaryen._BinaryenLocalGet(module.ptr, index, type));
    const call = module.call(target, operands, info.results);
    module.removeFunction(info.name);
    module.addFunction(info.name, info.params, info.results, [], call);
  }

  functions(module) {
    const all = Array.from({ length: module.getNumFunctions() }, (_, index) => module.getFunctionByIndex(index));
    return all.map((each) => this.binaryen.getFunctionInfo(each));
  }

  /** The function behind one of our exports. */
  exported(module, name) {
    const found = module.getExport(name);
    if (!found) throw new Error(`no export ${name}: is tollgate/exports.ts an entry file of this build?`);
    return this.binaryen.getExportInfo(found).value;
  }
}

/** A hook that is exported and not registered would silently not be called. */
function refuseHook(statement, source) {
  const name = statement.name?.text;
  const isExported = statement.flags & 2;
  if (name === undefined || !isExported || !HOOK_LIKE.test(name.toLowerCase())) return;
  const register = /response/i.test(name) ? "onResponse" : "onRequest";
  throw new Error(
    `${source.normalizedPath} exports ${name}, which nobody calls: a hook is registered, ${register}(() => { ... })`,
  );
}
