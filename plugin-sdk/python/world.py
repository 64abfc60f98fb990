"""A step of the build, in any Python: writes the world of a plugin, which says what it imports and exports.

    python world.py PROJECT WORLD.wit

componentize-py makes a plugin import all of its world, and what reaches beyond the exchange must be granted. So a plugin gets
`state`, `client`, `backends` and `metrics` if one of its modules imports them from `tollgate`, the exports of `RequestBody` and
`ResponseBody` if `plugin.py` has them, and that of background work if its class `Interceptor` has a `tick`. `tollgate._main` compares: what is not found here ends the build.
"""

import ast
import os
import sys
from collections.abc import Iterator
from pathlib import Path

SERVICES = ("backends", "client", "metrics", "state")
BODIES = {"RequestBody": "request-body", "ResponseBody": "response-body"}
# The helper itself, what comes of a build, and what never gets into a plugin.
OTHERS = {"tollgate", "build", "tests", "wit", "node_modules", "__pycache__"}


def modules(project: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(project):
        folders[:] = sorted(name for name in folders if name not in OTHERS and not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(files) if name.endswith(".py"))


def parsed(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        # Python itself says it better, when it imports the module.
        return ast.Module([], [])


def services(module: ast.Module) -> set[str]:
    """The services that a module takes from `tollgate`."""
    used: set[str] = set()
    # What the module calls the package: `import tollgate as t`.
    packages: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            if node.module == "tollgate":
                used.update(alias.name for alias in node.names)
            elif (node.module or "").startswith("tollgate."):
                used.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            for alias in node.names:
                package, _, rest = alias.name.partition(".")
                if package == "tollgate":
                    used.add(rest)
                    packages.add(package if alias.asname is None or rest else alias.asname)
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in packages:
            used.add(node.attr)
    return used & set(SERVICES)


def bound(module: ast.Module) -> set[str]:
    """The names that a module has at its top level by a class, an import or an assignment."""
    names: set[str] = set()
    for node in module.body:
        if isinstance(node, ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def ticks(module: ast.Module) -> bool:
    """Whether the class `Interceptor` has a method `tick`."""
    classes = (node for node in module.body if isinstance(node, ast.ClassDef) and node.name == "Interceptor")
    return any(isinstance(node, ast.FunctionDef) and node.name == "tick" for kind in classes for node in kind.body)


def world(project: Path) -> str:
    used = sorted(set().union(*(services(parsed(path)) for path in modules(project))))
    plugin = parsed(project / "plugin.py")
    names = bound(plugin)
    exports = ["lifecycle", *(interface for name, interface in BODIES.items() if name in names)]
    exports += ["background"] if ticks(plugin) else []
    lines = ["include tollgate:proxy/plugin@0.1.0;"]
    lines += [f"import tollgate:proxy/{interface}@0.1.0;" for interface in used]
    lines += [f"export tollgate:proxy/{interface}@0.1.0;" for interface in exports]
    return "package tollgate:made;\n\nworld made {\n" + "".join(f"  {line}\n" for line in lines) + "}\n"


if __name__ == "__main__":
    directory, target = sys.argv[1:]
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    Path(target).write_text(world(Path(directory)))
