import importlib.util
import tempfile
import unittest
from pathlib import Path

_spec = importlib.util.spec_from_file_location("world", Path(__file__).resolve().parent.parent / "world.py")
_world = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_world)

ALWAYS = ["include tollgate:proxy/plugin@0.1.0", "export tollgate:proxy/lifecycle@0.1.0"]


class World(unittest.TestCase):
    def lines(self, **files):
        with tempfile.TemporaryDirectory() as directory:
            for name, content in files.items():
                path = Path(directory, f"{name.replace('__', '/')}.py")
                path.parent.mkdir(exist_ok=True)
                path.write_text(content)
            text = _world.world(Path(directory))
        head, _, body = text.partition("world made {\n")
        self.assertEqual(head, "package tollgate:made;\n\n")
        lines = [line.strip(" ;") for line in body.removesuffix("}\n").splitlines()]
        for line in ALWAYS:
            lines.remove(line)
        return [line.removeprefix("import tollgate:proxy/").removesuffix("@0.1.0") for line in lines]

    def test_what_a_module_takes_from_the_package_is_imported(self):
        for source, found in [
            ("from tollgate import Plugin", []),
            ("import tollgate", []),
            ("from tollgate import Plugin, state", ["state"]),
            ("from tollgate import client as http", ["client"]),
            ("from tollgate.state import get", ["state"]),
            ("import tollgate.client", ["client"]),
            ("import tollgate.client as http", ["client"]),
            ("import tollgate\ndef f(): tollgate.state.get('a')", ["state"]),
            ("import tollgate as t\nt.metrics.add('a')", ["metrics"]),
            ("def f():\n    from tollgate import state", ["state"]),
            ("from tollgate import backends", ["backends"]),
            # Names of others.
            ("from other import state\nstate.get()", []),
            ("import other\nother.state", []),
            ("from .tollgate import state", []),
            ("import other as tollgate\nx.tollgate.state", []),
            ("# from tollgate import state\n'import tollgate.state'", []),
        ]:
            self.assertEqual(self.lines(plugin=source), found, source)

    def test_all_modules_of_the_project_count_and_those_of_others_do_not(self):
        use = "from tollgate import state"
        self.assertEqual(self.lines(plugin="", vendor__a=use), ["state"])
        self.assertEqual(self.lines(plugin="import", other="from tollgate import client"), ["client"])
        for folder in ("tollgate", "build", "tests", ".venv"):
            self.assertEqual(self.lines(**{"plugin": "", f"{folder}__a": use}), [])

    def test_bodies_are_exported_if_the_plugin_has_their_classes(self):
        for source, found in [
            ("class ResponseBody(Body): pass", ["export tollgate:proxy/response-body"]),
            ("from other import Redact as RequestBody", ["export tollgate:proxy/request-body"]),
            ("RequestBody = ResponseBody = Redact", ["export tollgate:proxy/request-body", "export tollgate:proxy/response-body"]),
            ("ResponseBody: type = Redact", ["export tollgate:proxy/response-body"]),
            ("class Body:\n    class ResponseBody: pass", []),
        ]:  # fmt: skip
            self.assertEqual(self.lines(plugin=source), found, source)
        self.assertEqual(self.lines(plugin="", other="class ResponseBody(Body): pass"), [])

    def test_background_work_is_exported_if_the_interceptor_has_it(self):
        tick = "    def tick(self): pass"
        for source, found in [
            (f"class Interceptor(Plugin):\n{tick}", ["export tollgate:proxy/background"]),
            (f"class Other:\n{tick}", []),
            ("class Interceptor(Plugin):\n    def ticks(self): pass", []),
            ("def tick(self): pass", []),
        ]:
            self.assertEqual(self.lines(plugin=source), found, source)


if __name__ == "__main__":
    unittest.main()
