// Gives the exports of `exports.ts` the names of the contract: asc takes only identifiers.

const NAMES = {
  forwardRequest: "tollgate:proxy/interceptor@0.1.0#forward-request",
  returnResponse: "tollgate:proxy/interceptor@0.1.0#return-response",
};

export default class RenameExports {
  afterCompile(module) {
    for (const [name, contractName] of Object.entries(NAMES)) {
      const found = module.getExport(name);
      if (!found) throw new Error(`no export ${name}: is tollgate/exports.ts an entry file of this build?`);
      const { value } = this.binaryen.getExportInfo(found);
      module.removeExport(name);
      module.addFunctionExport(value, contractName);
    }
  }
}
